import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describeWithTool } from "../../testing/external-tool";
import { openWorld } from "../../testing/provider-replay/client";
import type { TerraformJson } from "../../testing/terraform/output";
import { container, containers } from "../testing/terraform-json";

const SCRIPT = join(__dirname, "../../tools/validate.mjs");

/** An empty configuration that pins what the stubs below pretend to download. */
const PINNED = { terraform: { required_providers: { null: { source: "hashicorp/null", version: "3.2.4" } } } };

const LOCKED = (address: string, version: string) =>
  `provider "${address}" {\n  version     = "${version}"\n  constraints = "${version}"\n  hashes = [\n    "h1:x",\n  ]\n}\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "validate-test-"));
  mkdirSync(join(folder, "bin"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const output = () => join(folder, "cdktf.out");
const stackFolder = (name: string) => join(output(), "stacks", name);
const cache = () => join(folder, "cache");
const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");

/** Writes a cdktf output; `platform` is listed before `cluster`, which it depends on. */
function writeOutput(stacks: Record<string, TerraformJson> = { platform: PINNED, cluster: PINNED }): void {
  const entries = Object.entries(stacks).map(([name, config]) => {
    mkdirSync(stackFolder(name), { recursive: true });
    writeFileSync(join(stackFolder(name), "cdk.tf.json"), JSON.stringify(config));
    const dependencies = name === "platform" ? ["cluster"] : [];
    return [name, { name, workingDirectory: `stacks/${name}`, dependencies }];
  });
  writeFileSync(join(output(), "manifest.json"), JSON.stringify({ version: "0.21.0", stacks: Object.fromEntries(entries) }));
}

/** A program on PATH that writes down how it was called and then runs `script`. */
function stub(name: string, script = ""): void {
  const file = join(folder, "bin", name);
  const record = `echo "${name} $(basename "$PWD") $*" >> '${join(folder, "calls")}'`;
  writeFileSync(file, `#!/bin/sh\n${record}\n${script}\n`);
  chmodSync(file, 0o755);
}

const calls = () => (existsSync(join(folder, "calls")) ? read("calls").trimEnd().split("\n") : []);

function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [SCRIPT, "--output", output(), ...args], {
    env: { PATH: [join(folder, "bin"), "/usr/bin", "/bin"].join(delimiter), TF_PLUGIN_CACHE_DIR: cache(), ...env },
  });
}

function end(child: ChildProcess): Promise<{ status: number | null; text: string }> {
  return new Promise((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      text += chunk;
    });
    child.on("close", (status) => resolve({ status, text }));
  });
}

const validate = (...args: string[]) => end(start(args));

describe("npm run validate", () => {
  test("inits and validates the stacks in the order of their dependencies, without their backend", async () => {
    writeOutput();
    stub("terraform");
    expect(await validate()).toEqual({ status: 0, text: "cluster: valid\nplatform: valid\n" });
    expect(calls()).toEqual([
      "terraform cluster init -backend=false -input=false -no-color",
      "terraform cluster validate -no-color",
      "terraform platform init -backend=false -input=false -no-color",
      "terraform platform validate -no-color",
    ]);
  });

  test("runs tofu with --tofu", async () => {
    writeOutput({ cluster: PINNED });
    stub("tofu");
    expect((await validate("--tofu")).status).toBe(0);
    expect(calls()[0]).toMatch(/^tofu cluster init/);
  });

  test("validates only the stacks that are named", async () => {
    writeOutput();
    stub("terraform");
    expect((await validate("platform")).text).toBe("platform: valid\n");
  });

  test("goes on after a stack that is not valid, and fails in the end", async () => {
    writeOutput();
    stub("terraform", `[ "$1 $(basename "$PWD")" != "validate cluster" ] || { echo "Error: Unsupported argument"; exit 1; }`);
    const { status, text } = await validate();
    expect(status).toBe(1);
    expect(text).toMatch(/cluster: not valid/);
    expect(text).toMatch(/Error: Unsupported argument/);
    expect(text).toMatch(/platform: valid/);
  });

  test("names the remedy when there is no output", async () => {
    stub("terraform");
    expect(await validate()).toEqual({ status: 1, text: expect.stringMatching(/manifest\.json is missing.*npm run synth/) });
  });

  test("names the stacks there are when asked for another", async () => {
    writeOutput();
    stub("terraform");
    expect((await validate("ollama")).text).toBe("The output has no stack ollama. It has: cluster, platform.\n");
  });

  test("explains its arguments when given one it does not know", async () => {
    expect((await validate("--opentofu")).text).toMatch(/'--opentofu'.*Usage: npm run validate/s);
  });

  test.each([
    ["terraform", []],
    ["tofu", ["--tofu"]],
  ])("says where to get %s when it is missing", async (binary, args) => {
    writeOutput();
    const child = start(args, { PATH: join(folder, "bin") });
    expect((await end(child)).text).toMatch(new RegExp(`^${binary} is not on PATH: https://`));
  });

  test("says that the registry is out of reach when that made init fail", async () => {
    writeOutput({ cluster: PINNED });
    stub("terraform", "echo 'Error: Failed to query available provider packages' >&2; exit 1");
    expect((await validate()).text).toMatch(/terraform init failed:.*Failed to query.*registry could not be reached/s);
  });

  test("shares one plugin cache, and hands what one stack locked to the next that pins it", async () => {
    writeOutput();
    const lock = LOCKED("registry.terraform.io/hashicorp/null", "3.2.4");
    stub(
      "terraform",
      `echo "$TF_PLUGIN_CACHE_DIR $(cat .terraform.lock.hcl)" >> ../../../seen
      [ "$1" != init ] || printf '%s' '${lock}' > .terraform.lock.hcl`,
    );
    await validate();
    const [firstInit = "", ...later] = read("seen").split(`${cache()} `).slice(1);
    expect(firstInit.trim()).toBe("");
    expect(later.map((seen) => seen.trim())).toEqual([lock.trim(), lock.trim(), lock.trim()]);
  });

  test("keeps a locked version that a stack no longer pins away from it", async () => {
    writeOutput({ cluster: PINNED });
    writeFileSync(join(stackFolder("cluster"), ".terraform.lock.hcl"), LOCKED("registry.terraform.io/hashicorp/null", "3.2.3"));
    stub("terraform");
    expect((await validate()).status).toBe(0);
    expect(readFileSync(join(stackFolder("cluster"), ".terraform.lock.hcl"), "utf8")).toBe("");
  });

  test("lets only one of two parallel runs init at a time", async () => {
    writeOutput();
    stub(
      "terraform",
      `[ "$1" = init ] || exit 0
      mkdir ../../../busy || { echo "two inits at a time" >&2; exit 1; }
      sleep 0.2
      rmdir ../../../busy`,
    );
    const runs = await Promise.all([validate(), validate(), validate()]);
    expect(runs.map(({ status, text }) => ({ status, text }))).toEqual(
      Array(3).fill({ status: 0, text: "cluster: valid\nplatform: valid\n" }),
    );
  });

  test("takes over the lock of a run that was killed", async () => {
    writeOutput({ cluster: PINNED });
    stub("terraform");
    mkdirSync(cache());
    const dead = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => dead.on("close", resolve));
    writeFileSync(join(cache(), ".init.lock"), String(dead.pid));
    expect((await validate()).text).toBe("cluster: valid\n");
  });
});

describeWithTool("terraform", "npm run validate with the real terraform", () => {
  const withReplay = async (config: TerraformJson) => {
    writeOutput({ containers: config });
    const { reattachProviders } = await openWorld();
    const path = (process.env["PATH"] ?? "").split(delimiter).concat(dirname(process.execPath)).join(delimiter);
    return end(start([], { PATH: path, TF_REATTACH_PROVIDERS: reattachProviders, TF_CLI_CONFIG_FILE: "/dev/null" }));
  };

  test("finds a good stack valid although its backend cannot be reached", async () => {
    const { terraform, ...rest } = containers({ a: container(201, "a") }) as { terraform: object };
    const backend = { s3: { bucket: "states", key: "x", region: "eu-central-1" } };
    expect(await withReplay({ ...rest, terraform: { ...terraform, backend } })).toEqual({
      status: 0,
      text: "containers: valid\n",
    });
    expect(existsSync(join(stackFolder("containers"), ".terraform"))).toBe(false);
  });

  test("shows Terraform's diagnostics of a bad one", async () => {
    const { status, text } = await withReplay(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }));
    expect(status).toBe(1);
    expect(text).toMatch(/containers: not valid.*a number is required/s);
  });
});
