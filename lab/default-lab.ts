import { basename, dirname, resolve } from "node:path";

/** The user's own lab, at the top of the checkout. Git ignores it. */
export const OWN_LAB = "lab.yaml";

/** The example that stands in for `lab.yaml` while there is none. */
export const DEFAULT_LAB = "examples/default.yaml";

/**
 * The folder that relative paths in a lab file are relative to: the folder of the file. Only the default example counts as if it were the `lab.yaml`
 * that it stands in for, so its state and its kubeconfig lie where those of a copy of it will lie.
 */
export function folderOf(file: string): string {
  const folder = dirname(resolve(file));
  const isDefault = `${basename(folder)}/${basename(file)}` === DEFAULT_LAB;
  return isDefault ? dirname(folder) : folder;
}
