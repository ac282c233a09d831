import { matching, type TextCheck } from "./fault";

/** Refuses what is not one option of mount.nfs. */
export const checkMountOption: TextCheck = matching(
  { pattern: /^[a-z0-9]+(=[A-Za-z0-9._:-]+)?$/, example: "nfsvers=4.1" },
  "invalid-mount-option",
  "one option of mount.nfs",
  "Write each option as an entry of its own, such as nfsvers=4.1 or nolock.",
);

/** Refuses what cannot be the name of a file system, as Linux names it. */
export const checkFileSystem: TextCheck = matching(
  { pattern: /^[a-z0-9.]+$/, example: "nfs4" },
  "invalid-file-system",
  "the name of a file system",
  "Write it as `stat -f` shows it, such as nfs or nfs4.",
);
