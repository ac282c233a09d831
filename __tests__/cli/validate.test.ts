import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { run } from "../../cli";
import { validateStack } from "../../cli/validate";
import { describeWithTool } from "../../testing/external-tool";
import { openWorld } from "../../testing/provider-replay/client";
import type { TerraformJson } from "../../testing/terraform/output";
import { container, containers } from "../testing/terraform-json";

const ROOT = join(__dirname, "../..");
/** A lab with one stack, which is synthesized in no time, and one with four. */
const LAB = join(ROOT, "examples/smallest.yaml");
const LARGE_LAB = join(ROOT, "examples/default.yaml");
const MAIN = join(ROOT, "main.mjs");

/** An empty configuration that pins what the stubs below pretend to download. */
const PINNED = { terraform: { required_providers: { null: { source: "hashicorp/null", version: "3.2.4" } } } };

const LOCKED = (address: string, version: string) =>
  `provider "${address}" {\n  version     = "${version}"\n  constraints = "${version}"\n  hashes = [\n    "h1:x",\n  ]\n}\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "validate-test-"));
  for (const name of ["bin", "tmp", "stack"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

const cache = () => join(folder, "cache");
const env = () => ({
  PATH: [join(folder, "bin"), "/usr/bin", "/bin"].join(delimiter),
  TF_PLUGIN_CACHE_DIR: cache(),
  CDKTF_OUTDIR: join(folder, "cdktf.out"),
});

/** A program on PATH that writes down how it was called and then runs `script`. */
function stub(name: string, script = ""): void {
  const file = join(folder, "bin", name);
  const record = `[ "$1" = version ] || echo "${name} $(basename "$PWD") $*" >> '${join(folder, "calls")}'`;
  writeFileSync(file, `#!/bin/sh\n${record}\n${script}\n`);
  chmodSync(file, 0o755);
}

const calls = () => (existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n") : []);

const validate = (...args: string[]) => run(["validate", LAB, ...args], env());
const validateLarge = (...args: string[]) => run(["validate", LARGE_LAB, ...args], env());

/** Validates one stack with this configuration. */
function validateOne(config: TerraformJson = PINNED, more: Record<string, string> = {}) {
  writeFileSync(join(folder, "stack/cdk.tf.json"), JSON.stringify(config));
  return validateStack("containers", join(folder, "stack"), "terraform", { ...env(), ...more });
}

describe("validate", () => {
  test("inits and validates every stack of the lab in the order of a deploy, without its backend", async () => {
    stub("terraform");
    expect(await validateLarge()).toEqual({
      exitCode: 0,
      stdout: "containers: valid\ncluster: valid\nplatform: valid\nollama: valid",
      stderr: "",
    });
    expect(calls()).toEqual(
      ["containers", "cluster", "platform", "ollama"].flatMap((stack) => [
        `terraform ${stack} init -backend=false -input=false -no-color`,
        `terraform ${stack} validate -no-color`,
      ]),
    );
  });

  test("leaves the output of a synthesis alone", async () => {
    stub("terraform");
    await validate();
    expect(existsSync(join(folder, "cdktf.out"))).toBe(false);
  });

  test.each([
    ["tofu", ["--tofu"], {}],
    ["terraform-1.11", [], { TERRAFORM_BINARY_NAME: "terraform-1.11" }],
  ])("asks %s when it is told to", async (binary, args, more) => {
    stub(binary);
    expect((await run(["validate", LAB, ...args], { ...env(), ...more })).exitCode).toBe(0);
    expect(calls()[0]).toMatch(new RegExp(`^${binary} containers init`));
  });

  test("goes on after a stack that is not valid, and ends with 1", async () => {
    stub("terraform", `[ "$1 $(basename "$PWD")" != "validate cluster" ] || { echo "Error: Unsupported argument"; exit 1; }`);
    expect(await validateLarge()).toEqual({
      exitCode: 1,
      stdout: "containers: valid\ncluster: not valid\nplatform: valid\nollama: valid",
      stderr: "cluster: Error: Unsupported argument",
    });
  });

  test.each([
    ["a registry that does not answer", "Error: Failed to query available provider packages"],
    ["a download that fails", "Error: Failed to install provider"],
    ["a Terraform that is too old", "Error: Unsupported Terraform Core version"],
  ])("ends with 69 for %s: nothing was checked, so nothing is called not valid", async (_, message) => {
    stub("terraform", `[ "$1" != init ] || { echo "${message}" >&2; exit 1; }`);
    const { exitCode, stdout, stderr } = await validate();
    expect([exitCode, stdout.split("\n")[0], stderr]).toEqual([
      69,
      "containers: not checked",
      expect.stringMatching(new RegExp(`${message}.*were not checked`, "s")),
    ]);
  });

  test("a version that the registry does not have makes the stack not valid", async () => {
    const message = "Error: Failed to query available provider packages: no available releases match the given constraints 9.9.9";
    stub("terraform", `[ "$1" != init ] || { echo "${message}" >&2; exit 1; }`);
    expect((await validate()).exitCode).toBe(1);
  });

  test("one stack that is not valid counts more than one that was not checked", async () => {
    stub(
      "terraform",
      `case "$1 $(basename "$PWD")" in
        "validate cluster") exit 1 ;;
        "init ollama") echo "no such host"; exit 1 ;;
      esac`,
    );
    expect((await validateLarge()).exitCode).toBe(1);
  });

  test.each([
    ["terraform", []],
    ["tofu", ["--tofu"]],
  ])("ends with 69 and says where to get %s when it is missing", async (binary, args) => {
    const { exitCode, stderr } = await run(["validate", LAB, ...args], { ...env(), PATH: join(folder, "bin") });
    expect([exitCode, stderr]).toEqual([
      69,
      expect.stringMatching(new RegExp(`^Nothing was validated: ${binary} is not on PATH\\. Install it: https://`)),
    ]);
  });

  test("a lab with an error is told by its problems, and Terraform is not asked", async () => {
    stub("terraform");
    writeFileSync(join(folder, "lab.yaml"), readFileSync(LAB, "utf8").replace("vmId: 201", "vmId: 1"));
    const { exitCode, stderr } = await run(["validate", join(folder, "lab.yaml")], env());
    expect([exitCode, stderr, calls()]).toEqual([1, expect.stringContaining("invalid-vmid"), []]);
  });

  test("--json tells what came of each stack", async () => {
    stub("terraform", `[ "$1 $(basename "$PWD")" != "validate ollama" ] || { echo "Error: here"; exit 1; }`);
    const { stdout, stderr } = await validateLarge("--json");
    expect([JSON.parse(stdout).result.stacks[3], stderr]).toEqual([
      { id: "ollama", validity: "invalid", text: "Error: here" },
      "",
    ]);
  });

  test("leaves nothing in the folder for temporary files", async () => {
    stub("terraform");
    const child = spawn(process.execPath, [MAIN, "validate", LAB], { env: { ...env(), TMPDIR: join(folder, "tmp") } });
    await new Promise((done) => child.on("close", done));
    expect([calls().length, readdirSync(join(folder, "tmp"))]).toEqual([2, []]);
  });
});

describe("the cache of providers", () => {
  test("is shared, and what one stack locked is handed to the next that pins it", async () => {
    const lock = LOCKED("registry.terraform.io/hashicorp/null", "3.2.4");
    stub(
      "terraform",
      `echo "$TF_PLUGIN_CACHE_DIR $(cat .terraform.lock.hcl)" >> ../seen
      [ "$1" != init ] || printf '%s' '${lock}' > .terraform.lock.hcl`,
    );
    await validateOne();
    await validateOne();
    const [firstInit = "", ...later] = readFileSync(join(folder, "seen"), "utf8").split(`${cache()} `).slice(1);
    expect(firstInit.trim()).toBe("");
    expect(later.map((seen) => seen.trim())).toEqual([lock.trim(), lock.trim(), lock.trim()]);
  });

  test("hands no version to a stack that does not pin it", async () => {
    mkdirSync(cache());
    writeFileSync(join(cache(), ".terraform.lock.hcl"), LOCKED("registry.terraform.io/hashicorp/null", "3.2.3"));
    stub("terraform");
    await validateOne();
    expect(readFileSync(join(folder, "stack/.terraform.lock.hcl"), "utf8")).toBe("");
  });

  test("is used by one of several runs at a time", async () => {
    stub(
      "terraform",
      `[ "$1" = init ] || exit 0
      mkdir '${join(folder, "busy")}' || { echo "two inits at a time" >&2; exit 1; }
      sleep 0.1
      rmdir '${join(folder, "busy")}'`,
    );
    const lxc = join(ROOT, "examples/lxc.yaml");
    const runs = Array.from({ length: 3 }, () => {
      const child = spawn(process.execPath, [MAIN, "validate", lxc], { env: env() });
      return new Promise((done) => child.on("close", done));
    });
    expect(await Promise.all(runs)).toEqual([0, 0, 0]);
  });

  test("is taken over from a run that was killed", async () => {
    stub("terraform");
    mkdirSync(cache());
    const dead = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => dead.on("close", done));
    writeFileSync(join(cache(), ".init.lock"), String(dead.pid));
    expect((await validateOne()).validity).toBe("valid");
  });
});

describeWithTool("terraform", "validate with the real terraform", () => {
  const withReplay = async (config: TerraformJson) => {
    const { reattachProviders } = await openWorld();
    const PATH = (process.env["PATH"] ?? "").split(delimiter).concat(dirname(process.execPath)).join(delimiter);
    return validateOne(config, { PATH, TF_REATTACH_PROVIDERS: reattachProviders, TF_CLI_CONFIG_FILE: "/dev/null" });
  };

  test("finds a good stack valid although its backend cannot be reached", async () => {
    const { terraform, ...rest } = containers({ a: container(201, "a") }) as { terraform: object };
    const backend = { s3: { bucket: "states", key: "x", region: "eu-central-1" } };
    expect(await withReplay({ ...rest, terraform: { ...terraform, backend } })).toEqual({
      id: "containers",
      validity: "valid",
      text: "",
    });
  });

  test("shows Terraform's diagnostics of a bad one", async () => {
    expect(await withReplay(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }))).toEqual({
      id: "containers",
      validity: "invalid",
      text: expect.stringContaining("a number is required"),
    });
  });
});
