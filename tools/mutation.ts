// `npm run test:mutation`: changes the sources in small ways, and shows which changes no test finds.
//   --seed N          which sample (default 1); the same seed and sources give the same sample
//   --count N         how many changes (default 50)
//   --rooms A,B       the folders whose sources are changed (default lab,grammar,constructs,stacks); templates, scripts and ansible/roles
//                     can be asked for too: their shell scripts and YAML are changed. Roles need the Ansible of
//                     `npm run test:ansible`: put it on PATH
//   --kinds A,B       only kinds that begin so, such as "anchor"
//   --seconds N       how long the test files may take that are asked about one change, as they took without it (default 600): the nearest
//                     are asked first, and what is left out is left out
//   --workers N       how many changes are judged at a time (default 2)
//   --at-least N      ends with 1 when fewer percent are found by an assertion (default 90), and with 2 when the tool cannot work
// A change is shown to the test files that execute its line. What each executes, and each verdict, is kept in the folder for temporary files, so
// that a second run asks about what changed since. The work happens in copies of the checkout in the same folder; the checkout stays as it is.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import startReplay from "../testing/provider-replay/start";
import { asked, limitOf, type Suite, Worker } from "./mutation-suites";
import { refusedByTypes } from "./mutation-types";
import { described, isProgram, lineOf, type Mutant, mutated, percentOf, shuffled, type Verdict, verdictOf } from "./mutations";

const ROOT = dirname(__dirname);
const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "50" },
    rooms: { type: "string", default: "lab,grammar,constructs,stacks" },
    kinds: { type: "string", default: "" },
    seconds: { type: "string", default: "600" },
    workers: { type: "string", default: "2" },
    "at-least": { type: "string", default: "90" },
  },
});

/** The number that an option has. @throws Error for another word */
function numberOf(name: "seed" | "count" | "seconds" | "workers" | "at-least"): number {
  const text = options[name];
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is ${text}, but it takes a whole number.`);
  return Number(text);
}

const hashOf = (...texts: readonly string[]) => createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 16);

/** The files of the checkout, new ones too, without what git ignores, each with a hash of what it holds. */
const files = new Map(
  spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
    .stdout.split("\0")
    .filter((file) => file !== "" && existsSync(join(ROOT, file)))
    .map((file) => [file, hashOf(readFileSync(join(ROOT, file), "latin1"))] as const),
);
/** A hash of the files whose path matches. */
const stateOf = (pattern: RegExp) => hashOf(...[...files].filter(([file]) => pattern.test(file)).flat());
/** Of all that tests may look at, but not of the test files themselves. */
const STATE = stateOf(/^(?!__tests__\/.*\.test\.ts$|tools\/(.*mutation|executed-lines)|[A-Z]+\.md$)/);

/** A change that was drawn, with a name that other changes and other texts do not have. */
interface Drawn extends Mutant {
  readonly name: string;
}

/** What is known of a test file: what it did in a state of the checkout. */
interface KnownSuite extends Suite {
  /** Of the test file and what all test files share. */
  readonly ownState: string;
  /** Of the sources that it executes. */
  readonly sources: Readonly<Record<string, string | undefined>>;
  /** Of the checkout without test files. */
  readonly state: string;
}

interface KnownVerdict {
  readonly verdict: Verdict;
  /** The test file that found it, and what it held. */
  readonly by?: string;
  readonly state?: string;
  /** What the test files held that did not find it: they are not asked again. */
  readonly passed: readonly string[];
}

/** What earlier runs found out. */
const memoryFolder = join(realpathSync(tmpdir()), `mutation-${hashOf(ROOT)}`);
const remembered = <T>(name: string): Map<string, T> => {
  const path = join(memoryFolder, `${name}.json`);
  return new Map(existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as [string, T][]) : []);
};
const remember = <T>(name: string, all: Map<string, T>) => {
  mkdirSync(memoryFolder, { recursive: true });
  writeFileSync(join(memoryFolder, `${name}.json`), JSON.stringify([...all]));
};
const suites = remembered<KnownSuite>("suites");
const verdicts = remembered<KnownVerdict>("verdicts");
const typed = remembered<boolean>("typed");

/** The changes of this run: programs that TypeScript takes. */
function drawn(rooms: readonly string[], kinds: readonly string[], seed: number, count: number): Drawn[] {
  for (const room of rooms) {
    if (![...files.keys()].some((file) => file.startsWith(`${room}/`)))
      throw new Error(`--rooms names ${room}, but there are no sources in it.`);
  }
  const sources = [...files.keys()]
    .filter((file) => /\.(ts|sh|yml)$/.test(file) && rooms.some((room) => file.startsWith(`${room}/`)))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), "utf8") }));
  const all = shuffled(sources, seed).filter(({ mutation }) => kinds.some((kind) => mutation.kind.startsWith(kind)));
  const found: Drawn[] = [];
  let refused = 0;
  while (found.length < count && all.length > 0) {
    const some = all.splice(0, Math.ceil((count - found.length) * 1.2)).map((mutant) => {
      const changed = mutated(mutant.text, mutant.mutation);
      return { ...mutant, name: hashOf(mutant.file, changed), changed };
    });
    const programs = some.filter(({ file, changed }) => isProgram(file, changed));
    const open = programs
      .filter(({ name }) => !typed.has(name))
      .map(({ file, name, changed }) => ({ file, name, text: changed }));
    const wrong = refusedByTypes(ROOT, open);
    for (const one of open) typed.set(one.name, !wrong.has(one));
    for (const { file, text, mutation, name } of programs) {
      if (found.length === count) break;
      if (typed.get(name) ?? true) found.push({ file, text, mutation, name });
      else refused++;
    }
  }
  remember("typed", typed);
  console.log(
    `${found.length} changes of seed ${seed} in ${rooms.join(", ")}; ${refused} more were drawn, but TypeScript refuses them.`,
  );
  return found;
}

const workers: Worker[] = [];

/** Brings a copy of the checkout up to date. What is generated is linked, because no change concerns it. */
function copyCheckout(copy: string): void {
  mkdirSync(copy, { recursive: true });
  for (const { name, parentPath } of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const path = join(parentPath, name);
    const file = relative(copy, path);
    if (lstatSync(path).isFile() && !files.has(file) && !/^(dist|\.git)\//.test(file)) rmSync(path);
  }
  for (const file of files.keys()) {
    const [from, to] = [join(ROOT, file), join(copy, file)];
    if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) continue;
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
  }
  for (const generated of ["node_modules", ".gen"]) {
    if (!existsSync(join(copy, generated))) symlinkSync(join(ROOT, generated), join(copy, generated));
  }
  // Some tests ask git for the files of the checkout.
  spawnSync("git", ["init", "--quiet"], { cwd: copy });
}

/** Each worker takes the next of a list until none is left. */
async function shared<T>(list: readonly T[], work: (worker: Worker, item: T) => Promise<void>): Promise<void> {
  const rest = [...list];
  await Promise.all(
    workers.map(async (worker) => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(worker, item);
    }),
  );
}

/** Test files that prove the tools, terraform or what runs elsewhere take long and execute none of these sources in a way of their own. */
const IGNORED =
  /^__tests__\/(ansible\/roles|browser|cdktn|editor|package|providers|scripts|templates|terraform|testing|tools\/mutation)\b/;

/** Of what test files share. */
const HELPERS = stateOf(/^(testing\/|jest\.config|__tests__\/(?!.*\.test\.ts$))/);
const ownStateOf = (test: string) => hashOf(HELPERS, files.get(test) ?? "");

/** Runs those of these test files that changed since they were last run, to see what they execute. */
async function measure(tests: readonly string[]): Promise<void> {
  const open = tests.filter((test) => suites.get(test)?.ownState !== ownStateOf(test));
  if (open.length > 0) console.log(`${open.length} test files are run without a change, to see which lines they execute.`);
  await shared(open, async (worker, test) => {
    const answer = await worker.run(test, { seconds: 600, coverage: true });
    const { failures = ["It does not end."], ...known } = answer ?? {
      executed: {},
      seconds: 600,
      processor: 600,
      started: { programs: false, node: false },
    };
    const passes = failures.length === 0;
    if (!passes) console.log(`${test} fails in a copy of the checkout, so it is not asked: ${failures[0]?.slice(0, 300)}`);
    const sources = Object.fromEntries(Object.keys(known.executed).map((source) => [source, files.get(source)]));
    const snapshots = readFileSync(join(ROOT, test), "utf8").includes("Snapshot(");
    suites.set(test, { ...known, test, passes, snapshots, ownState: ownStateOf(test), sources, state: STATE });
    remember("suites", suites);
  });
}

/** Whether a test file concerns what is no TypeScript: it lies where its tests lie, or above them, or names the file or the role. */
function concerns(test: string, file: string): boolean {
  const role = /(?<=roles\/)\w+/.exec(file)?.[0];
  const [folder, own] = [`${dirname(test)}/`, `__tests__/${dirname(file)}/`];
  if (!role && folder !== "__tests__/" && (own.startsWith(folder) || folder.startsWith(own))) return true;
  const text = readFileSync(join(ROOT, test), "utf8");
  return text.includes(basename(file)) || (role !== undefined && text.includes(role));
}

/** Whether a test file names one of these scripts or tasks by its whole path: it compares copies, wherever it lies. */
function comparesOneOf(test: string, changed: readonly Mutant[]): boolean {
  const text = readFileSync(join(ROOT, test), "utf8");
  return changed.some(({ file }) => !file.endsWith(".ts") && text.includes(file));
}

/**
 * What a test file executes of the source of a change: every line, where the source changed since the test file was run; and of a script every
 * line or none, whatever else the test file starts.
 */
function executedNow(suite: KnownSuite, { file, text }: Mutant): KnownSuite {
  const isScript = !file.endsWith(".ts");
  if (isScript && !concerns(suite.test, file)) return { ...suite, executed: {}, started: { ...suite.started, node: false } };
  if (!isScript && (suite.sources[file] === files.get(file) || !suite.sources[file])) return suite;
  return { ...suite, executed: { ...suite.executed, [file]: text.split("\n").map((_, i) => i + 1) } };
}

/** Whether a test file passes without a change in this state of the checkout. */
async function passesNow(worker: Worker, suite: KnownSuite): Promise<boolean> {
  const known = suites.get(suite.test) ?? suite;
  if (known.state === STATE) return known.passes;
  const answer = await worker.run(suite.test, { seconds: limitOf(suite) });
  const passes = answer !== undefined && answer.failures.length === 0;
  if (!passes) console.log(`${suite.test} fails without a change, so it is not asked.`);
  suites.set(suite.test, { ...known, passes, state: STATE });
  return passes;
}

/** Whether it is known that an assertion finds a change: the test file that found it is still the same. */
function isFound(known: KnownVerdict | undefined): known is KnownVerdict {
  if (known?.by === undefined || known.state !== ownStateOf(known.by)) return false;
  return known.verdict === "assertion" || known.verdict === "timeout";
}

/** Which share of the changes that a test file was asked about it found. A half, while it was asked about none. */
function rate(test: string): number {
  const all = [...verdicts.values()];
  const finds = all.filter(({ by }) => by === test).length;
  const misses = all.filter(({ passed }) => passed?.includes(suites.get(test)?.ownState ?? "")).length;
  return (finds + 0.5) / (finds + misses + 1);
}

/** What these test files say of a change, one after another, until an assertion finds it. */
async function judge(
  worker: Worker,
  { file, text, mutation, name }: Drawn,
  tests: readonly string[],
  seconds: number,
): Promise<KnownVerdict> {
  const lines = [lineOf(text, mutation.start), lineOf(text, mutation.end)];
  const passed = new Set(verdicts.get(name)?.passed);
  const known = tests.flatMap((test) => suites.get(test) ?? []).filter(({ ownState }) => !passed.has(ownState));
  // What found the change before it was edited itself finds it again, most likely.
  const rateOf = (test: string) => (verdicts.get(name)?.by === test ? Number.POSITIVE_INFINITY : rate(test));
  const path = join(worker.copy, file);
  let found: Omit<KnownVerdict, "passed"> = { verdict: passed.size === 0 ? "no tests" : "survived" };
  for (const suite of asked(
    known.map((one) => executedNow(one, { file, text, mutation })),
    file,
    lines,
    seconds,
    rateOf,
  )) {
    const { test, ownState } = suite;
    writeFileSync(path, mutated(text, mutation));
    const answer = await worker.run(test, { seconds: limitOf(suite) });
    writeFileSync(path, text);
    const verdict = answer ? verdictOf(answer.failures) : "timeout";
    if (verdict === "survived") passed.add(ownState);
    else if (!(await passesNow(worker, suite))) continue;
    if (verdict !== "survived") found = { verdict, by: test, state: ownState };
    else if (found.verdict === "no tests") found = { verdict };
    if (verdict === "assertion" || verdict === "timeout") break;
  }
  return { ...found, passed: [...passed] };
}

const WORDS: Readonly<Record<Verdict, string>> = {
  assertion: "found by an assertion",
  timeout: "found because a test does not end, or dies",
  snapshot: "found by a snapshot only",
  survived: "survived",
  "no tests": "survived: no test executes the line",
};

async function main(): Promise<void> {
  const atLeast = numberOf("at-least");
  const seconds = numberOf("seconds");
  const rooms = options.rooms.split(",");
  const mutants = drawn(rooms, options.kinds.split(","), numberOf("seed"), numberOf("count"));
  const told = ({ file, text, mutation }: Mutant) => `${file}:${lineOf(text, mutation.start)}  ${described(text, mutation)}`;
  startReplay();
  for (let i = 1; i <= numberOf("workers"); i++) {
    const copy = join(memoryFolder, `copy-${i}`, basename(ROOT));
    copyCheckout(copy);
    workers.push(new Worker(copy, [join(memoryFolder, "jest"), rooms.join(",")]));
  }
  let open = mutants.filter(({ name }) => !isFound(verdicts.get(name)));
  if (open.length < mutants.length) console.log(`${mutants.length - open.length} are known to be found, from before.`);
  const tests = [...files.keys()].filter((file) => /^__tests__\/.*\.test\.ts$/.test(file));
  // The tests of the rooms, and of the pages that tools make of them, find most changes; the others are only run for what is left.
  const near = [...rooms, "catalog", "docs", "tools"].map((room) => `__tests__/${room}/`);
  const isNear = (test: string) =>
    (near.some((folder) => test.startsWith(folder)) && !/tools\/(bench|bindings|program|mutation|schemas)/.test(test)) ||
    comparesOneOf(test, mutants);
  const groups = [tests.filter(isNear), tests.filter((test) => !isNear(test) && !IGNORED.test(test))];
  for (const [i, group] of groups.entries()) {
    // What executes a script is not known by its lines, so a test file that has nothing to do with these scripts need not be run.
    const some = group.filter((test) => open.some(({ file }) => file.endsWith(".ts") || concerns(test, file)));
    if (some.length === 0) continue;
    console.log(`${open.length} changes are shown to the tests ${i === 0 ? "of the rooms" : "of the other rooms"}.`);
    await measure(some);
    await shared(open, async (worker, mutant) => {
      const found = await judge(worker, mutant, some, seconds);
      verdicts.set(mutant.name, found);
      remember("verdicts", verdicts);
      console.log(`${found.verdict.padEnd(9)}  ${told(mutant)}${found.by ? `  (${found.by})` : ""}`);
    });
    open = open.filter(({ name }) => !isFound(verdicts.get(name)));
  }
  remember("suites", suites);

  const verdictOfMutant = (mutant: Drawn) => verdicts.get(mutant.name)?.verdict ?? "no tests";
  const all = mutants.map(verdictOfMutant);
  console.log("");
  for (const [verdict, words] of Object.entries(WORDS)) {
    const count = all.filter((one) => one === verdict).length;
    if (count > 0) console.log(`${String(count).padStart(5)}  ${words}`);
  }
  const list = (title: string, ...wanted: Verdict[]) => {
    const lines = mutants.filter((mutant) => wanted.includes(verdictOfMutant(mutant))).map((mutant) => `  ${told(mutant)}`);
    if (lines.length > 0) console.log(`\n${title}:\n${lines.sort().join("\n")}`);
  };
  list("Only a snapshot finds", "snapshot");
  list("No test finds", "survived", "no tests");
  const percent = percentOf(all, "assertion", "timeout");
  const survived = percentOf(all, "survived", "no tests");
  console.log(
    `\n${percent.toFixed(1)} % are found by an assertion, and ${survived.toFixed(1)} % survive; at least ${atLeast} % should be found.`,
  );
  process.exitCode = percent < atLeast ? 1 : 0;
}

function endWorkers(): void {
  for (const worker of workers) worker.end();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    endWorkers();
    process.exit(130);
  });
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  })
  .finally(endWorkers);
