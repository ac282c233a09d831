import { lstatSync } from "node:fs";
import { DEFAULT_LAB, OWN_LAB } from "../lab/default-lab";
import type { Environment } from "./command";
import { refuse } from "./command";

/** Whether something has the name, be it a link that leads nowhere: that is for the reader of the lab to tell. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** Whether nobody named a lab and there is no `lab.yaml`, so that the default example stands in for it. */
export function exampleStandsIn(argument: string | undefined, env: Environment): boolean {
  return (argument ?? env["LAB"]) === undefined && !isThere(OWN_LAB) && isThere(DEFAULT_LAB);
}

/** What a command says first when the default example stands in for the user's own lab. */
export const STANDS_IN = `There is no ${OWN_LAB}, so this is ${DEFAULT_LAB}. Make your own: npx ollama-lab init, or cp ${DEFAULT_LAB} ${OWN_LAB}`;

/**
 * The lab file that a command works on: the one named as its argument, else the one in the variable LAB, else `lab.yaml`, else the default
 * example.
 * @throws Refusal when LAB is set but empty
 */
export function labFile(argument: string | undefined, env: Environment): string {
  const named = argument ?? env["LAB"];
  if (argument === "") refuse("The name of the lab is empty. Name a lab file, such as examples/lxc.yaml.");
  if (named === "")
    refuse("The variable LAB is set, but it is empty. Name a lab file, as in LAB=examples/lxc.yaml, or unset it.");
  return named ?? (exampleStandsIn(argument, env) ? DEFAULT_LAB : OWN_LAB);
}

/**
 * The lab file that `init` writes: the one named as its argument, else the one in the variable LAB, else `lab.yaml`.
 * @throws Refusal when LAB is set but empty
 */
export function newLabFile(argument: string | undefined, env: Environment): string {
  return (argument ?? env["LAB"]) === undefined ? OWN_LAB : labFile(argument, env);
}
