import { refuse } from "./command";

/** Why the operating system refuses to write. */
const UNWRITABLE: Readonly<Record<string, string>> = {
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "its file system is read-only",
  ENOSPC: "its file system is full",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file has that name",
  EISDIR: "a folder has that name",
  ENOENT: "no folder can be made there",
};

/**
 * Does what writes a file or a folder.
 * @param to the file or the folder
 * @param remedy what to do where that cannot be written
 * @throws Refusal when the operating system does not let it
 */
export function written<T>(to: string, remedy: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    const why = UNWRITABLE[code];
    if (why === undefined) throw error;
    return refuse(`The output cannot be written to ${to}: ${why} (${code}). ${remedy}`);
  }
}
