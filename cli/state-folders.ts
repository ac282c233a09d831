import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** A folder in which Terraform keeps states. */
export interface StateFolder {
  readonly folder: string;
  /** Whether others than its owner can read it. */
  readonly open: boolean;
}

/**
 * Makes the folders of local states that are missing, for their owner alone: Terraform makes them for everybody, and a state holds secrets in
 * clear text. One that is there keeps its mode. What cannot be made is left to Terraform, which says why when it has to.
 */
export function closedFolders(folders: readonly string[]): StateFolder[] {
  return folders.map((folder) => {
    try {
      if (!existsSync(folder)) {
        mkdirSync(dirname(folder), { recursive: true });
        mkdirSync(folder, { mode: 0o700 });
      }
      return { folder, open: (statSync(folder).mode & 0o077) !== 0 };
    } catch {
      return { folder, open: true };
    }
  });
}
