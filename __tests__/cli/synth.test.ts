import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { run } from "../../cli";
import { readLab } from "../../lab/read";
import { synthesize } from "../../stacks/synthesize";

const ROOT = join(__dirname, "../..");
const EXAMPLES = readdirSync(join(ROOT, "examples"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `examples/${name}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "main-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a command on a lab, with a folder of its own for the output. */
const command = (name: string, lab: string) => run([name, lab], { CDKTF_OUTDIR: join(folder, "cdktf.out") });

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

/** What `synth` writes for a lab, without the price of a process. */
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
    const first = synthesizedIn(join(folder, "one"), copyOfLab(example, join(folder, "one")));
    const elsewhere = join(folder, "elsewhere/deeper/two");
    const other = copyOfLab(example, elsewhere, (text) => stringify(reversed(parse(text))));
    expect(synthesizedIn(elsewhere, other)).toEqual(first);
  });
});

const broken = (text: string) => text.replace(/vmId: 201/, "vmId: 1");

describe("a good lab, with nothing on PATH", () => {
  let result: { status: number | null; stdout: string; stderr: string };
  let beside: string[];
  beforeEach(() => {
    // One process for all of its facts: starting one costs more than everything it does.
    result ??= spawnSync(process.execPath, [join(ROOT, "main.mjs"), "synth"], {
      cwd: ROOT,
      env: { LAB: copyOfLab("examples/default.yaml", folder), CDKTF_OUTDIR: join(folder, "cdktf.out"), PATH: "" },
      encoding: "utf8",
    });
    beside ??= readdirSync(folder).sort();
  });

  test("is synthesized", () => expect(result.status).toBe(0));
  test("leaves nothing but the output and the folder of its states beside it", () =>
    expect(beside).toEqual(["cdktf.out", "lab.yaml", "state"]));
  test("gets a row for each guest: where it is, its address and its size", () => {
    expect(result.stdout).toMatch(/homelab-ollama-1 +pve1 · CT 201 +192\.0\.2\.21 +8 +16 GiB +50 GiB\n/);
  });
  test("gets a row for the models of each container and release: the room they take and have", () => {
    expect(result.stdout).toMatch(
      /Models\n +homelab-ollama-1 +4\.5 of 50 GiB +mistral:7b, nomic-embed-text\n +release ollama +3\.1 of 50 GiB +llama3\.2:1b, qwen2\.5:3b\n/,
    );
  });
  test("sees which guest gets which card", () => expect(result.stdout).toMatch(/homelab-gpu-1 +pve1 · VM 311 .* rtx/));
  test("sees the URLs that answer after the deploy", () => {
    expect(result.stdout).toMatch(
      /https:\/\/192\.0\.2\.31:6443 +Kubernetes API\n +http:\/\/192\.0\.2\.21:11434 +Ollama in homelab-ollama-1, once it is configured\n/,
    );
  });
  test("sees where each stack was written", () => {
    expect(result.stdout).toMatch(/containers +\d+ resources +→ .*cdktf\.out\/stacks\/containers/);
  });
  test("is told what is left to do: a tool that is missing, the firewall", () => {
    expect(result.stdout).toMatch(/Left to do by hand\n.*Install Terraform or OpenTofu.*datacenter's firewall/s);
  });
  test("gets no warning about a choice that the file does not make", () => {
    expect([result.stdout, result.stderr]).toEqual([expect.stringContaining("0 errors, 0 warnings."), ""]);
  });
  test("gets the next command, for the lab in use", () => {
    expect(result.stdout).toMatch(/LAB=\S+lab\.yaml npx cdkt[fn] deploy '\*'/);
  });
});

test("a lab with an error ends with 1, says that nothing was written, and leaves an earlier output as it was", async () => {
  const before = synthesizedIn(folder, copyOfLab("examples/default.yaml", folder));
  const { exitCode, stderr } = await command("synth", copyOfLab("examples/default.yaml", folder, broken));
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("1 error, 0 warnings. Nothing was written.")]);
  expect(contents(join(folder, "cdktf.out"))).toEqual(before);
});

describe("under cdktf's CLI, which prints the annotations itself", () => {
  const underCli = (change: (text: string) => string) =>
    run(["synth", copyOfLab("examples/default.yaml", folder, change)], {
      CDKTF_OUTDIR: join(folder, "cdktf.out"),
      CDKTF_CONTEXT_JSON: "{}",
      TERRAFORM_BINARY_NAME: "terraform",
    });

  test("a warning that is an annotation is not printed as well, only counted", async () => {
    const { stdout, stderr } = await underCli((text) => text.replace("auth: apiToken", "insecure: true"));
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^\S+lab\.yaml: 0 errors, 1 warning\.$/), ""]);
  });

  test("a warning whose stack the lab does not have is printed", async () => {
    const { stderr } = await underCli((text) => `ollamaNfsPath: /mnt/nfs\n${text.slice(0, text.indexOf("\ncluster:"))}`);
    expect(stderr).toContain("warning nfs-path-ignored");
  });

  test("Terraform that is missing is told, before the CLI fails to start it", async () => {
    const env = { CDKTF_OUTDIR: join(folder, "cdktf.out"), CDKTF_CONTEXT_JSON: "{}", PATH: folder };
    const { stderr } = await run(["synth", copyOfLab("examples/default.yaml", folder)], env);
    expect(stderr).toMatch(/^Install Terraform or OpenTofu: neither is on PATH, .*\(https:/);
  });

  test("an error is printed", async () => {
    const { exitCode, stderr } = await underCli(broken);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("error invalid-vmid")]);
  });
});

test("a lab with an error makes no output", async () => {
  await command("synth", copyOfLab("examples/default.yaml", folder, broken));
  expect(readdirSync(folder)).toEqual(["lab.yaml"]);
});

test("a second synthesis keeps what Terraform left in a stack's folder, and drops a stack that is gone", () => {
  synthesizedIn(folder, copyOfLab("examples/default.yaml", folder));
  const stacks = join(folder, "cdktf.out/stacks");
  cpSync(join(stacks, "containers"), join(stacks, "former"), { recursive: true });
  writeFileSync(join(stacks, "containers/.terraform.lock.hcl"), "# kept");
  synthesizedIn(folder, join(folder, "lab.yaml"));
  expect([existsSync(join(stacks, "containers/.terraform.lock.hcl")), existsSync(join(stacks, "former"))]).toEqual([true, false]);
});

test("an output that cannot be written is refused with the folder, the reason and the remedy", async () => {
  writeFileSync(join(folder, "file"), "");
  const outdir = join(folder, "file", "cdktf.out");
  const { exitCode, stderr } = await run(["synth", join(ROOT, "examples/lxc.yaml")], { CDKTF_OUTDIR: outdir });
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    `cannot be written to ${outdir}: a part of the path is a file (ENOTDIR). Name another folder in CDKTF_OUTDIR.`,
  );
});

describe("the folder of a local state", () => {
  /** What is printed, with its lines in one: where they break depends on the length of the paths. */
  const synth = async () => {
    const env = { CDKTF_OUTDIR: join(folder, "cdktf.out"), PATH: "" };
    const { stdout } = await run(["synth", copyOfLab("examples/default.yaml", folder)], env);
    return { stdout: stdout.replace(/\s+/g, " ") };
  };
  const states = () => join(folder, "state/homelab");
  const mode = () => (statSync(states()).mode & 0o777).toString(8);

  test("is made so that nobody else can read the secrets in it, and the summary says where it is", async () => {
    const { stdout } = await synth();
    expect([mode(), stdout]).toEqual([
      "700",
      expect.stringMatching(/Terraform keeps the states in \S*state\/homelab, which only you can read\./),
    ]);
  });
  test("keeps the mode that a person gave it, and the summary says how to close it", async () => {
    mkdirSync(states(), { recursive: true });
    chmodSync(states(), 0o755);
    const { stdout } = await synth();
    expect([mode(), stdout]).toEqual([
      "755",
      expect.stringMatching(/Close \S*state\/homelab to other users of this machine, .*: `chmod 700 \S*state\/homelab/),
    ]);
  });
  test("is not made for a state that is elsewhere", async () => {
    const file = copyOfLab(
      "examples/default.yaml",
      folder,
      (text) => `${text}\nstate: { type: s3, settings: { bucket: lab, key: "{lab}/{stack}" } }\n`,
    );
    await run(["synth", file], { CDKTF_OUTDIR: join(folder, "cdktf.out"), PATH: "" });
    expect(existsSync(join(folder, "state"))).toBe(false);
  });
});
