// Which lab the commands take, in a folder that has what a checkout has.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";

const ROOT = join(__dirname, "../..");
const STANDS_IN =
  "There is no lab.yaml, so this is examples/default.yaml. Make your own: npx ollama-lab init, or cp examples/default.yaml lab.yaml";

let folder: string;
let before: string;
beforeEach(() => {
  before = process.cwd();
  folder = mkdtempSync(join(tmpdir(), "checkout-"));
  mkdirSync(join(folder, "examples"));
  cpSync(join(ROOT, "examples/default.yaml"), join(folder, "examples/default.yaml"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const ownLab = (change: (text: string) => string = (text) => text) =>
  writeFileSync("lab.yaml", change(readFileSync("examples/default.yaml", "utf8")));

/** Every file below the output, with its content. */
function output(): Record<string, string> {
  const files = readdirSync("cdktf.out", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), "utf8")]),
  );
}

describe("without a lab.yaml", () => {
  test.each(["check", "synth", "inventory", "rights"])(
    "%s takes the default example, and says so before everything else",
    async (command) => {
      const { exitCode, stderr } = await run([command], {});
      expect([exitCode, stderr.split("\n")[0]]).toEqual([0, STANDS_IN]);
    },
  );

  test("the lab in the JSON document is the default example, and nothing else is printed", async () => {
    const { stdout, stderr } = await run(["check", "--json"], {});
    expect([JSON.parse(stdout), stderr]).toEqual([expect.objectContaining({ lab: "examples/default.yaml" }), ""]);
  });

  test("the output is that of a copy of the example as lab.yaml, to the byte: state and kubeconfig have the same places", async () => {
    await run(["synth"], {});
    const standIn = output();
    rmSync("cdktf.out", { recursive: true });
    ownLab();
    await run(["synth"], {});
    expect(output()).toEqual(standIn);
  });

  test("the output is that of the example when it is named", async () => {
    await run(["synth"], {});
    const standIn = output();
    const { stderr } = await run(["synth", "examples/default.yaml"], {});
    expect([output(), stderr]).toEqual([standIn, ""]);
  });
});

describe("with a lab.yaml", () => {
  test("that one is taken, and nothing is said about the example", async () => {
    ownLab();
    expect(await run(["check"], {})).toEqual({ exitCode: 0, stdout: "lab.yaml: 0 errors, 0 warnings.", stderr: "" });
  });

  test("its errors are told: the example does not stand in for it", async () => {
    ownLab((text) => text.replace("vmId: 201", "vmId: 1"));
    const { exitCode, stderr } = await run(["check"], {});
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("lab.yaml:33:15 containers.ollama-1.vmId")]);
  });

  test("a link that leads nowhere is an error: the example does not stand in for it", async () => {
    symlinkSync("nowhere.yaml", "lab.yaml");
    const { exitCode, stderr } = await run(["check"], {});
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("error lab-missing")]);
  });
});

test.each([
  ["an argument", ["nowhere.yaml"], {}],
  ["LAB", [], { LAB: "nowhere.yaml" }],
])("a lab that is named by %s and is not there is an error", async (_, args, env) => {
  const { exitCode, stderr } = await run(["synth", ...args], env);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("error lab-missing: there is no file nowhere.yaml")]);
});

test("where there is no checkout, the missing file is lab.yaml", async () => {
  rmSync("examples", { recursive: true });
  const { exitCode, stderr } = await run(["check"], {});
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("error lab-missing: there is no file lab.yaml")]);
});

test("git ignores the user's own lab.yaml, and no other", () => {
  expect(readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n")).toContain("/lab.yaml");
});
