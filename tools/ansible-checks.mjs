// Checks the playbooks without touching a machine: syntax, and ansible-lint with its strictest profile, both offline.
//
//   npm run test:ansible
//
// The tools are the pinned ones of ansible/requirements.txt: from PATH where those versions are installed, else from a virtual
// environment under node_modules/.cache, which is made on first use (that needs Python 3.11 and the Python package index).
// Where they cannot be had the check is skipped, visibly; with REQUIRE_TOOLS=1 that is an error.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "ansible");
const environmentFolder = join(root, "node_modules", ".cache", "ansible-venv");
const requirements = readFileSync(join(folder, "requirements.txt"), "utf8");
const pinned = new Map([...requirements.matchAll(/^(ansible-[a-z]+)==(\S+)$/gm)].map((match) => [match[1], match[2]]));

/** Runs a command to its end and returns its exit code and output; a command that cannot start has the code 127. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", ...options });
  return { code: result.status ?? 127, output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}` };
}

/** Whether the commands of PATH, or of one folder, have the pinned versions. */
function hasPinned(bin) {
  const lint = run(join(bin, "ansible-lint"), ["--version", "--nocolor", "--offline"]).output;
  const core = run(join(bin, "ansible-playbook"), ["--version"]).output;
  return lint.includes(`ansible-lint ${pinned.get("ansible-lint")}`) && core.includes(`[core ${pinned.get("ansible-core")}]`);
}

/** The first Python that can run the pinned tools, or undefined. */
function findPython() {
  const enough = "import sys, venv; sys.exit(0 if sys.version_info >= (3, 11) else 1)";
  return ["python3", "python3.13", "python3.12", "python3.11"].find((python) => run(python, ["-c", enough]).code === 0);
}

/** Makes the virtual environment where it is absent or older than the pins. Returns why that failed, or undefined. */
function makeEnvironment() {
  const pins = requirements + readFileSync(join(folder, "constraints.txt"), "utf8");
  const stamp = join(environmentFolder, "pins.sha256");
  const wanted = createHash("sha256").update(pins).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return undefined;
  const python = findPython();
  if (!python) return "Python 3.11 or newer with its venv module was not found";
  console.log(`Making ${environmentFolder} from ansible/requirements.txt ...`);
  rmSync(environmentFolder, { recursive: true, force: true });
  mkdirSync(environmentFolder, { recursive: true });
  const made = run(python, ["-m", "venv", environmentFolder]);
  if (made.code !== 0) return `${python} -m venv failed: ${made.output.trim()}`;
  const installed = run(join(environmentFolder, "bin", "pip"), [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--requirement",
    join(folder, "requirements.txt"),
  ]);
  if (installed.code !== 0) return `pip could not install ansible/requirements.txt: ${installed.output.trim()}`;
  writeFileSync(stamp, wanted);
  return undefined;
}

/** The folder of the tools, or the reason why there is none. */
function findTools() {
  const onPath = (process.env.PATH ?? "").split(delimiter).find((entry) => entry && existsSync(join(entry, "ansible-lint")));
  if (onPath && existsSync(join(onPath, "ansible-playbook")) && hasPinned(onPath)) return { bin: onPath };
  const reason = makeEnvironment();
  return reason ? { reason } : { bin: join(environmentFolder, "bin") };
}

const tools = findTools();
if (!tools.bin) {
  const hint = "Remedy: pip install -r ansible/requirements.txt";
  console.error(`${process.env.REQUIRE_TOOLS === "1" ? "FAILED" : "SKIPPED"}: Ansible's checks. ${tools.reason}. ${hint}`);
  process.exit(process.env.REQUIRE_TOOLS === "1" ? 1 : 0);
}

const options = {
  cwd: folder,
  env: { ...process.env, PATH: [tools.bin, process.env.PATH].join(delimiter), ANSIBLE_LOCALHOST_WARNING: "false", NO_COLOR: "1" },
};
const playbooks = readdirSync(folder).filter((name) => name.endsWith(".yml"));
const checks = [
  ...playbooks.map((name) => ["ansible-playbook", "--syntax-check", "--inventory", "ollama-1,", name]),
  ["ansible-lint", "--offline", "--nocolor", "--config-file", ".ansible-lint"],
];
let failures = 0;
for (const [command, ...args] of checks) {
  const { code, output } = run(join(tools.bin, command), args, options);
  console.log(`${code === 0 ? "ok" : "FAILED"}: ${command} ${args.join(" ")}`);
  if (code !== 0) {
    failures += 1;
    console.error(output);
  }
}
// The virtual environment serves the jest tests of the roles too.
console.log(`${checks.length - failures} of ${checks.length} checks passed, with the tools of ${tools.bin}`);
process.exit(failures === 0 ? 0 : 1);
