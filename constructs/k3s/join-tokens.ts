import { DataResource, type TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";

/** Where a node's tokens come from. */
export interface TokenSource {
  /** Expression for the servers' token; whoever has it is administrator of the cluster. */
  readonly server: string;
  /** Expression for the agents' token, which lets a machine join and nothing else. */
  readonly agent: string;
}

/**
 * The tokens that nodes join with, as two sensitive variables. They end up in the snippets and in the state.
 *
 * Declared on the stack itself: below a construct, CDKTF would give them hashed names, and their TF_VAR_ with them. K3s reads a token that
 * begins with K10, or that looks like a bootstrap token, as something else; 64 hexadecimal digits are neither.
 */
export class JoinTokens extends Construct implements TokenSource {
  readonly server: string;
  readonly agent: string;

  constructor(stack: TerraformStack, id: string) {
    super(stack, id);
    const variable = (name: string, description: string) =>
      new TerraformVariable(stack, name, {
        type: "string",
        sensitive: true,
        nullable: false,
        description,
      });
    variable(
      "k3s_server_token",
      "Token that K3s servers join with. Keep it with the backups of etcd: they cannot be restored without it.",
    );
    variable("k3s_agent_token", "Token that K3s workers join with. Another than the servers'.");
    // Not validations of the variables: Terraform 1.11 prints the value that one refuses, though the variable is sensitive.
    const checked = new DataResource(this, "checked");
    checked.overrideLogicalId("join_tokens");
    checked.addOverride(
      "lifecycle.precondition",
      ["k3s_server_token", "k3s_agent_token"].map((name) => ({
        condition: `\${can(regex("^[0-9a-f]{64}$", var.${name}))}`,
        error_message: `${name} must be 64 hexadecimal digits in lower case. Make one with: openssl rand -hex 32`,
      })),
    );
    this.server = "var.k3s_server_token";
    this.agent = "var.k3s_agent_token";
  }
}
