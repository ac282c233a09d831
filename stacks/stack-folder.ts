import { resolve } from "node:path";
import { App, type TerraformStack } from "cdktf";

/** The absolute path of the folder that a stack is written to. Terraform runs there, so paths in the output are relative to it. */
export function stackFolder(stack: TerraformStack): string {
  return resolve(App.of(stack).outdir, "stacks", stack.node.id);
}
