import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

/** The folder of the playbooks under test. */
export const playbooks = resolve(__dirname, "../../../ansible");

/** Variables of one host, as an inventory holds them. */
export type HostVariables = Record<string, unknown>;

/** A host whose commands have more in their environment, or other things. */
export function withEnvironment(host: HostVariables, more: Readonly<Record<string, string>>): HostVariables {
  return { ...host, task_environment: { ...(host["task_environment"] as Record<string, string>), ...more } };
}

/** An environment in which nothing is downloaded from outside: nothing listens at its proxy. */
export const AWAY = { https_proxy: "http://127.0.0.1:9" };

/** What one task asked its module for, and what came of it. */
export interface Call {
  /** The task's name. */
  readonly task: string;
  /** The module's arguments, with those that it has by default. Those of a task whose output is hidden are empty. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly changed: boolean;
  /** How often it is tried again when it fails, and after which pause (seconds). Null: it is not. */
  readonly retries: number | null;
  readonly delay: number;
  /** How often it was tried. Null where it is tried once. */
  readonly attempts: number | null;
}

/** What one run of ansible-playbook did. */
export interface PlaybookRun {
  /** Everything it printed. */
  readonly output: string;
  /** The same, with the blanks of the printer folded. */
  readonly said: string;
  /** The line of the recap for a host. Throws when the host is not in it. */
  recap(host: string): { readonly ok: number; readonly changed: number; readonly failed: number };
  /** The lines that tell of failures of a host, with the blanks of the printer folded. */
  failure(host: string): string;
  /** What it asked a module for on a host, in this order. A loop has a call for each item, and one for all. @param module without its collection */
  calls(host: string, module: string): readonly Call[];
}

/** Where ansible-playbook is: on PATH, or where `npm run test:ansible` puts it. Undefined when it is nowhere. */
function findAnsible(): string | undefined {
  const cached = resolve(__dirname, "../../../node_modules/.cache/ansible-venv/bin");
  const entries = [cached, ...(process.env.PATH ?? "").split(delimiter).filter(Boolean)];
  return entries.map((entry) => join(entry, "ansible-playbook")).find((path) => existsSync(path));
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((entry) => entry !== "" && existsSync(join(entry, command)));
}

/**
 * A describe whose tests need ansible-playbook and further commands. Where one is missing they are skipped with a line that says
 * how to get it; with REQUIRE_TOOLS=1 they fail instead.
 */
export function describeWithAnsible(name: string, body: () => void, commands: readonly string[] = []): void {
  const missing = commands.filter((command) => !onPath(command));
  if (!findAnsible()) missing.unshift("ansible-playbook (npm run test:ansible installs it)");
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const reason = `missing: ${missing.join(", ")}`;
  if (process.env.REQUIRE_TOOLS === "1") {
    test(name, () => {
      throw new Error(`REQUIRE_TOOLS=1 and ${reason}`);
    });
  } else {
    console.warn(`SKIPPED: ${name}: ${reason}`);
    describe.skip(`${name} (${reason})`, body);
  }
}

/** A temporary folder for one test file, with what stands in for a container. */
export class Workbench {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "ansible-test-")));

  /** Removes the folder and everything in it. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The root of a host's installation. */
  root(host: string): string {
    return join(this.folder, host, "root");
  }

  /** The folder where a host's stubs keep their state. */
  state(host: string): string {
    return join(this.folder, host, "state");
  }

  /** What a host's stubs wrote into a file of their state; empty when there is none. */
  read(host: string, file: string): string {
    const path = join(this.state(host), file);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** A host whose device nodes are files of the test; the tasks look at their names, groups and modes. */
  hostWithNodes(name: string, gpu: string, nodes: readonly string[], variables: HostVariables = {}): HostVariables {
    const folder = join(this.folder, name, "dev");
    mkdirSync(join(folder, "dri"), { recursive: true });
    for (const node of nodes) {
      writeFileSync(join(folder, node), "");
      chmodSync(join(folder, node), 0o660);
    }
    return this.host(name, 1, { ollama_gpu: gpu, gpu_setup_device_dir: folder, ...variables });
  }

  /**
   * Variables of a host that is this machine, with a root and a systemd of its own.
   * @param port the port of its Ollama API
   */
  host(host: string, port: number, variables: HostVariables = {}): HostVariables {
    const bin = join(this.folder, host, "bin");
    const python = join(this.folder, host, "python");
    const tree = ["etc/systemd/system", "usr/local/bin", "var/lib"].map((path) => join(this.root(host), path));
    for (const path of [bin, python, this.state(host), ...tree]) mkdirSync(path, { recursive: true });
    writeFileSync(join(python, "sitecustomize.py"), loadedAhead);
    for (const [command, text] of Object.entries({ systemctl, journalctl })) this.command(host, command, text);
    const user = process.getuid?.() ?? 0;
    const group = process.getgid?.() ?? 0;
    return {
      ansible_connection: "local",
      ansible_python_interpreter: "{{ ansible_playbook_python }}",
      task_environment: {
        PATH: [bin, process.env.PATH].join(delimiter),
        PYTHONPATH: python,
        STUB_ROOT: this.root(host),
        STUB_STATE: this.state(host),
      },
      ollama_prefix: this.root(host),
      ollama_manage_user: false,
      ollama_user: String(user),
      ollama_group: String(group),
      ollama_port: port,
      ...variables,
    };
  }

  /** Has a host that `host` has made run lines of shell in the place of a command. */
  command(host: string, name: string, text: string): void {
    writeFileSync(join(this.folder, host, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  /** Has an Ollama run on a host that `host` has made. */
  hasOllama(host: string): void {
    mkdirSync(join(this.root(host), "opt/ollama/current"), { recursive: true });
    writeFileSync(join(this.root(host), "etc/systemd/system/ollama.service"), "");
    writeFileSync(join(this.state(host), "running"), "");
  }

  /** The mode of what lies below the root of a host, in octal digits. */
  mode(host: string, path: string): string {
    return (statSync(join(this.root(host), path)).mode & 0o777).toString(8);
  }

  /**
   * Gives a host that `host` has made an apt that knows no package and installs none. Its state has a file `apt` with a line for each call.
   * @param answer what apt-get prints
   * @param locked another apt works when the lists are refreshed for the first time
   */
  withApt(host: string, { answer = "", locked = false } = {}): void {
    const python = join(this.folder, host, "python");
    mkdirSync(join(python, "apt"), { recursive: true });
    writeFileSync(join(python, "apt/__init__.py"), pythonApt);
    writeFileSync(join(python, "apt/cache.py"), pythonAptCache);
    for (const empty of ["apt/debfile.py", "apt_pkg.py"]) writeFileSync(join(python, empty), "");
    for (const command of ["apt-get", "apt-mark"]) this.command(host, command, aptGet);
    writeFileSync(join(this.state(host), "answer"), answer);
    if (locked) writeFileSync(join(this.state(host), "locked"), "");
  }

  /**
   * Writes a playbook of the test's own that runs one task file of a role with the defaults of the real playbooks.
   * @returns its path
   */
  playbook(role: string, tasksFrom: string): string {
    if (!existsSync(join(this.folder, "group_vars"))) symlinkSync(join(playbooks, "group_vars"), join(this.folder, "group_vars"));
    const path = join(this.folder, `${role}-${tasksFrom}.yml`);
    const play = {
      hosts: "ollama_containers",
      gather_facts: false,
      environment: "{{ task_environment }}",
      tasks: [{ "ansible.builtin.import_role": { name: role, tasks_from: tasksFrom } }],
    };
    writeFileSync(path, JSON.stringify([play]));
    return path;
  }

  /** Runs a playbook against hosts of the group ollama_containers. It may fail: the recap tells. @param more further arguments */
  async run(playbook: string, tags: string, hosts: Record<string, HostVariables>, ...more: string[]): Promise<PlaybookRun> {
    const inventory = join(this.folder, "inventory.json");
    writeFileSync(inventory, JSON.stringify({ ollama_containers: { hosts } }));
    const callsFile = join(this.folder, "calls.jsonl");
    writeFileSync(callsFile, "");
    const args = ["--inventory", inventory, "--tags", tags, ...more, resolve(playbooks, playbook)];
    const env = {
      ...process.env,
      ANSIBLE_CONFIG: join(playbooks, "ansible.cfg"),
      ANSIBLE_ROLES_PATH: join(playbooks, "roles"),
      ANSIBLE_HOME: join(this.folder, "ansible-home"),
      ANSIBLE_NOCOLOR: "1",
      ANSIBLE_FORKS: "8",
      ANSIBLE_PIPELINING: "1",
      ANSIBLE_CALLBACK_PLUGINS: join(__dirname, "callbacks"),
      CALLS_FILE: callsFile,
      LC_ALL: "C.UTF-8",
    };
    const output = await new Promise<string>((done, fail) => {
      // What the roles write has the mode that they name, whatever is usual on the host.
      const child = spawn("/bin/sh", ["-c", 'umask 0; exec "$@"', "sh", findAnsible() ?? "ansible-playbook", ...args], {
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += String(chunk)));
      child.on("error", fail);
      child.on("close", () => done(text));
    });
    const calls = readFileSync(callsFile, "utf8").split("\n").filter(Boolean);
    const noted = calls.map((line) => JSON.parse(line) as Call & { host: string; module: string });
    return {
      output,
      said: folded(output),
      recap: (host) => recap(output, host),
      failure: (host) => failure(output, host),
      calls: (host, module) => noted.filter((call) => call.host === host && call.module === module),
    };
  }
}

function recap(output: string, host: string): { ok: number; changed: number; failed: number } {
  const line = output.split("\n").find((candidate) => new RegExp(`^${host}\\s+: ok=`).test(candidate));
  if (!line) throw new Error(`no recap of ${host} in:\n${output}`);
  const number = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1]);
  return { ok: number("ok"), changed: number("changed"), failed: number("failed") };
}

function failure(output: string, host: string): string {
  const parts = output
    .split(/^(?=fatal: |failed: |ok: |changed: |TASK |PLAY )/m)
    .filter((part) => part.startsWith(`fatal: [${host}]`) || part.startsWith(`failed: [${host}]`))
    .join("\n");
  return folded(parts);
}

const folded = (text: string) => text.replace(/\s+/g, " ");

/** Stands in for python-apt, which Ansible's module asks for lists and packages: it knows no package, and somebody else may hold its lock. */
const pythonApt = `
import os
state = os.environ["STUB_STATE"]
class Cache:
    _cache = {}
    def __getitem__(self, name):
        raise KeyError(name)
    def open(self, progress):
        pass
    def update(self):
        with open(state + "/apt", "a") as calls:
            calls.write("update\\n")
        if os.path.exists(state + "/locked"):
            os.remove(state + "/locked")
            raise cache.LockFailedException("Could not get lock /var/lib/apt/lists/lock")
from . import cache
`;
const pythonAptCache = "class FetchFailedException(Exception): pass\nclass LockFailedException(Exception): pass\n";

/** Stands in for apt-get and apt-mark: notes what it is asked to do, and says what the test wrote. */
const aptGet = `\
echo "\${0##*/} $*" >> "$STUB_STATE/apt"
cat "$STUB_STATE/answer" 2>/dev/null
exit 0
`;

/**
 * Python reads this at its start. Ansible sends its library to a host with each module, packed, and Python compiles it each time: half of what
 * a module takes. Loaded ahead, from where it is installed and compiled, it is the same library.
 */
const loadedAhead = `try:
    import ansible.module_utils.basic
except ImportError:
    pass
`;

/**
 * Stands in for systemd: knows the unit only when its file is there, loads it on daemon-reload, and on a start notes which
 * release runs, as a real service would go on running a release whose link has moved.
 */
const systemctl = `\
echo "$*" >> "$STUB_STATE/calls"
for verb in "$@"; do case "$verb" in -*) ;; *) break ;; esac; done
unit="$STUB_ROOT/etc/systemd/system/ollama.service"
# The door is a unit of its own: what it is asked to do is in "calls", and whether it runs in "door".
case "$*" in *ollama-door*)
  case "$verb" in
    show)
      if [ -e "$STUB_ROOT/etc/systemd/system/ollama-door.service" ]; then echo LoadState=loaded; else echo LoadState=not-found; fi
      if [ -e "$STUB_STATE/door" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi
      ;;
    is-enabled) if [ -e "$STUB_STATE/door-enabled" ]; then echo enabled; else echo disabled; exit 1; fi ;;
    enable) : > "$STUB_STATE/door-enabled" ;;
    disable) rm -f "$STUB_STATE/door-enabled" ;;
    start | restart) : > "$STUB_STATE/door" ;;
    stop) rm -f "$STUB_STATE/door" ;;
  esac
  exit 0
  ;;
esac
case "$verb" in
  show)
    if [ -e "$unit" ]; then echo LoadState=loaded; else echo LoadState=not-found; fi
    if [ -e "$STUB_STATE/running" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi
    echo "InvocationID=run-$(cat "$STUB_STATE/starts" 2>/dev/null || echo 0)"
    ;;
  is-enabled) if [ -e "$STUB_STATE/enabled" ]; then echo enabled; else echo disabled; exit 1; fi ;;
  enable) : > "$STUB_STATE/enabled" ;;
  daemon-reload) [ ! -e "$unit" ] || cp "$unit" "$STUB_STATE/loaded" ;;
  start | restart)
    basename "$(readlink "$STUB_ROOT/opt/ollama/current")" > "$STUB_STATE/running"
    echo $(($(cat "$STUB_STATE/starts" 2>/dev/null || echo 0) + 1)) > "$STUB_STATE/starts"
    ;;
esac
`;

/** Stands in for the journal: prints what a test wrote for one run of the service. */
const journalctl = `\
for argument in "$@"; do
  case "$argument" in _SYSTEMD_INVOCATION_ID=*) cat "$STUB_STATE/journal-\${argument#*=}" 2>/dev/null ;; esac
done
exit 0
`;
