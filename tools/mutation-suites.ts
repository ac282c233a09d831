// The test files as `npm run test:mutation` runs them: processes that stay, what each test file executes, and in which order they are asked.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** What a worker says of one test file. */
export interface Answer {
  /** The message of each failure. */
  readonly failures: readonly string[];
  /** For each source the lines that ran, from 1. Empty when that was not asked. */
  readonly executed: Readonly<Record<string, readonly number[]>>;
  /** How long it took. */
  readonly seconds: number;
  /** What it took of a processor, without the programs that it started. */
  readonly processor: number;
  /** Whether it started programs, and whether Node was one of them. */
  readonly started: { readonly programs: boolean; readonly node: boolean };
}

/** What a test file does without a change. */
export interface Suite extends Omit<Answer, "failures"> {
  /** Path from the root. */
  readonly test: string;
  /** Whether it passes. One that does not, because it needs more than the copy of the checkout has, says nothing of a change. */
  readonly passes: boolean;
  /** Whether it has snapshots. */
  readonly snapshots: boolean;
}

/** A heap that is so large (MiB) is ended with its process. jest keeps some memory of each test file. */
const LARGE_HEAP = 1500;

/** A process that runs test files in a copy of the checkout, and is started again when it had to be ended. */
export class Worker {
  private child: ChildProcess | undefined;

  /** @param settings arguments of `mutation-worker.cjs` */
  constructor(
    readonly copy: string,
    private readonly settings: readonly string[],
  ) {}

  /** Ends the process and all that it started. */
  end(): void {
    const pid = this.child?.pid;
    this.child = undefined;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing of it runs any more.
    }
  }

  /** Runs a test file. @returns undefined when it did not end in time, or its process died */
  async run(test: string, limits: { readonly seconds: number; readonly coverage?: boolean }): Promise<Answer | undefined> {
    this.child ??= await this.started();
    this.child.send({ test: join(this.copy, test), coverage: limits.coverage === true });
    const answer = await this.next<Answer & { mebibytes: number }>(this.child, limits.seconds);
    if (!answer || answer.mebibytes > LARGE_HEAP) this.end();
    return answer;
  }

  private async started(): Promise<ChildProcess> {
    const child = fork(join(__dirname, "mutation-worker.cjs"), this.settings, {
      cwd: this.copy,
      execArgv: [],
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    if ((await this.next(child, 300)) !== "ready") throw new Error("The process that runs the tests does not start.");
    return child;
  }

  /** The next message of a process. */
  private next<T>(child: ChildProcess, seconds: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const done = (message?: unknown) => {
        clearTimeout(timer);
        child.off("message", done).off("exit", died);
        resolve(message as T | undefined);
      };
      const died = () => done();
      const timer = setTimeout(died, seconds * 1000);
      child.once("message", done).once("exit", died);
    });
  }
}

/**
 * How long a test file may take with a change: far longer than without, because the machine may be busy with something else by now. What takes
 * longer runs for ever.
 */
export function limitOf({ seconds }: Pick<Suite, "seconds">): number {
  return 60 + 10 * seconds;
}

/** Whether a test file executes one of these lines of a source. What starts Node may run the built program, so any line. */
function executes({ executed, started }: Suite, source: string, lines: readonly number[]): boolean {
  return started.node || (executed[source] ?? []).some((line) => lines.includes(line));
}

/** The tests of the files that are made from a room's texts, by room: they find a text that is gone. */
const MADE_OF: Readonly<Record<string, readonly string[]>> = {
  lab: ["__tests__/tools/editor-schema.test.ts", "__tests__/tools/lab-page.test.ts", "__tests__/tools/problems-page.test.ts"],
};

/** How near a test file is to a source: its own, one of the same folder or of what is made from it, of the same room, or another. */
function distance(test: string, source: string): number {
  const path = `__tests__/${source.replace(/\.(ts|sh)$/, "")}`;
  if (test === `${path}.test.ts`) return 0;
  const room = source.split("/")[0] ?? "";
  if (test.startsWith(path.slice(0, path.lastIndexOf("/") + 1)) || MADE_OF[room]?.includes(test)) return 1;
  return test.startsWith(`__tests__/${room}/`) ? 2 : 3;
}

/**
 * The test files that can find a change of these lines, in the order in which they are asked: the nearest and cheapest first, then those that
 * start programs, and the snapshots last, so that a change counts as found by a snapshot only where nothing else finds it.
 * @param rate which share of the changes that it was asked about a test file found so far
 * @param seconds how long they may take together, as they took without a change. The nearest is always asked.
 */
export function asked<T extends Suite>(
  suites: readonly T[],
  source: string,
  lines: readonly number[],
  seconds: number,
  rate: (test: string) => number,
): T[] {
  const price = ({ started, seconds, processor }: Pick<Suite, "started" | "seconds" | "processor">) =>
    started.programs ? seconds : processor;
  const rank = ({ test, snapshots, started, ...suite }: T) => [
    Number(snapshots),
    Number(started.programs),
    Number(distance(test, source) > 0),
    ((1 + distance(test, source)) * price({ ...suite, started })) / rate(test),
  ];
  const ranked = suites
    .filter((suite) => suite.passes && executes(suite, source, lines))
    .map((suite) => ({ suite, rank: rank(suite) }))
    .sort((a, b) => a.rank.map((value, i) => value - (b.rank[i] ?? 0)).find((difference) => difference !== 0) ?? 0);
  let sum = 0;
  return ranked.flatMap(({ suite }, i) => {
    if (i > 0 && sum + price(suite) > seconds) return [];
    sum += price(suite);
    return [suite];
  });
}
