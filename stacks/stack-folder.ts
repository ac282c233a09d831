import { resolve } from "node:path";
import { App, type TerraformStack } from "cdktf";

/** The context of an app that writes elsewhere than its output is made for: the folder that paths in the output are relative to. Absolute. */
export const OUTPUT_CONTEXT = "ollama-lab:output";

/** The absolute path of the folder that a stack is written to. Terraform runs there, so paths in the output are relative to it. */
export function stackFolder(stack: TerraformStack): string {
  const made: unknown = stack.node.tryGetContext(OUTPUT_CONTEXT);
  return resolve(typeof made === "string" ? made : App.of(stack).outdir, "stacks", stack.node.id);
}
