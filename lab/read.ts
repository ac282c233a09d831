import { basename } from "node:path";
import { folderOf } from "./default-lab";
import { type DraftLab, resolve } from "./draft";
import type { Finding } from "./finding";
import type { Lab } from "./lab";
import { load } from "./load";
import { formatPath, LabError, type Path, type Position, type Problem } from "./problem";
import { prove } from "./prove";
import { type Code, registry, rules } from "./registry";
import { type LabConfig, type LabInput, labSchema } from "./schema";
import { fromIssue, type Given } from "./schema-problems";

/** The result of reading a lab: the lab, when it has no error, and its problems. */
export interface Reading {
  /** Absent when a problem is an error. */
  readonly lab?: Lab;
  /** Everything that is wrong or worth knowing. */
  readonly problems: readonly Problem<Code>[];
  /** Warnings about defaults, of which the file says nothing. Only `check --strict` tells them. */
  readonly ofDefaults: readonly Problem<Code>[];
  /** The place of a value in the file. Absent when the file could not be read, or the lab was given as data. */
  readonly position?: (path: Path) => Position | undefined;
}

/** In a lab with errors every section may be missing, so that the others can still be checked. */
const partialSchema = labSchema.partial();

/**
 * Reads and checks a lab file. Never throws because of the content of the file: it returns problems.
 * @param folder what relative paths in the lab are relative to. By default the folder of the file
 */
export function readLab(file: string, folder = folderOf(file)): Reading {
  const source = load(file);
  if (Array.isArray(source)) return { problems: source, ofDefaults: [] };
  const position = (path: Path) => source.position(path);
  return { ...check(source.value, folder, position, (path) => source.written(path)), position };
}

/**
 * Checks a lab given as data. Relative paths in it are relative to `directory`.
 * @throws LabError with all problems when one is an error
 */
export function checkLab(input: LabInput, directory: string): { lab: Lab; warnings: readonly Problem<Code>[] } {
  const { lab, problems } = check(
    input,
    directory,
    () => undefined,
    () => undefined,
  );
  if (!lab) throw new LabError(problems, basename(directory));
  return { lab, warnings: problems };
}

function check(
  input: unknown,
  directory: string,
  position: (path: Path) => Position | undefined,
  written: Given["written"],
): Reading {
  const { config, problems } = parse(input, written);
  const draft = resolve(config, directory);
  const context = { declared: (path: Path) => valueAt(input, describedAt(draft, path)) !== undefined };
  const findings = rules
    .filter(({ needs }) => needs.every((section) => draft[section] !== undefined))
    .flatMap((rule) => [...rule.check(draft, context)])
    .map((finding) => aboutPool(draft, finding));
  const all = once([...problems, ...findings]).map((problem) => {
    const place = position(problem.path);
    return place ? { ...problem, position: place } : problem;
  });
  const told = { problems: all.filter(({ ofDefault }) => !ofDefault), ofDefaults: all.filter(({ ofDefault }) => ofDefault) };
  return all.some(({ severity }) => severity === "error") ? told : { lab: prove(draft), ...told };
}

/** What a pool calls what a container of its own calls otherwise. */
const IN_POOL: Readonly<Record<string, string>> = { vmId: "firstVmId", address: "addresses", node: "nodes" };

/** Where the lab describes what is at a path of the draft: rules name a member of a pool as they name every container. */
function describedAt({ containers }: DraftLab, path: Path): Path {
  const [section, key, field, ...rest] = path;
  const place =
    section === "containers" && typeof key === "string" && Object.hasOwn(containers ?? {}, key)
      ? containers?.[key]?.path
      : undefined;
  if (place?.[0] !== "containerPools") return path;
  if (field === undefined || field === "name") return place;
  return [...place, IN_POOL[field] ?? field, ...rest];
}

/** A finding about a member of a pool as one about the pool, so that it is told once and not for each member. */
function aboutPool(draft: DraftLab, finding: Finding<Code>): Finding<Code> {
  const path = describedAt(draft, finding.path);
  if (path === finding.path) return finding;
  return {
    ...finding,
    path,
    message: finding.message.replaceAll(formatPath(finding.path.slice(0, 2)), formatPath(path.slice(0, 2))),
  };
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
function parse(input: unknown, written: Given["written"]): { config: Partial<LabConfig>; problems: Finding<Code>[] } {
  const first = labSchema.safeParse(input);
  if (first.success) return { config: first.data, problems: [] };
  const given: Given = { value: (path) => valueAt(input, path), written };
  const found = first.error.issues.flatMap((issue) => fromIssue(issue, given));
  let rest = structuredClone(input);
  let prune = found.map(({ prune: path }) => path);
  // Each round removes a value and what needs it, one level up at most. 20 is far more than a lab has levels.
  for (let round = 0; round < 20; round += 1) {
    rest = without(rest, prune);
    const attempt = partialSchema.safeParse(rest);
    if (attempt.success) return { config: attempt.data as Partial<LabConfig>, problems: found.map(({ problem }) => problem) };
    const remaining = rest;
    prune = attempt.error.issues
      .flatMap((issue) => fromIssue(issue, { value: (path) => valueAt(remaining, path), written }))
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
