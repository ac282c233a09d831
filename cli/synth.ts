import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { readLab } from "../lab/read";
import { type Environment, EXIT, type Outcome, refuse } from "./command";
import { outputFolder } from "./output-folder";
import { verdict } from "./print";
import { guestsOf, summary, urlsOf } from "./summary";

/** Whether one of these programs is on PATH; nothing is started for it. */
function isOnPath(env: Environment, ...names: readonly string[]): boolean {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.some((folder) =>
    names.some((name) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** Why the operating system refuses to write. */
const UNWRITABLE: Readonly<Record<string, string>> = {
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "its file system is read-only",
  ENOSPC: "its file system is full",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file has that name",
  ENOENT: "no folder can be made there",
};

/** Does what writes into a folder. @throws Refusal when the operating system does not let it */
function written<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    const why = UNWRITABLE[code];
    if (why === undefined) throw error;
    return refuse(`The output cannot be written to ${folder}: ${why} (${code}). Name another folder in CDKTF_OUTDIR.`);
  }
}

/**
 * Makes the folders of local states that are missing, for their owner alone: Terraform makes them for everybody, and a state holds secrets in
 * clear text. One that is there keeps its mode. Windows has no such modes.
 * @returns who can read each: the owner alone, or others too
 */
function closedFolders(folders: readonly string[]): { folder: string; open: boolean }[] {
  return folders.map((folder) => {
    try {
      if (!existsSync(folder)) {
        mkdirSync(dirname(folder), { recursive: true });
        mkdirSync(folder, { mode: 0o700 });
      }
      return { folder, open: (statSync(folder).mode & 0o077) !== 0 };
    } catch {
      // Nothing can be written here now. Terraform says so when it has to.
      return { folder, open: true };
    }
  });
}

/** `synth`: checks a lab and writes its stacks. A lab with an error writes nothing. */
export async function synth(file: string, env: Environment): Promise<Outcome> {
  const { lab, problems } = readLab(file);
  if (!lab) {
    return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was written.` };
  }
  // Not before: a lab with errors needs none of cdktf, and loading it takes longer than checking.
  const { stateFolders, synthesize } = await import("../stacks/synthesize");
  const folder = outputFolder(env);
  const stacks = written(folder, () => synthesize(lab, problems, folder));
  const states = closedFolders(
    stateFolders(
      lab,
      stacks.map(({ id }) => id),
    ),
  );
  const terraform = env["TERRAFORM_BINARY_NAME"] ?? "";
  const hasTerraform = terraform !== "" || isOnPath(env, "terraform", "tofu");
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result: { stacks, guests: guestsOf(lab), urls: urlsOf(lab) },
    text: `${summary(lab, file, stacks, states, hasTerraform)}\n\n${verdict(problems)}.`,
  };
}
