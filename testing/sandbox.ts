import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** One call of a fake command, in the order in which the calls began. */
export interface Call {
  readonly command: string;
  /** Arguments, without the command itself. */
  readonly argv: readonly string[];
  /** What it read on standard input. Empty for a fake without `stdin`. */
  readonly stdin: string;
}

/** What a run of a script did. */
export interface ScriptResult {
  /** Exit code. Null when the script took longer than `timeoutMs` and was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The calls of fakes during this run. */
  readonly calls: readonly Call[];
}

/** Options of a fake command. */
export interface FakeOptions {
  /**
   * Read standard input to its end, record it, and give it to the body. Off by default, because a command inside a `while read` loop would
   * take the input of the loop.
   */
  readonly stdin?: boolean;
}

/** Options of a run. */
export interface RunOptions {
  readonly args?: readonly string[];
  /** The whole environment, besides PATH, HOME, TMPDIR, LC_ALL and SANDBOX. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Name of the shell in the sandbox's PATH. Default: bash. */
  readonly shell?: string;
  /** After this time the script and all that it started are killed. Default: 20 000 ms. */
  readonly timeoutMs?: number;
}

/** Real commands that a script may use where they exist. They touch only the files that they are given. */
const HARMLESS = (
  "awk basename bash cat chmod cmp cp cut date dirname env find grep head id ln ls mkdir mktemp mv od readlink rm rmdir sed " +
  "seq sh sha256sum sleep sort stat tail tee touch tr uniq wc"
).split(" ");

/** Where folders of commands lie that all sandboxes share. */
const CACHE = path.join(__dirname, "../node_modules/.cache/sandbox");

/**
 * What runs when a fake is called as a program: bash has read the functions from BASH_ENV by then, and this one calls the function of its
 * own name.
 */
const CALLS_A_FUNCTION = 'name=${0##*/}\ndeclare -F "$name" >/dev/null || exit 127\n"$name" "$@"\n';

function findOnPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, command))
    .find((file) => fs.existsSync(file));
}

/** The path of a folder with these files, made once and shared by all processes: links for values that begin with a slash, else scripts. */
function sharedFolder(files: Readonly<Record<string, string>>): string {
  const folder = path.join(CACHE, createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16));
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(CACHE, { recursive: true });
    const made = fs.mkdtempSync(path.join(CACHE, "new-"));
    for (const [name, content] of Object.entries(files)) {
      if (content.startsWith("/")) {
        fs.symlinkSync(content, path.join(made, name));
      } else {
        fs.writeFileSync(path.join(made, name), content, { mode: 0o755 });
      }
    }
    try {
      fs.renameSync(made, folder);
    } catch {
      // Another process was quicker.
      fs.rmSync(made, { recursive: true, force: true });
    }
  }
  return folder;
}

/** The real commands of these names that this machine has, by name. */
const realCommands = (() => {
  const found = new Map<string, string | undefined>();
  return (names: readonly string[]): Record<string, string> => {
    for (const name of names) {
      if (!found.has(name)) found.set(name, findOnPath(name));
    }
    return Object.fromEntries(names.map((name) => [name, found.get(name) ?? ""]).filter(([, file]) => file !== ""));
  };
})();

/**
 * A folder in which a shell script runs against fake commands. The script's PATH has only the fakes and a few harmless real tools. So a
 * command that a test forgot is "not found", and does not really run. Scripts that write to absolute paths must take a prefix for them:
 * give them `root`.
 *
 * Bash, and every bash that it starts, has the fakes as functions, which costs a fork where a program costs a new process as well; everything
 * else has them as programs of the same names. So a fake sees the variables of the script that calls it.
 *
 *     const sandbox = new Sandbox();
 *     sandbox.fake("systemctl", 'test "$1" = is-active');
 *     const result = await sandbox.run("templates/k3s/bootstrap-server.sh", { env: { ROOT: sandbox.root } });
 *     sandbox.remove();
 */
export class Sandbox {
  /** The temporary root, an absolute path. Scripts and fakes have it as `$SANDBOX`. */
  public readonly root: string;
  /** Each call as fields that end in NUL: the number of arguments, the file with its standard input or nothing, the name, the arguments. */
  private readonly callsFile: string;
  private readonly tools: Record<string, string>;
  /** The text of each fake, by its name. */
  private readonly fakes = new Map<string, string>();
  /** What the file of the fakes holds. */
  private written: string | undefined;

  /** @param tools further real commands that the scripts may run; it is an error if one of them is not installed */
  public constructor(tools: readonly string[] = []) {
    this.tools = realCommands([...HARMLESS, ...tools]);
    const missing = tools.find((tool) => this.tools[tool] === undefined);
    if (missing !== undefined) {
      throw new Error(`Sandbox: the command '${missing}' is not on this machine's PATH; install it or fake it`);
    }
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sandbox-"));
    this.root = path.join(folder, "root");
    this.callsFile = path.join(folder, "calls/list");
    for (const made of [this.root, path.dirname(this.callsFile), path.join(folder, "home"), path.join(folder, "tmp")]) {
      fs.mkdirSync(made);
    }
    fs.writeFileSync(this.callsFile, "");
  }

  /**
   * Puts a fake command in the PATH. It replaces a former one of the same name.
   *
   * @param body bash, which gets the arguments of the call and gives the exit code. `$SANDBOX` is the root, `$caller` the process that called.
   *   Default: exit 0, and nothing else.
   */
  public fake(name: string, body = ":", options: FakeOptions = {}): void {
    if (body.includes("$PPID")) {
      throw new Error(`Sandbox: $PPID in the fake ${name} would be the process of the test; write $caller`);
    }
    // Only builtins and absolute paths here, because any command of the PATH may itself be a fake. What the script has set, its traps
    // among them, holds for the script alone.
    const recorded = (stdin: string): string =>
      `printf '%s\\0' "$#" ${stdin} ${this.quote(name)} "$@" >>${this.quote(this.callsFile)}`;
    const lines =
      body === ":" && !options.stdin
        ? [`${name}() {`, recorded("''"), "}"]
        : [
            `${name}() { local caller=\${caller:-$BASHPID}; (`,
            "set +eEuo pipefail; trap - ERR HUP INT PIPE TERM",
            ...(options.stdin
              ? [
                  `input=${this.quote(this.callsFile)}.$EPOCHREALTIME-$BASHPID`,
                  recorded('"$input"'),
                  `${this.tools["cat"] ?? "/bin/cat"} >"$input"; exec <"$input"; unset input`,
                ]
              : [recorded("''")]),
            body,
            ") || return; }",
          ];
    this.fakes.set(name, lines.join("\n"));
  }

  /** Takes a fake or a real command out of the PATH. */
  public withoutCommand(name: string): void {
    this.fakes.delete(name);
    delete this.tools[name];
  }

  /** Writes a file under the root, with its folders. @param mode default 0600 */
  public write(file: string, content: string, mode = 0o600): void {
    const full = path.join(this.root, file);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    // The file has exactly this mode from the first moment, because a script may be watching. The umask must not change it.
    fs.writeFileSync(full, content, { mode });
    fs.chmodSync(full, mode);
  }

  /** The content of a file under the root. */
  public read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  public exists(file: string): boolean {
    return fs.existsSync(path.join(this.root, file));
  }

  /** The permission bits of a file under the root, such as "600". */
  public mode(file: string): string {
    return (fs.statSync(path.join(this.root, file)).mode & 0o7777).toString(8);
  }

  /** Every file under the root as a relative path, sorted. */
  public files(): string[] {
    return fs
      .readdirSync(this.root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(this.root, path.join(entry.parentPath, entry.name)))
      .sort();
  }

  /** Runs a script of the project and waits for its end. */
  public run(script: string, options: RunOptions = {}): Promise<ScriptResult> {
    const before = fs.statSync(this.callsFile).size;
    const functions = path.join(this.root, "../fakes.bash");
    const text = [...this.fakes.values(), ""].join("\n");
    // Another script of this sandbox may be reading it.
    if (text !== this.written) fs.writeFileSync(functions, text);
    this.written = text;
    const shell = this.tools[options.shell ?? "bash"] ?? "/bin/bash";
    const program = `#!${this.tools["bash"] ?? "/bin/bash"}\ncaller=$PPID\n${CALLS_A_FUNCTION}`;
    const fakes = sharedFolder(Object.fromEntries([...this.fakes.keys()].sort().map((name) => [name, program])));
    const child = spawn(shell, [path.resolve(script), ...(options.args ?? [])], {
      cwd: this.root,
      // A group of its own, so that a time-out also ends what the script started.
      detached: true,
      env: {
        PATH: `${fakes}:${sharedFolder(this.tools)}`,
        BASH_ENV: functions,
        HOME: path.join(this.root, "..", "home"),
        TMPDIR: path.join(this.root, "..", "tmp"),
        LC_ALL: "C",
        SANDBOX: this.root,
        ...options.env,
      },
    });
    return this.outcome(child, before, options);
  }

  /** Deletes the sandbox. */
  public remove(): void {
    fs.rmSync(path.dirname(this.root), { recursive: true, force: true });
  }

  private outcome(child: ChildProcess, before: number, options: RunOptions): Promise<ScriptResult> {
    return new Promise((resolve, reject) => {
      let stdout = "";
      let stderr = "";
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        if (child.pid !== undefined) {
          process.kill(-child.pid, "SIGKILL");
        }
      }, options.timeoutMs ?? 20_000);
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      // It is no error of the test when a script ends before it has read its input.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.stdin ?? "");
      child.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code: timedOut ? null : code, stdout, stderr, calls: this.callsSince(before) });
      });
    });
  }

  /** @param begin length of the file of calls before the first of them */
  private callsSince(begin: number): Call[] {
    const fields = fs.readFileSync(this.callsFile).subarray(begin).toString("utf8").split("\0").slice(0, -1);
    const calls: Call[] = [];
    for (let at = 0; at < fields.length; ) {
      const [count = "", input = "", command = ""] = fields.slice(at, at + 3);
      const end = at + 3 + Number(count);
      calls.push({ command, argv: fields.slice(at + 3, end), stdin: input === "" ? "" : fs.readFileSync(input, "utf8") });
      at = end;
    }
    return calls;
  }

  private quote(text: string): string {
    return `'${text.replaceAll("'", "'\\''")}'`;
  }
}
