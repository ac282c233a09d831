// What needs cdktf and the bindings.
import { Testing } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { buildStacks } from "../stacks";
import { withoutStackTraces } from "../stacks/synthesize";

/** The JSON of the stacks of a checked lab, synthesized in memory, by their ids. */
export function inMemory(lab: Lab, warnings: readonly Problem[]): Record<string, string> {
  // Jest maps each line of a stack trace to its source. With the traces that cdktf takes, that would be most of a test's time.
  return withoutStackTraces(() => {
    const stacks = buildStacks(Testing.app({ stackTraces: false }), lab, warnings);
    return Object.fromEntries(stacks.map((stack) => [stack.node.id, Testing.synth(stack, true)]));
  });
}
