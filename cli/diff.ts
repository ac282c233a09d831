import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ACTIONS, type Change, compare, destroysSomething, hasEffect } from "../changes/compare";
import { isMap, type Json, mapAt, type Output, stackOutput, textAt } from "../changes/output";
import { asMarkdown, asPlainText } from "../changes/report";
import { folderOf } from "../lab/default-lab";
import type { Lab } from "../lab/lab";
import { report } from "../lab/problem";
import { readLab } from "../lab/read";
import { ORIGIN } from "../stacks/publish";
import { synthesized } from "../stacks/synthesize";
import { type Environment, EXIT, type Outcome, refuse } from "./command";
import { labPrefix } from "./deploy-tool";
import { outputFolder } from "./output-folder";
import { verdict } from "./print";

/** What can be said on the command line about the comparison. */
export interface DiffOptions {
  /** The lab that is compared with BASE. @default the one that every command takes */
  readonly lab?: string;
  /** @default text */
  readonly format: "text" | "markdown";
}

/** A lab's output as it would be written for this environment. */
function outputOf(lab: Lab, env: Environment): Output {
  const stacks = Object.entries(synthesized(lab, outputFolder(env)));
  return Object.fromEntries(stacks.map(([id, json]) => [id, stackOutput(json)]));
}

/** A file of JSON that a synthesis wrote. @throws Refusal when it is not there, or is none */
function readJson(file: string, remedy: string): Json {
  try {
    // as: what JSON.parse returns is Json.
    return JSON.parse(readFileSync(file, "utf8")) as Json;
  } catch (error) {
    return refuse(`${file} cannot be read (${error instanceof Error ? error.message : String(error)}). ${remedy}`);
  }
}

/** What a synthesis wrote into a folder. */
function ofFolder(folder: string, file: string, lab: Lab): Output {
  const remedy = `Write it anew: ${labPrefix(file)}npm run synth. Or name another base, such as git:HEAD.`;
  const origin = join(folder, ORIGIN);
  const [name] = existsSync(origin) ? readFileSync(origin, "utf8").split("\n") : [];
  if (name !== undefined && name !== lab.name) {
    refuse(
      `${folder} holds the lab ${name}, but ${file} is the lab ${lab.name}. Each has states of its own, so a deploy of the one does nothing to the other. ` +
        "Name a base of the same lab, such as git:HEAD.",
    );
  }
  const stacks = mapAt(readJson(join(folder, "manifest.json"), remedy), "stacks");
  return Object.fromEntries(
    Object.entries(stacks).flatMap(([id, stack]) =>
      isMap(stack) ? [[id, stackOutput(readJson(join(folder, textAt(stack, "synthesizedStackPath")), remedy))] as const] : [],
    ),
  );
}

/** The output of another lab file, read as if it stood where the lab stands: paths in it are relative to the same folder. */
function ofFile(base: string, shown: string, file: string, env: Environment): Output {
  const { lab, problems } = readLab(base, folderOf(file));
  if (!lab) refuse(`The base ${shown} has errors, so it cannot be compared with:\n${report(problems, shown)}`);
  return outputOf(lab, env);
}

/** The output of the lab file as a commit has it. A commit without the file is a base without anything. */
function ofCommit(ref: string, file: string, env: Environment): Output {
  const folder = dirname(file);
  const git = (...args: string[]) => {
    const run = spawnSync("git", ["-C", folder, ...args], { encoding: "utf8", env, maxBuffer: 2 ** 24 });
    if (run.error)
      refuse(`git cannot be run (${run.error.message}). Install it, or name a lab file or an output folder as the base.`);
    return run;
  };
  const commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
  if (commit.status !== 0) {
    refuse(
      `git knows no commit ${ref} for ${file}. ${commit.stderr.trim()} In a pipeline, fetch it first: a shallow clone has one commit alone.`,
    );
  }
  const path = `${commit.stdout.trim()}:./${basename(file)}`;
  if (git("cat-file", "-e", path).status !== 0) {
    if (git("ls-files", "--error-unmatch", "--", basename(file)).status === 0) return {};
    refuse(
      `git has no ${file}, neither at ${ref} nor now: it is ignored, or was never added. Name a lab file or an output folder as the base.`,
    );
  }
  const shown = git("show", path);
  if (shown.status !== 0) refuse(`git cannot show ${file} at ${ref}: ${shown.stderr.trim()}`);
  const scratch = mkdtempSync(join(tmpdir(), "ollama-lab-"));
  try {
    const copy = join(scratch, basename(file));
    writeFileSync(copy, shown.stdout);
    return ofFile(copy, `${file} at ${ref}`, file, env);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The prefix of a base that is a commit. */
const GIT = "git:";

function baseOutput(base: string, file: string, lab: Lab, env: Environment): Output {
  if (base.startsWith(GIT)) return ofCommit(base.slice(GIT.length), file, env);
  if (base === "")
    refuse("The base is an empty name. A base is an output folder, a lab file, or git: with a commit, such as git:main.");
  let stats: Stats | undefined;
  try {
    stats = statSync(base, { throwIfNoEntry: false });
  } catch {
    // What cannot be looked at is told as every lab file is that cannot be read.
    return ofFile(base, base, file, env);
  }
  if (stats?.isDirectory()) return ofFolder(base, file, lab);
  if (stats) return ofFile(base, base, file, env);
  return refuse(
    base === outputFolder(env)
      ? `${base} is not there, so there is nothing to compare with. Name a base: git:HEAD for the lab as it was committed, another lab file, or an output folder.`
      : `${base} is not there. A base is an output folder, a lab file, or git: with a commit, such as git:main.`,
  );
}

/** A change as `--json` shows it. */
const asData = ({ note, ...change }: Change) => ({ ...change, note: note ?? null });

/**
 * `diff`: what a deploy of the lab does where a base is deployed. Ends with 0 when it does nothing, with 2 when it changes something, and with
 * 3 when it destroys something, be it to make it anew.
 * @param base an output folder, a lab file, or `git:` and a commit. By default the folder of the last synthesis
 * @throws Refusal when the base cannot be read
 */
export function diff(file: string, base: string | undefined, { format }: DiffOptions, env: Environment): Outcome {
  const { lab, problems } = readLab(file);
  if (!lab)
    return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was compared.` };
  const named = base ?? outputFolder(env);
  const changes = compare(baseOutput(named, file, lab, env), outputOf(lab, env));
  const exitCode = destroysSomething(changes) ? EXIT.destroys : hasEffect(changes) ? EXIT.changes : EXIT.done;
  const sides = { base: named, lab: file };
  return {
    exitCode,
    lab: file,
    result: {
      base: named,
      numbers: Object.fromEntries(ACTIONS.map((action) => [action, changes.filter((change) => change.action === action).length])),
      changes: changes.map(asData),
    },
    text: format === "markdown" ? asMarkdown(changes, sides) : asPlainText(changes, sides),
  };
}
