import { matching, type ValueCheck } from "./fault";

/** Refuses what is not one option of mount.nfs. */
export const checkMountOption: ValueCheck<string> = matching(
  /^[a-z0-9]+(=[A-Za-z0-9._:-]+)?$/,
  "invalid-mount-option",
  "one option of mount.nfs",
  "Write each option as an entry of its own, such as nfsvers=4.1 or nolock.",
);

/** Refuses what cannot be the name of a file system, as Linux names it. */
export const checkFileSystem: ValueCheck<string> = matching(
  /^[a-z0-9.]+$/,
  "invalid-file-system",
  "the name of a file system",
  "Write it as `stat -f` shows it, such as nfs or nfs4.",
);
