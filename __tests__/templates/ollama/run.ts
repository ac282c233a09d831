// Runs a shell script as the container would: its own process group, no environment but what the test gives.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";

/** How a script ended. */
export interface Finished {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Both, for messages. */
  text: string;
  milliseconds: number;
}

/** A script that runs. */
export interface Running {
  done: Promise<Finished>;
  /** Signals only the script itself, as the kubelet signals the first process of a container. */
  signal(name: NodeJS.Signals): void;
  /** Ends it and everything it started at once, as a lost node or the OOM killer does. */
  killAll(): void;
}

/** The folder with the scripts that the tests run. */
export const projectRoot = `${__dirname}/../../..`;

/** A row of a table: what is wrong, the environment with it, and what the script says. */
export type Refused = [what: string, env: Record<string, string>, message: string];

const name = (length: number): string => "a".repeat(length);

/** A reference in which every part is as long as Ollama takes it. */
export const LONGEST = `${name(350)}/${name(80)}/${name(80)}:${name(80)}`;
/** References that Ollama refuses for the length of a part. */
export const TOO_LONG: readonly (readonly [what: string, reference: string])[] = [
  ["a host that is too long", `${name(351)}/team/llama3:8b`],
  ["a namespace that is too long", `${name(81)}/llama3:8b`],
  ["a model that is too long", `${name(81)}:8b`],
  ["a model that is too long, without a tag", name(81)],
  ["a tag that is too long", `llama3:${name(81)}`],
];

const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Starts `shell script args`; `env` is the whole environment but for PATH, unless it names one. */
export function start(shell: string, script: string, args: string[], env: Record<string, string>): Running {
  const begun = performance.now();
  const child = spawn(shell, [script, ...args], {
    cwd: "/",
    detached: true,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const done = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      killGroup(child);
      running.delete(child);
      resolve({ code, stdout, stderr, text: stdout + stderr, milliseconds: performance.now() - begun });
    });
  });
  return {
    done,
    signal: (name) => {
      child.kill(name);
    },
    killAll: () => killGroup(child),
  };
}

/** Runs it to its end. */
export function run(shell: string, script: string, args: string[], env: Record<string, string>): Promise<Finished> {
  return start(shell, script, args, env).done;
}

/** Ends what a failed test left behind. For `afterEach`. */
export function killLeftovers(): void {
  for (const child of running) killGroup(child);
}

/** `test`, or a visible skip that says how to get the tool; with REQUIRE_TOOLS=1 a missing tool fails the test. */
export function testWith(tool: string, install: string): (name: string, body: () => Promise<void>) => void {
  const there = spawnSync("sh", ["-c", 'command -v "$1"', "sh", tool]).status === 0;
  if (there) return test;
  if (process.env["REQUIRE_TOOLS"] === "1") {
    return (name) =>
      test(name, () => {
        throw new Error(`${tool} is missing, and REQUIRE_TOOLS=1 demands it; ${install}`);
      });
  }
  return (name) => test.skip(`${name} (needs ${tool}: ${install})`, () => undefined);
}
