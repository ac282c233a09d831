import { TerraformOutput, TerraformVariable } from "cdktf";
import type { TokenStrategy } from "./token-strategy";

const SERVER = "k3s_server_token";
const AGENT = "k3s_agent_token";

/**
 * The tokens are two sensitive Terraform variables, `k3s_server_token` and `k3s_agent_token`. They end up in the snippets and in the state.
 *
 * They are variables of the stack itself, because below a construct CDKTF would give them, and their TF_VAR_, hashed names. Each must be 64
 * hexadecimal digits, because K3s reads a token that begins with K10, or that looks like a bootstrap token, as something else.
 */
export const variableTokens: TokenStrategy = {
  bind(stack) {
    const variable = (name: string, description: string) =>
      new TerraformVariable(stack, name, {
        type: "string",
        sensitive: true,
        nullable: false,
        description,
      });
    variable(SERVER, "Token that K3s servers join with. Keep it with the backups of etcd: they cannot be restored without it.");
    variable(AGENT, "Token that K3s workers join with. It must not be the servers' token.");
    // A precondition, not a validation of the variables: Terraform 1.11 prints the value of a sensitive variable that a validation refuses.
    // A precondition prints no value, and also stops the plan.
    const checked = new TerraformOutput(stack, "join_token_variables", {
      value: [SERVER, AGENT].map((name) => `TF_VAR_${name}`),
      description: "The variables of the environment that hold the join tokens. A plan refuses a token of another form.",
    });
    checked.addOverride(
      "precondition",
      [SERVER, AGENT].map((name) => ({
        condition: `\${can(regex("^[0-9a-f]{64}$", var.${name}))}`,
        error_message: `${name} must be 64 hexadecimal digits in lower case. Make one with: openssl rand -hex 32`,
      })),
    );
    const tokens = { server: `var.${SERVER}`, agent: `var.${AGENT}` };
    return { ofNode: () => tokens, agent: tokens.agent };
  },
};
