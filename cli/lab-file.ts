import type { Environment } from "./command";
import { refuse } from "./command";

/** The lab that commands take when nobody names one. */
export const DEFAULT_LAB = "lab.yaml";

/**
 * The lab file that a command works on: the one named as its argument, else the one in the variable LAB, else `lab.yaml`.
 * @throws Refusal when LAB is set but empty
 */
export function labFile(argument: string | undefined, env: Environment): string {
  const named = argument ?? env["LAB"];
  if (named === "")
    refuse("The variable LAB is set, but it is empty. Name a lab file, as in LAB=examples/lxc.yaml, or unset it.");
  return named ?? DEFAULT_LAB;
}
