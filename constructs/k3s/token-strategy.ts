import type { ITerraformDependable, TerraformStack } from "cdktf";
import type { Construct } from "constructs";

/** The longest time that a node waits for its tokens or for the server that it joins, in seconds: four hours. */
export const PATIENCE_SECONDS = 4 * 60 * 60;

/** A node of a cluster, as the scripts on the operator's machine see it. */
export interface ClusterMember {
  /** What it is in the cluster. */
  readonly role: "server" | "worker";
  /** Name of the Kubernetes node. */
  readonly name: string;
  /** IPv4 address, without a prefix. */
  readonly address: string;
}

/** How one node gets its tokens. */
export type NodeTokens =
  /** Terraform knows them: expressions, which are written into the node's user data. */
  | {
      /** Expression for the servers' token. Whoever has it is administrator of the cluster. */
      readonly server: string;
      /** Expression for the agents' token. It lets a machine join, and nothing else. */
      readonly agent: string;
    }
  /** The node makes them. One node of a cluster does so: its first server. */
  | {
      /** Always true. */
      readonly made: true;
    }
  /** Somebody brings them; the node waits for them, at most this long. */
  | {
      /** How many seconds it waits. */
      readonly waitSeconds: number;
    };

/** What a strategy needs to hand tokens over once the nodes are there. */
export interface HandOverContext {
  /** Where the strategy makes its resources. */
  readonly scope: Construct;
  /** The first server comes first. */
  readonly members: readonly ClusterMember[];
  /** User that SSH logs in as. */
  readonly user: string;
  /** How long it may take, in seconds. */
  readonly timeoutSeconds: number;
  /** Values that change when a VM is replaced. */
  readonly triggers: Readonly<Record<string, string>>;
  /** What must be there before SSH works. */
  readonly dependsOn: readonly ITerraformDependable[];
}

/** A strategy, put to work in one stack. */
export interface BoundTokens {
  /** How a node gets its tokens. `first`: whether it is the first server. */
  readonly ofNode: (first: boolean) => NodeTokens;
  /** Expression for the agents' token. @default Terraform does not know it */
  readonly agent?: string;
  /**
   * Brings the tokens from the first server to the other nodes, and returns what the wait for the nodes must wait for.
   * @default nothing has to be brought
   */
  readonly handOver?: (context: HandOverContext) => ITerraformDependable | undefined;
}

/** How the nodes of a cluster get their join tokens: `variableTokens` or `handedOverTokens`, or a strategy of your own. */
export interface TokenStrategy {
  /** Declares what the strategy needs on the stack, such as variables. Called once for each cluster. */
  readonly bind: (stack: TerraformStack) => BoundTokens;
}
