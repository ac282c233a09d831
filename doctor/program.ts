import { execFile } from "node:child_process";

/** What a program came to. */
export interface ProgramResult {
  /** Its exit code; `missing` for a program that is not there, `timeout` for one that did not end in time. */
  readonly status: number | "missing" | "timeout";
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and without input. Never throws. */
export type Run = (command: string, args: readonly string[], options?: { readonly timeoutMs?: number }) => Promise<ProgramResult>;

/** How many programs may run at once: each is a process, and most of them wait for the network. */
const PARALLEL = 8;

/** The longest output that is read, in bytes. The nodes of a large cluster have a tenth of it. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** Lets at most so many pieces of work run at once; the others wait for their turn, in order. */
export function limited(parallel: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < parallel) running += 1;
    else await new Promise<void>((turn) => waiting.push(turn));
    try {
      return await work();
    } finally {
      // Whoever waits takes over the place, so that nobody gets in between.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/**
 * What runs programs on this machine, several at once. A program gets ten seconds unless it is given more, and is ended then.
 * @param env variables of the environment of each, PATH among them
 */
export function programs(env: Readonly<Record<string, string | undefined>>): Run {
  const inTurn = limited(PARALLEL);
  return (command, args, { timeoutMs = 10_000 } = {}) =>
    inTurn(
      () =>
        new Promise<ProgramResult>((done) => {
          const child = execFile(
            command,
            [...args],
            { timeout: timeoutMs, killSignal: "SIGKILL", env, maxBuffer: MAX_OUTPUT_BYTES },
            (error, stdout, stderr) => {
              if (!error) return done({ status: 0, stdout, stderr });
              const code = typeof error.code === "number" ? error.code : undefined;
              const missing = error.code === "ENOENT" || error.code === "EACCES";
              done({ status: missing ? "missing" : (code ?? (error.killed ? "timeout" : 1)), stdout, stderr });
            },
          );
          // A program that asks for a password would wait for ever.
          child.stdin?.end();
        }),
    );
}

/** The line of an output that says what went wrong: the last one that is not empty. */
export function reasonOf({ status, stderr, stdout }: ProgramResult): string {
  if (status === "missing") return "the program is not on this machine";
  if (status === "timeout") return "no answer in time";
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").at(-1) ?? `exit code ${status}`;
}
