import { basename } from "node:path";
import { folderOf } from "./default-lab";
import { resolve } from "./draft";
import type { Finding } from "./finding";
import type { Lab } from "./lab";
import { load } from "./load";
import { LabError, type Path, type Position, type Problem } from "./problem";
import { prove } from "./prove";
import { type Code, registry, rules } from "./registry";
import { type LabConfig, type LabInput, labSchema } from "./schema";
import { fromIssue } from "./schema-problems";

/** The result of reading a lab: the lab, when it has no error, and its problems. */
export interface Reading {
  /** Absent when a problem is an error. */
  readonly lab?: Lab;
  readonly problems: readonly Problem<Code>[];
  /** Warnings about defaults, of which the file says nothing. Only `check --strict` tells them. */
  readonly ofDefaults: readonly Problem<Code>[];
  /** The place of a value in the file. Absent when the file could not be read, or the lab was given as data. */
  readonly position?: (path: Path) => Position | undefined;
}

/** In a lab with errors every section may be missing, so that the others can still be checked. */
const partialSchema = labSchema.partial();

/** Reads and checks a lab file. Never throws because of the content of the file: it returns problems. */
export function readLab(file: string): Reading {
  const source = load(file);
  if (Array.isArray(source)) return { problems: source, ofDefaults: [] };
  const position = (path: Path) => source.position(path);
  return { ...check(source.value, folderOf(file), position), position };
}

/**
 * Checks a lab given as data. Relative paths in it are relative to `directory`.
 * @throws LabError with all problems when one is an error
 */
export function checkLab(input: LabInput, directory: string): { lab: Lab; warnings: readonly Problem<Code>[] } {
  const { lab, problems } = check(input, directory, () => undefined);
  if (!lab) throw new LabError(problems, basename(directory));
  return { lab, warnings: problems };
}

function check(input: unknown, directory: string, position: (path: Path) => Position | undefined): Reading {
  const { config, problems } = parse(input);
  const draft = resolve(config, directory);
  const context = { declared: (path: Path) => valueAt(input, path) !== undefined };
  const findings = rules
    .filter(({ needs }) => needs.every((section) => draft[section] !== undefined))
    .flatMap((rule) => [...rule.check(draft, context)]);
  const all = once([...problems, ...findings]).map((problem) => {
    const place = position(problem.path);
    return place ? { ...problem, position: place } : problem;
  });
  const told = { problems: all.filter(({ ofDefault }) => !ofDefault), ofDefaults: all.filter(({ ofDefault }) => ofDefault) };
  return all.some(({ severity }) => severity === "error") ? told : { lab: prove(draft), ...told };
}

/** What makes two findings the same: code, path and message, unless the registry says that fewer of them count. */
function identity({ code, path, message }: Finding<Code>): string {
  const { once: by } = registry[code];
  return JSON.stringify([code, by === "message" ? null : path, by === "place" ? null : message]);
}

/** Each finding once, in its first form, with the stacks of all its forms. A rule may report the same for many guests. */
function once(findings: readonly Finding<Code>[]): Finding<Code>[] {
  const said = new Map<string, Finding<Code>>();
  for (const finding of findings) {
    const id = identity(finding);
    const first = said.get(id) ?? finding;
    said.set(id, { ...first, stacks: [...new Set([...first.stacks, ...finding.stacks])] });
  }
  return [...said.values()];
}

/**
 * Parses what can be parsed. A value that is refused is reported and removed, and the rest is parsed again, until nothing is refused.
 * Only the first attempt reports problems, so that removing a value makes no new ones.
 */
function parse(input: unknown): { config: Partial<LabConfig>; problems: Finding<Code>[] } {
  const first = labSchema.safeParse(input);
  if (first.success) return { config: first.data, problems: [] };
  const value = (path: Path) => valueAt(input, path);
  const found = first.error.issues.flatMap((issue) => fromIssue(issue, value));
  let rest = structuredClone(input);
  let prune = found.map(({ prune: path }) => path);
  // Each round removes a value and what needs it, one level up at most. 20 is far more than a lab has levels.
  for (let round = 0; round < 20; round += 1) {
    rest = without(rest, prune);
    const attempt = partialSchema.safeParse(rest);
    if (attempt.success) return { config: attempt.data as Partial<LabConfig>, problems: found.map(({ problem }) => problem) };
    const remaining = rest;
    prune = attempt.error.issues
      .flatMap((issue) => fromIssue(issue, (path) => valueAt(remaining, path)))
      .map(({ prune: path }) => path);
    if (prune.some((path) => path.length === 0)) break;
  }
  return { config: {}, problems: found.map(({ problem }) => problem) };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((item, key) => {
    if (typeof item !== "object" || item === null) return undefined;
    return Object.hasOwn(item, key) ? (item as Record<string | number, unknown>)[key] : undefined;
  }, value);
}

/** The value without what is at the paths. Where nothing is at a path, the value that lacks it is removed. */
function without(value: unknown, paths: readonly Path[]): unknown {
  const targets = new Map<string, Path>();
  for (const path of paths) {
    const target = valueAt(value, path) === undefined ? path.slice(0, -1) : path;
    if (target.length > 0) targets.set(JSON.stringify(target), target);
  }
  // The last items of a list are removed first, so that the indexes of the others stay right.
  const ordered = [...targets.values()].sort((a, b) => Number(b.at(-1)) - Number(a.at(-1)) || b.length - a.length);
  for (const path of ordered) {
    const parent = valueAt(value, path.slice(0, -1));
    const key = path.at(-1);
    if (Array.isArray(parent) && typeof key === "number") parent.splice(key, 1);
    else if (typeof parent === "object" && parent !== null && key !== undefined) Reflect.deleteProperty(parent, key);
  }
  return value;
}
