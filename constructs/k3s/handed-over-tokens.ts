import { OperatorScript } from "./operator-script";
import { type ClusterMember, PATIENCE_SECONDS, type TokenStrategy } from "./token-strategy";

/** Nodes in the form in which the operator's scripts take them: `NAME=ADDRESS`, with a space between two. */
export function pairs(members: readonly ClusterMember[]): string {
  return members.map(({ name, address }) => `${name}=${address}`).join(" ");
}

/**
 * The first server makes the tokens, and a script on the operator's machine brings them to the other nodes by SSH. They are neither in the
 * snippets nor in Terraform's state.
 */
export const handedOverTokens: TokenStrategy = {
  bind: () => ({
    ofNode: (first) => (first ? { made: true } : { waitSeconds: PATIENCE_SECONDS }),
    handOver: ({ scope, members, user, timeoutSeconds, triggers, dependsOn }) => {
      const [first, ...others] = members;
      if (!first || others.length === 0) return undefined;
      return new OperatorScript(scope, "hand-over", {
        resourceName: "token_hand_over",
        script: "hand-over-token.sh",
        environment: {
          SSH_USER: user,
          TIMEOUT_SECONDS: String(timeoutSeconds),
          FIRST_SERVER: pairs([first]),
          SERVERS: pairs(others.filter(({ role }) => role === "server")),
          WORKERS: pairs(others.filter(({ role }) => role === "worker")),
        },
        triggers,
        dependsOn: [...dependsOn],
      }).resource;
    },
  }),
};
