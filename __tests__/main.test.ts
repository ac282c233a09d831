import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { readLab } from "../lab/read";
import { synthesize } from "../stacks/synthesize";

const ROOT = join(__dirname, "..");
const EXAMPLES = [
  "lab.yaml",
  ...readdirSync(join(ROOT, "examples"))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => `examples/${name}`),
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "main-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs main.ts as `npm run synth` does, in a folder of its own. */
function run(lab: string, { cwd = folder, args = [] as string[], path = process.env["PATH"] } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", join(ROOT, "main.ts"), ...args], {
    // tsx is looked for from the working folder, and node_modules is here.
    env: { ...process.env, LAB: lab, CDKTF_OUTDIR: join(cwd, "cdktf.out"), PATH: path },
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** Every file below a folder, with its content. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, path, name }) => join(parentPath ?? path, name));
  return Object.fromEntries(paths.sort().map((path) => [path.slice(root.length), readFileSync(path, "utf8")]));
}

function copyOfLab(example: string, to: string, change: (text: string) => string = (text) => text): string {
  mkdirSync(to, { recursive: true });
  const file = join(to, "lab.yaml");
  writeFileSync(file, change(readFileSync(join(ROOT, example), "utf8")));
  return file;
}

/** What main.ts writes for a lab, without the price of a process. */
function synthesizedIn(to: string, file: string): Record<string, string> {
  const { lab, problems } = readLab(file);
  if (!lab) throw new Error(JSON.stringify(problems));
  synthesize(lab, problems, join(to, "cdktf.out"));
  return contents(join(to, "cdktf.out"));
}

/** The same value with the keys of every map in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe.each(EXAMPLES)("%s", (example) => {
  test("comes out byte by byte the same a second time, in another folder, and with all keys reversed", () => {
    const outputs = [
      { to: join(folder, "one"), change: undefined },
      { to: join(folder, "elsewhere/deeper/two"), change: undefined },
      { to: join(folder, "three"), change: (text: string) => stringify(reversed(parse(text))) },
    ].map(({ to, change }) => {
      return synthesizedIn(to, copyOfLab(example, to, change));
    });
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
  });

  test("has no absolute path of this machine in its output", () => {
    for (const text of Object.values(synthesizedIn(folder, copyOfLab(example, folder)))) {
      expect(text).not.toContain(folder);
      expect(text).not.toContain(ROOT);
    }
  });
});

describe("a lab with an error", () => {
  const broken = (text: string) => text.replace(/vmId: 201/, "vmId: 1");
  test("ends with 1 and says that nothing was written", () => {
    const { status, stderr } = run(copyOfLab("lab.yaml", folder, broken));
    expect([status, stderr]).toEqual([1, expect.stringContaining("1 error, 1 warning. Nothing was written.")]);
  });
  test("writes nothing", () => {
    run(copyOfLab("lab.yaml", folder, broken));
    expect(existsSync(join(folder, "cdktf.out"))).toBe(false);
  });
  test("leaves an earlier output as it was", () => {
    run(copyOfLab("lab.yaml", folder));
    const before = contents(join(folder, "cdktf.out"));
    run(copyOfLab("lab.yaml", folder, broken));
    expect(contents(join(folder, "cdktf.out"))).toEqual(before);
  });
});

test("a second synthesis keeps what Terraform left in a stack's folder, and drops a stack that is gone", () => {
  run(copyOfLab("lab.yaml", folder));
  const stacks = join(folder, "cdktf.out/stacks");
  cpSync(join(stacks, "containers"), join(stacks, "former"), { recursive: true });
  writeFileSync(join(stacks, "containers/.terraform.lock.hcl"), "# kept");
  run(join(folder, "lab.yaml"));
  expect([existsSync(join(stacks, "containers/.terraform.lock.hcl")), existsSync(join(stacks, "former"))]).toEqual([true, false]);
});

test("nothing but the output is left beside it", () => {
  run(copyOfLab("lab.yaml", folder));
  expect(readdirSync(folder).sort()).toEqual(["cdktf.out", "lab.yaml"]);
});

test("the summary names the stack, its resources, its path, the warnings and the next command", () => {
  const { stdout, stderr } = run(copyOfLab("lab.yaml", folder));
  expect(stdout).toMatch(/containers: 4 resources, 3 outputs → .*cdktf\.out\/stacks\/containers/);
  expect(stdout).toContain("0 errors, 3 warnings.");
  expect(stdout).toContain("npx cdktf deploy");
  expect(stdout).toContain("TF_VAR_k3s_agent_token and TF_VAR_k3s_server_token");
  expect(stderr).toContain("no-checksum");
});

test("--check says what is wrong and writes nothing", () => {
  const { status, stdout } = run(copyOfLab("lab.yaml", folder), { args: ["--check"] });
  expect([status, stdout.includes("0 errors, 3 warnings."), existsSync(join(folder, "cdktf.out"))]).toEqual([0, true, false]);
});

test("no program is needed on PATH, terraform least of all", () => {
  expect(run(copyOfLab("lab.yaml", folder), { path: "" }).status).toBe(0);
});
