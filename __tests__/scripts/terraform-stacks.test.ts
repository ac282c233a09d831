import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(__dirname, "../../scripts/terraform-stacks.sh");

/** Writes down how it was called. Fails where the file FAIL in the stack's folder names the action. A plan writes the file that -out names. */
const TERRAFORM = `#!/bin/bash
folder=\${1#-chdir=}
action=$2
echo "\${folder##*/} \${*:2}" >> "$CALLS"
[ "$action" != plan ] || echo planned > "$folder/plan"
[ "$(cat "$folder/FAIL" 2>/dev/null)" != "$action" ] || { echo "no $action" >&2; exit 1; }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stacks-"));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/terraform"), TERRAFORM);
  chmodSync(join(folder, "bin/terraform"), 0o755);
  // Not in the order in which they have to be deployed.
  output({ ollama: ["platform"], platform: ["cluster"], cluster: [] });
});
afterEach(() => rmSync(folder, { recursive: true }));

function output(stacks: Record<string, string[]>, name = "cdktf.out"): void {
  for (const stack of Object.keys(stacks)) mkdirSync(join(folder, name, "stacks", stack), { recursive: true });
  mkdirSync(join(folder, name), { recursive: true });
  const manifest = Object.fromEntries(
    Object.entries(stacks).map(([stack, dependencies]) => [stack, { dependencies, workingDirectory: `stacks/${stack}` }]),
  );
  writeFileSync(join(folder, name, "manifest.json"), JSON.stringify({ stacks: manifest }));
}

const stackFile = (stack: string, file: string) => join(folder, "cdktf.out/stacks", stack, file);

/** Runs the script in the folder. */
function run(...args: string[]) {
  const calls = join(folder, "calls");
  rmSync(calls, { force: true });
  const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, CALLS: calls };
  const { status, stdout, stderr } = spawnSync("bash", [SCRIPT, ...args], { cwd: folder, encoding: "utf8", env });
  return { status, stdout, stderr, calls: existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [] };
}

describe("plan", () => {
  test("initializes and plans each stack after those it depends on", () => {
    expect(run("plan")).toMatchObject({
      status: 0,
      calls: ["cluster", "platform", "ollama"].flatMap((stack) => [
        `${stack} init -input=false -no-color`,
        `${stack} plan -input=false -no-color -out=plan`,
      ]),
    });
  });
  test("goes on after a stack that cannot be planned, and ends with 1 and its name", () => {
    writeFileSync(stackFile("platform", "FAIL"), "plan");
    const { status, stderr, calls } = run("plan");
    expect([status, stderr, calls.at(-1)]).toEqual([
      1,
      expect.stringContaining("not planned: platform\n"),
      "ollama plan -input=false -no-color -out=plan",
    ]);
  });
  test("leaves no plan of a stack that cannot be planned, though Terraform writes one", () => {
    writeFileSync(stackFile("platform", "FAIL"), "plan");
    run("plan");
    expect([existsSync(stackFile("platform", "plan")), existsSync(stackFile("cluster", "plan"))]).toEqual([false, true]);
  });
  test("does not plan a stack that could not be initialized", () => {
    writeFileSync(stackFile("cluster", "FAIL"), "init");
    expect(run("plan").calls.filter((call) => call.startsWith("cluster"))).toEqual(["cluster init -input=false -no-color"]);
  });
  test("takes another folder", () => {
    output({ containers: [] }, "other");
    expect(run("plan", "other").calls[0]).toBe("containers init -input=false -no-color");
  });
});

describe("apply", () => {
  test("applies the plans, and removes each, so that none is applied twice", () => {
    run("plan");
    const { status, calls } = run("apply");
    expect([status, calls.filter((call) => call.includes("apply"))]).toEqual([
      0,
      ["cluster", "platform", "ollama"].map((stack) => `${stack} apply -input=false -no-color plan`),
    ]);
    expect(existsSync(stackFile("cluster", "plan"))).toBe(false);
  });
  test("stops at the first that fails, and keeps the other plans", () => {
    run("plan");
    writeFileSync(stackFile("platform", "FAIL"), "apply");
    const { status, stderr, calls } = run("apply");
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining("platform could not be applied, and the stacks after it were not tried"),
    ]);
    expect([calls.some((call) => call.startsWith("ollama")), existsSync(stackFile("ollama", "plan"))]).toEqual([false, true]);
  });
  test("applies nothing without a plan", () => {
    const { status, stderr, calls } = run("apply");
    expect([status, stderr, calls]).toEqual([2, expect.stringContaining("stacks/cluster/plan is not there; plan first"), []]);
  });
});

test.each<[string, string[], number, string]>([
  ["no argument", [], 64, "give plan or apply"],
  ["too many", ["plan", "a", "b"], 64, "give plan or apply"],
  ["another action", ["destroy"], 64, "'destroy' is neither plan nor apply"],
  ["a folder without an output", ["plan", "bin"], 2, "bin/manifest.json is not there; synthesize the lab first"],
])("is refused with %s", (_, args, status, message) => {
  const answer = run(...args);
  expect([answer.status, answer.stderr, answer.calls]).toEqual([status, expect.stringContaining(message), []]);
});

test.each([
  ["that cannot be read", "{", "cdktf.out/manifest.json is no manifest"],
  ["without a stack", '{"stacks":{}}', "cdktf.out has no stack"],
])("a manifest %s ends with 2", (_, manifest, message) => {
  writeFileSync(join(folder, "cdktf.out/manifest.json"), manifest);
  const { status, stderr, calls } = run("plan");
  expect([status, stderr, calls]).toEqual([2, expect.stringContaining(message), []]);
});

test("a Terraform that is missing ends with 127", () => {
  rmSync(join(folder, "bin/terraform"));
  const { status, stderr } = spawnSync("bash", [SCRIPT, "plan"], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], TERRAFORM_BINARY_NAME: "no-such-terraform" },
  });
  expect([status, stderr]).toEqual([127, expect.stringContaining("no-such-terraform is not on PATH")]);
});
