// The labs that the project ships, synthesized as a user has them: the lab file below a folder, `cdktf.out` in it.
import { cpSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readLab } from "../../lab/read";
import { synthesize } from "../../stacks/synthesize";
import { runFolder } from "../../testing/provider-replay/client";

/** The project's own folder. */
export const ROOT = resolve(__dirname, "../..");

/** The lab files, relative to the project's folder: every example there is, the default one among them. */
export const LAB_FILES = readdirSync(join(ROOT, "examples"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `examples/${name}`);

/** A folder of its own with a copy of the lab file at the same place in it; removed when the test run ends. */
export function copyOfLab(file: string): string {
  const folder = mkdtempSync(join(runFolder(), "project-"));
  cpSync(join(ROOT, file), join(folder, file));
  return folder;
}

/** Synthesizes a copy of a shipped lab as `synth` does. @returns the folder of the copy, and the output in it */
export function synthesizeCopy(file: string): { readonly folder: string; readonly outdir: string } {
  const folder = copyOfLab(file);
  const { lab, problems } = readLab(join(folder, file));
  if (!lab) throw new Error(`${file} has errors: ${JSON.stringify(problems)}`);
  const outdir = join(folder, "cdktf.out");
  synthesize(lab, problems, outdir);
  return { folder, outdir };
}

/** What the tests read of a synthesized stack. */
export interface StackConfig {
  readonly terraform: {
    readonly backend: Readonly<Record<string, { readonly path?: string; readonly workspace_dir?: string }>>;
    readonly required_providers?: Readonly<Record<string, { readonly source: string; readonly version?: string }>>;
  };
  readonly resource?: Readonly<Record<string, Readonly<Record<string, { readonly lifecycle?: Record<string, unknown> }>>>>;
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly variable?: Readonly<Record<string, unknown>>;
  readonly output?: Readonly<Record<string, unknown>>;
  readonly locals?: Readonly<Record<string, unknown>>;
}

/** The folders of an output's stacks by their names, in the manifest's order. */
export function stackFolders(outdir: string): Record<string, string> {
  const { stacks } = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8")) as {
    stacks: Record<string, { workingDirectory: string }>;
  };
  return Object.fromEntries(Object.entries(stacks).map(([name, { workingDirectory }]) => [name, join(outdir, workingDirectory)]));
}

/** The configuration in a stack's folder. */
export function configIn(folder: string): StackConfig {
  return JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as StackConfig;
}
