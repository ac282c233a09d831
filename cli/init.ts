import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, networkInterfaces } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { parse } from "yaml";
import { FLAGS, type Given, type InitOptions, InitRefusal, initLab, type Workplace } from "../doctor/init";
import { LabError } from "../lab/problem";
import { checkLab, readLab } from "../lab/read";
import type { LabInput } from "../lab/schema";
import { type Environment, EXIT, type Outcome, refuse } from "./command";
import { deployCommand, labPrefix } from "./deploy-tool";
import { verdict } from "./print";
import type { Ask } from "./terminal";
import { expectNewFile, written } from "./written";

/** What can be said on the command line, besides the answers. */
export interface InitSwitches {
  readonly offline?: boolean;
  readonly insecure?: boolean;
  readonly yes?: boolean;
}

/** The first line of a file; undefined where it cannot be read. */
function readLine(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[0];
  } catch {
    return undefined;
  }
}

/** This machine: its addresses, and the public SSH keys of its user. */
function thisWorkplace(env: Environment): Workplace {
  const folder = join(env["HOME"] ?? homedir(), ".ssh");
  let files: string[] = [];
  try {
    files = readdirSync(folder).filter((name) => name.endsWith(".pub"));
  } catch {
    // Who has no such folder has no key in it.
  }
  const keys = files.sort().map((name) => join(folder, name));
  return {
    addresses: Object.values(networkInterfaces()).flatMap((of) =>
      (of ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
    ),
    publicKeys: new Map(keys.flatMap((file) => [[file, readLine(file) ?? ""] as const]).filter(([, line]) => line !== "")),
    readLine,
  };
}

/**
 * `init`: writes a commented lab, from the real answers of Proxmox and from answers to what is open. It never overwrites.
 * @param file the lab to write
 * @param ask asks a person. @default there is no terminal, and every answer comes from a flag
 * @throws Refusal when a file has that name, an answer is missing or refused, or Proxmox cannot be asked
 */
export async function init(
  file: string,
  given: Given,
  { offline = false, insecure = false, yes = false }: InitSwitches,
  env: Environment,
  ask?: Ask,
): Promise<Outcome> {
  expectNewFile(file);
  const folder = dirname(resolve(file));
  const schema = relative(folder, join(__dirname, "../lab.schema.json"));
  const options: InitOptions = {
    answering: { given, takeSuggestions: yes, ask },
    offline,
    insecure,
    env,
    workplace: thisWorkplace(env),
    schema: schema.startsWith(".") ? schema : `./${schema}`,
  };
  const { text, lab } = await made(options);
  try {
    // Not after the file is there: a lab with errors is not written.
    checkLab(parse(text) as LabInput, folder);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const notice = `${file}: ${verdict(error.problems)}. Nothing was written; give other answers.`;
    return { exitCode: EXIT.refused, lab: file, problems: error.problems, notice };
  }
  written(file, "Name another file.", () => writeFileSync(file, text, { flag: "wx" }));
  const { problems } = readLab(file);
  const prefix = labPrefix(file);
  const named = prefix === "" ? "" : ` ${file}`;
  const steps = [
    ...(lab.auth === "apiToken" ? [[`npx ollama-lab rights${named}`, "the rights that the token needs, as commands"]] : []),
    [`npx ollama-lab doctor${named}`, "whether a deploy can work"],
    [deployCommand("deploy '*'", file), "do it"],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command?.length ?? 0));
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result: { file, kind: lab.guests.kind, name: lab.name },
    text: [
      `${file} was written: ${verdict(problems)}. Read it; it says where each fact comes from.`,
      "",
      "Next",
      ...steps.map(([command, what]) => `  ${command?.padEnd(width)}  ${what}`),
    ].join("\n"),
  };
}

async function made(options: InitOptions) {
  try {
    return await initLab(options);
  } catch (error) {
    if (error instanceof InitRefusal) refuse(error.message);
    throw error;
  }
}

/** The answers among the options of the command line: commander writes `--node-address` as `nodeAddress`. */
export function givenIn(options: Readonly<Record<string, unknown>>): Given {
  const entries = Object.keys(FLAGS).flatMap((flag) => {
    const value = options[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    return typeof value === "string" ? [[flag, value]] : [];
  });
  return Object.fromEntries(entries);
}
