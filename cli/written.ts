import { accessSync, constants, lstatSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { refuse } from "./command";

/** Why the operating system refuses to write. */
const UNWRITABLE: Readonly<Record<string, string>> = {
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "its file system is read-only",
  ENOSPC: "its file system is full",
  EDQUOT: "your quota on its file system is used up",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file has that name",
  EISDIR: "a folder has that name",
  ENOENT: "there is no such folder, or none can be made",
  ELOOP: "a symbolic link in the path leads back to itself",
  ENAMETOOLONG: "the name is too long",
};

/** The code of an error of the operating system; undefined for every other error. */
export function systemCode(error: unknown): string | undefined {
  // Not by its class: a test's errors come from another realm.
  const isSystems = typeof error === "object" && error !== null && "syscall" in error && "code" in error;
  return isSystems ? String(error.code) : undefined;
}

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
    const code = systemCode(error);
    if (code === undefined) throw error;
    const why = UNWRITABLE[code];
    return refuse(`The output cannot be written to ${to}: ${why === undefined ? code : `${why} (${code})`}. ${remedy}`);
  }
}

/**
 * Writes a file as a whole or not at all. What has its name is replaced where it is a file.
 * @throws Refusal when it is none, or the operating system does not let it
 */
export function writeOutput(file: string, text: string, remedy: string): void {
  if (file === "") refuse(`The name of the output is empty. ${remedy}`);
  const part = `${file}.part`;
  written(file, remedy, () => {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there && !there.isFile())
      refuse(`${file} is a ${there.isDirectory() ? "folder" : "pipe or a device"}, and no file. ${remedy}`);
    try {
      writeFileSync(part, text);
      renameSync(part, file);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
  });
}

/**
 * Finds out whether a new file can be written, before anybody is asked what to write.
 * @throws Refusal when something has the name, be it a link that leads nowhere, or the folder takes no file
 */
export function expectNewFile(file: string): void {
  const remedy = "Name another file.";
  written(file, remedy, () => {
    if (lstatSync(file, { throwIfNoEntry: false }))
      refuse(`${file} is there already, and is never overwritten. Name another file, or move it away.`);
    accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK);
  });
}
