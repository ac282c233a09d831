import { resolve } from "node:path";
import { App, type TerraformStack } from "cdktf";

/** The folder a stack is written to, and Terraform runs in: paths in the output are relative to it. Absolute. */
export function stackFolder(stack: TerraformStack): string {
  return resolve(App.of(stack).outdir, "stacks", stack.node.id);
}
