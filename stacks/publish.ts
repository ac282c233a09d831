import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Lab } from "../lab/lab";

/** What Terraform keeps in a stack's folder between runs: providers, and where the state is. Its lock file stays beside it. */
const WORKING_DATA = ".terraform";

/** The file that says which lab an output was made from: in its first line the name, in its second the folder. */
export const ORIGIN = "lab.txt";

/** The lab that an output is made from. Two labs with the same name in one folder are one lab: they share their states. */
export interface Origin {
  /** The lab's name. */
  readonly name: string;
  /** The folder of the lab file, relative to the output, so that the output has no absolute path in it. */
  readonly folder: string;
}

/**
 * Moves a finished output to where it is read from, entry by entry: what Terraform keeps in a stack's folder stays, unless it is another
 * lab's. Terraform would offer to copy that lab's state into this one's.
 * @param next the finished output, which is used up
 * @param listedBefore whether a program listed the stacks' folders before, and removes those of former stacks itself. cdktf's CLI does,
 * and fails on a folder that is gone.
 */
export function publish(next: string, target: string, origin: Origin, listedBefore: boolean): void {
  const stacks = join(target, "stacks");
  mkdirSync(stacks, { recursive: true });
  const made = text(origin);
  const former = formerOrigin(target);
  // This comes first: a process that is killed half-way must not leave one lab's stacks beside another lab's working data.
  if (former !== made) {
    for (const stack of readdirSync(stacks)) {
      if (former !== undefined || !sameBackend(join(next, "stacks", stack), join(stacks, stack))) {
        rmSync(join(stacks, stack, WORKING_DATA), { recursive: true, force: true });
      }
    }
    writeFileSync(join(target, ORIGIN), made);
  }
  const written = readdirSync(join(next, "stacks"));
  for (const stack of readdirSync(stacks)) {
    if (written.includes(stack)) continue;
    rmSync(join(stacks, stack), { recursive: true });
    if (listedBefore) mkdirSync(join(stacks, stack));
  }
  for (const stack of written) {
    const [from, to] = [join(next, "stacks", stack), join(stacks, stack)];
    mkdirSync(to, { recursive: true });
    rmSync(join(to, "assets"), { recursive: true, force: true });
    for (const entry of readdirSync(from)) renameSync(join(from, entry), join(to, entry));
  }
  renameSync(join(next, "manifest.json"), join(target, "manifest.json"));
}

const text = ({ name, folder }: Origin) => `${name}\n${folder}\n`;

function formerOrigin(target: string): string | undefined {
  return existsSync(join(target, ORIGIN)) ? readFileSync(join(target, ORIGIN), "utf8") : undefined;
}

/** Where the output at `target` is another lab's, the name of that lab. An output that does not say its lab counts as this one's. */
export function otherLab(target: string, origin: Origin): string | undefined {
  const former = formerOrigin(target);
  return former === undefined || former === text(origin) ? undefined : former.split("\n")[0];
}

/** The origin of an output at `target` that is made from a lab. */
export function originOf({ name, directory }: Pick<Lab, "name" | "directory">, target: string): Origin {
  return { name, folder: relative(resolve(target), directory) };
}

/** Whether a stack has the same backend as before. It decides for an output that does not say which lab it was made from. */
function sameBackend(next: string, current: string): boolean {
  const [after, before] = [backendOf(next), backendOf(current)];
  return after !== undefined && after === before;
}

function backendOf(folder: string): string | undefined {
  const file = join(folder, "cdk.tf.json");
  if (!existsSync(file)) return undefined;
  // as: cdktf writes this section into every stack.
  const { terraform } = JSON.parse(readFileSync(file, "utf8")) as { terraform?: { backend?: unknown } };
  return JSON.stringify(terraform?.backend);
}
