// What needs cdktf and the bindings.
import { Testing } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { buildStacks } from "../stacks";
import { LabSynthesizer } from "../stacks/lab-synthesizer";

/**
 * For each stack of a checked lab, by its id, what makes its JSON: the one that `synth` writes, without cdktf's notes about the stack, and with its names
 * in alphabetical order.
 */
export function inMemory(lab: Lab, warnings: readonly Problem[]): Record<string, () => string> {
  const stacks = buildStacks(Testing.app({ stackTraces: false }), lab, warnings);
  for (const stack of stacks) stack.runAllValidations();
  return Object.fromEntries(
    stacks.map((stack) => [
      stack.node.id,
      () => JSON.stringify({ ...new LabSynthesizer(stack).whole(), "//": undefined }, inOrder),
    ]),
  );
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
