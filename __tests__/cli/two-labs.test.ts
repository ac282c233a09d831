// Two labs in one folder, with one output: whatever the order of the commands, neither gets what is the other's.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { type Answer, run } from "../../cli";
import type { LabInput } from "../../lab/schema";
import { airGappedLab, baseLab, gpuLab, labWith } from "../../testing/lab";

type Name = "alpha" | "beta" | "gamma";

/** Labs that differ in nothing but their names, and one with fewer stacks. */
const both = (name: Name) => labWith({ name, containers: baseLab.containers, defaults: baseLab.defaults }, gpuLab);
const LABS: Readonly<Record<Name, LabInput>> = {
  alpha: both("alpha"),
  beta: both("beta"),
  gamma: labWith({ name: "gamma" }, baseLab),
};

let folder: string;
let output: string;
let before: string;
beforeEach(() => {
  before = process.cwd();
  folder = mkdtempSync(join(tmpdir(), "two-labs-"));
  output = join(folder, "cdktf.out");
  for (const [name, lab] of Object.entries(LABS)) writeFileSync(join(folder, `${name}.yaml`), stringify(lab));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const ollamaLab = (command: string, name: Name, ...args: string[]): Promise<Answer> =>
  run([command, `${name}.yaml`, ...args], { PATH: "" });

/** What `terraform init` leaves in every stack's folder: where the state of that lab is. */
function init(name: Name): void {
  for (const stack of readdirSync(join(output, "stacks"))) {
    mkdirSync(join(output, "stacks", stack, ".terraform"), { recursive: true });
    writeFileSync(join(output, "stacks", stack, ".terraform/terraform.tfstate"), name);
  }
}

/** The labs that `terraform init` was run for, as Terraform finds it now. */
function initialized(): string[] {
  const files = readdirSync(join(output, "stacks")).map((stack) => join(output, "stacks", stack, ".terraform/terraform.tfstate"));
  return [...new Set(files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8")))];
}

/** The files outside the output that the stacks of the lab read and write: states, kubeconfigs. */
function files(): string[] {
  return readdirSync(join(output, "stacks")).flatMap((stack) => {
    const at = join(output, "stacks", stack);
    // as: cdktf has just written this file, and Terraform's JSON has these sections.
    const { terraform, variable } = JSON.parse(readFileSync(join(at, "cdk.tf.json"), "utf8")) as {
      terraform: { backend: { local: { path: string } } };
      variable?: { kubeconfig?: { default: string } };
    };
    return [terraform.backend.local.path, variable?.kubeconfig?.default ?? []].flat().map((path) => resolve(at, path));
  });
}

test.each<[Name[]]>([
  [["alpha", "beta"]],
  [["beta", "alpha"]],
  [["alpha", "beta", "alpha"]],
  [["alpha", "gamma", "beta"]],
  [["gamma", "alpha", "gamma"]],
])("synthesized in the order %j, no stack ever finds the other's .terraform, and each keeps its own", async (order) => {
  for (const name of order) {
    expect((await ollamaLab("synth", name)).exitCode).toBe(0);
    expect(initialized()).toEqual([]);
    init(name);
    await ollamaLab("synth", name);
    expect(initialized()).toEqual([name]);
  }
});

test("no state and no kubeconfig of one lab is the other's, though the labs differ in their names alone", async () => {
  await ollamaLab("synth", "alpha");
  const alpha = files();
  await ollamaLab("synth", "beta");
  expect(files().filter((file) => alpha.includes(file))).toEqual([]);
});

test("states and kubeconfigs bear the lab's name, and lie beside the lab", async () => {
  await ollamaLab("synth", "alpha");
  expect([...new Set(files())].sort()).toEqual(
    ["kubeconfig-alpha", ...["cluster", "containers", "ollama", "platform"].map((stack) => `state/alpha/${stack}.tfstate`)].map(
      (file) => join(folder, file),
    ),
  );
});

test("the clusters that stage models for two air-gapped labs are reached by two kubeconfigs", async () => {
  const kubeconfigs = [];
  for (const name of ["alpha", "beta"]) {
    writeFileSync(join(folder, `${name}.yaml`), stringify(labWith({ name }, airGappedLab)));
    await ollamaLab("synth", name as Name);
    kubeconfigs.push(...new Set(files().filter((file) => file.includes("kubeconfig"))));
  }
  expect(kubeconfigs.sort()).toEqual(
    ["kubeconfig-alpha", "kubeconfig-beta", "staging-kubeconfig-alpha", "staging-kubeconfig-beta"].map((file) =>
      join(folder, file),
    ),
  );
});

test("a kubeconfig that the lab names is taken, whatever the lab's name", async () => {
  writeFileSync(join(folder, "alpha.yaml"), stringify(labWith({ kubernetes: { kubeconfig: "./mine" } }, LABS.alpha)));
  await ollamaLab("synth", "alpha");
  expect(files()).toContain(join(folder, "mine"));
});

test("each lab's inventory is a file of its own", async () => {
  await ollamaLab("inventory", "alpha");
  await ollamaLab("inventory", "beta");
  expect(readdirSync(folder).filter((file) => file.startsWith("inventory"))).toEqual([
    "inventory-alpha.yml",
    "inventory-beta.yml",
  ]);
});

test("an inventory is never read from the state of the lab that the output is of, though its containers have the same names", async () => {
  const named = (name: Name) =>
    writeFileSync(join(folder, `${name}.yaml`), stringify(labWith({ containers: { "ollama-1": { name: "chat" } } }, LABS[name])));
  named("alpha");
  named("beta");
  await ollamaLab("synth", "alpha");
  const { exitCode, stderr } = await ollamaLab("inventory", "beta", "--from-state");
  expect([exitCode, stderr, existsSync(join(folder, "inventory-beta.yml"))]).toEqual([
    1,
    expect.stringMatching(
      /cdktf\.out is the output of the lab alpha, so its state is not that of beta\.yaml.*LAB=beta\.yaml npx/s,
    ),
    false,
  ]);
});

test("what comes next names the lab in use", async () => {
  const { stdout } = await ollamaLab("synth", "beta");
  expect(stdout).toMatch(/LAB=beta\.yaml npx cdkt[fn] deploy '\*'/);
});
