// `npm run test:mutation`: changes the sources in small ways, and shows which changes no test finds.
//   --seed N          which sample (default 1); the same seed and sources give the same sample
//   --count N         how many changes (default 50)
//   --rooms A,B       the folders whose sources are changed (default lab,grammar,constructs,stacks)
//   --kinds A,B       only kinds that begin so, such as "anchor"
//   --seconds N       how long the tests of one room may take (default 300); where the source's own room takes longer, the change is
//                     undecided and does not count: something runs for ever, or the tests are slow
//   --types           also asks TypeScript about what the tests did not find; what it refuses does not count
//   --at-least N      ends with 1 when fewer percent are found (default 90), and with 2 when the tool cannot work
// The work happens in a copy of the checkout in a temporary folder; the checkout stays as it is.
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
  described,
  type FileReport,
  inTurns,
  isProgram,
  killedPercent,
  lineOf,
  type Mutation,
  mutated,
  mutationsOf,
  randomOf,
  sample,
  type Verdict,
  verdictOf,
} from "./mutations";

const ROOT = dirname(__dirname);
const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "50" },
    rooms: { type: "string", default: "lab,grammar,constructs,stacks" },
    kinds: { type: "string", default: "" },
    seconds: { type: "string", default: "300" },
    types: { type: "boolean", default: false },
    "at-least": { type: "string", default: "90" },
  },
});

/** The number that an option has. @throws Error for another word */
function numberOf(name: "seed" | "count" | "seconds" | "at-least"): number {
  const text = options[name];
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is ${text}, but it takes a whole number.`);
  return Number(text);
}

const limits = { seed: numberOf("seed"), count: numberOf("count"), seconds: numberOf("seconds"), atLeast: numberOf("at-least") };
const rooms = options.rooms.split(",");
const kinds = options.kinds.split(",");

/** The files of the checkout, new ones too, without what git ignores. */
const files = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
  .stdout.split("\0")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));

interface Mutant {
  readonly file: string;
  readonly text: string;
  readonly mutation: Mutation;
}

/** The changes of this run. */
function drawn(): Mutant[] {
  for (const room of rooms) {
    if (!files.some((file) => file.startsWith(`${room}/`)))
      throw new Error(`--rooms names ${room}, but there are no sources in it.`);
  }
  const all = files
    .filter((file) => file.endsWith(".ts") && rooms.some((room) => file.startsWith(`${room}/`)))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      return mutationsOf(text)
        .filter(({ kind }) => kinds.some((wanted) => kind.startsWith(wanted)))
        .map((mutation) => ({ file, text, mutation }));
    });
  console.log(
    `${all.length} changes are possible in ${rooms.join(", ")}; the sample of seed ${limits.seed} has ${limits.count}.`,
  );
  const found: Mutant[] = [];
  for (const mutant of sample(all, all.length, randomOf(limits.seed))) {
    if (found.length === limits.count) break;
    if (isProgram(mutated(mutant.text, mutant.mutation))) found.push(mutant);
  }
  return found;
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), "mutation-")));
const copy = join(folder, basename(ROOT));
const report = join(folder, "report");

/** Copies the checkout. What is generated is linked, because no change concerns it. */
function copyCheckout(): void {
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const generated of ["node_modules", ".gen"]) symlinkSync(join(ROOT, generated), join(copy, generated));
}

let running: number | undefined;

/** Ends a program with all that it started. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it runs any more.
  }
}

/** Runs jest in the copy. @returns what it printed, or undefined when it took too long */
async function jest(...args: string[]): Promise<string | undefined> {
  const program = join(ROOT, "node_modules/jest/bin/jest.js");
  const child = spawn(process.execPath, [program, "--ci", "--cacheDirectory", join(folder, "cache"), ...args], {
    cwd: copy,
    env: { ...process.env, MUTATION_REPORT: report },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running = child.pid;
  let complained = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complained = (complained + text).slice(-2000);
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, limits.seconds * 1000);
  await new Promise((done) => child.on("exit", done));
  clearTimeout(timer);
  // With --bail, jest ends before its workers do.
  killGroup(child.pid);
  if (late) return undefined;
  // 1 means that a test failed.
  if (child.exitCode !== 0 && child.exitCode !== 1) throw new Error(`jest ended with ${child.exitCode}:\n${complained}`);
  return printed;
}

/** What these tests say, file by file. Undefined when they took too long. */
async function ask(tests: readonly string[]): Promise<FileReport[] | undefined> {
  writeFileSync(report, "");
  const reporter = join(ROOT, "tools/mutation-reporter.cjs");
  const printed = await jest("--reporters", reporter, "--bail", "-w", "2", "--runTestsByPath", ...tests);
  if (printed === undefined) return undefined;
  const lines = readFileSync(report, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as FileReport);
}

/** Whether each test file passes without a change, as far as that was asked. */
const passes = new Map<string, boolean>();

/** Finds out which of these tests pass without a change. One that does not, because it needs more than the copy has, says nothing of any. */
async function prove(tests: readonly string[]): Promise<void> {
  for (const test of tests) if (!passes.has(test)) passes.set(test, verdictOf((await ask([test])) ?? []) === "survived");
}

const known = new Map<string, string[][]>();
/** The tests that depend on a source, in turns. */
async function testsOf(file: string): Promise<string[][]> {
  const before = known.get(file);
  if (before) return before;
  const listed = (await jest("--listTests", "--findRelatedTests", file)) ?? "";
  const tests = listed.split("\n").flatMap((line) => (line.endsWith(".test.ts") ? [relative(copy, line.trim())] : []));
  const turns = inTurns(file, tests.sort(), (test) =>
    existsSync(join(copy, dirname(test), "__snapshots__", `${basename(test)}.snap`)),
  );
  known.set(file, turns);
  return turns;
}

/** Whether TypeScript refuses the copy as it is now. */
function refusedByTypes(): boolean {
  const program = join(ROOT, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [program, "--incremental", "false"], { cwd: copy }).status !== 0;
}

/** What the tests say of a change, one turn after another, until one finds it. */
async function judge({ file, text, mutation }: Mutant): Promise<Verdict> {
  const turns = await testsOf(file);
  if (turns.length === 0) return "no tests";
  const path = join(copy, file);
  const change = () => writeFileSync(path, mutated(text, mutation));
  try {
    for (const turn of turns) {
      for (;;) {
        const tests = turn.filter((test) => passes.get(test) !== false);
        if (tests.length === 0) break;
        change();
        const files = await ask(tests);
        // A change that makes a program run for ever does so in the room's own tests. Those of other rooms may be slow without a change.
        if (files === undefined && turn === turns[0]) return "timeout";
        if (files === undefined) break;
        const failed = files.filter(({ failures }) => failures.length > 0);
        if (failed.length === 0) break;
        writeFileSync(path, text);
        await prove(failed.map((one) => relative(copy, one.path)));
        const sound = failed.filter((one) => passes.get(relative(copy, one.path)));
        if (sound.length > 0) return verdictOf(sound);
      }
    }
    change();
    return options.types && refusedByTypes() ? "types" : "survived";
  } finally {
    writeFileSync(path, text);
  }
}

const WORDS: Readonly<Record<Verdict, string>> = {
  assertion: "found by an assertion",
  snapshot: "found by a snapshot only",
  timeout: "undecided: the tests did not end in time",
  types: "refused by the types",
  survived: "survived",
  "no tests": "survived: no test depends on the file",
};

async function main(): Promise<void> {
  const mutants = drawn();
  copyCheckout();
  const verdicts: Verdict[] = [];
  const lines: string[] = [];
  for (const [i, mutant] of mutants.entries()) {
    const verdict = await judge(mutant);
    verdicts.push(verdict);
    const { file, text, mutation } = mutant;
    const line = `${file}:${lineOf(text, mutation.start)}  ${described(text, mutation)}`;
    console.log(`${String(i + 1).padStart(3)}  ${verdict.padEnd(9)}  ${line}`);
    if (verdict === "survived" || verdict === "no tests") lines.push(line);
  }

  console.log("");
  for (const [verdict, words] of Object.entries(WORDS)) {
    const count = verdicts.filter((one) => one === verdict).length;
    if (count > 0) console.log(`${String(count).padStart(5)}  ${words}`);
  }
  if (lines.length > 0) console.log(`\nNo test finds:\n${lines.map((line) => `  ${line}`).join("\n")}`);
  const unfit = [...passes].filter(([, sound]) => !sound).map(([test]) => test);
  if (unfit.length > 0) console.log(`\nThese fail in the copy without a change, so they were not asked: ${unfit.join(", ")}`);
  const percent = killedPercent(verdicts);
  console.log(`\n${percent.toFixed(1)} % are found; at least ${limits.atLeast} % should be.`);
  process.exitCode = percent < limits.atLeast ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killGroup(running);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    process.exit(130);
  });
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  })
  // A program that a test started may still write there.
  .finally(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
