import { type Output, stackOutput } from "../changes/output";
import { checkLab } from "../lab/read";
import type { LabInput } from "../lab/schema";
import { synthesized } from "../stacks/synthesize";

const known = new Map<string, Output>();

/** What a lab is synthesized to, as `diff` compares it. Many edits of a test file begin with the same lab. */
export function outputOf(lab: LabInput): Output {
  const key = JSON.stringify(lab);
  const output = known.get(key) ?? made(lab);
  known.set(key, output);
  return output;
}

function made(lab: LabInput): Output {
  const stacks = Object.entries(synthesized(checkLab(lab, "/lab").lab, "/lab/cdktf.out"));
  return Object.fromEntries(stacks.map(([id, json]) => [id, stackOutput(json)]));
}
