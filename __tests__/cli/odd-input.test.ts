// What a stranger types, and what lies around: pipes, devices, loops, folders, names without a file. One clear line each, and no stack trace.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";

const ROOT = join(__dirname, "../..");
const MAIN = join(ROOT, "main.mjs");
const LAB = join(ROOT, "examples/default.yaml");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "odd-"));
  spawnSync("mkfifo", [join(folder, "pipe")]);
  symlinkSync("loop", join(folder, "loop"));
  symlinkSync("nowhere", join(folder, "dangling"));
  mkdirSync(join(folder, "folder"));
  cpSync(LAB, join(folder, "lab.yaml"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = () => ({ CDKTF_OUTDIR: join(folder, "cdktf.out"), PATH: process.env["PATH"] });
const place = (name: string) => (name === "" || name.startsWith("/") ? name : join(folder, name));
const ODD: readonly (readonly [name: string, told: RegExp])[] = [
  ["pipe", /error lab-not-a-file: \S+pipe is a pipe, a device or a socket/],
  ["/dev/zero", /error lab-not-a-file/],
  ["loop", /error lab-unreadable: \S+loop is a symbolic link that leads back to itself/],
  ["folder", /error lab-is-folder/],
  ["dangling", /error lab-missing/],
  ["lab.yaml/x", /error lab-missing: .* a part of its path is a file, and no folder\n.*→ Name another file/],
  ["", /^The name of the lab is empty\. Name a lab file, such as examples\/lxc\.yaml\.$/],
];

describe.each(["check", "synth", "inventory", "validate", "doctor", "rights", "diagram"])("%s", (command) => {
  test.each(ODD)("takes %j for no lab, and says so", async (name, told) => {
    expect(await run([command, place(name)], env())).toEqual({ exitCode: 1, stdout: "", stderr: expect.stringMatching(told) });
  });
});

describe("diff", () => {
  test.each(ODD.filter(([name]) => !["folder", "dangling", "lab.yaml/x", ""].includes(name)))(
    "takes %j for no base, and says so",
    async (name, told) => {
      const { exitCode, stderr } = await run(["diff", place(name)], { ...env(), LAB });
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(told)]);
    },
  );
  test("takes an empty name for no base", async () => {
    expect((await run(["diff", ""], { ...env(), LAB })).stderr).toMatch(
      /^The base is an empty name\. A base is an output folder/,
    );
  });
});

describe("init", () => {
  test.each(["pipe", "/dev/zero", "loop", "folder", "dangling", "lab.yaml"])(
    "never overwrites what is there, and asks nothing before: %s",
    async (name) => {
      expect(await run(["init", place(name)], env())).toEqual({
        exitCode: 1,
        stdout: "",
        stderr: `${place(name)} is there already, and is never overwritten. Name another file, or move it away.`,
      });
    },
  );
  test("refuses a folder that is not there before it asks", async () => {
    expect((await run(["init", place("nowhere/lab.yaml")], env())).stderr).toMatch(
      /cannot be written .*\(ENOENT\)\. Name another file\.$/,
    );
  });
});

describe.each(["inventory", "diagram"])("the output of %s", (command) => {
  test.each([
    ["folder", /folder is a folder, and no file\. Name another file with --output\.$/],
    ["pipe", /pipe is a pipe or a device, and no file/],
    ["/dev/null", /^\/dev\/null is a pipe or a device, and no file/],
    ["loop", /a symbolic link in the path leads back to itself \(ELOOP\)/],
    ["lab.yaml/x", /a part of the path is a file \(ENOTDIR\)/],
    ["", /^The name of the output is empty\./],
  ])("is refused where it is %j, and nothing is left", async (name, told) => {
    const before = readdirSync(folder);
    const { exitCode, stderr } = await run([command, LAB, "--output", place(name)], env());
    expect([exitCode, stderr, readdirSync(folder)]).toEqual([1, expect.stringMatching(told), before]);
  });
});

describe("the output of synth", () => {
  test.each<readonly [name: string, told: RegExp]>([
    ["lab.yaml", /lab\.yaml: a (file|part of the path) .* Name another folder in CDKTF_OUTDIR\.$/],
    ["loop", /loop: .*(EEXIST|ELOOP)/],
    ...(existsSync("/proc/self")
      ? [["/proc/nothing", /\/proc\/nothing: there is no such folder, or none can be made/] as const]
      : []),
  ])("is refused at once where no folder can be: %s", async (name, told) => {
    const { exitCode, stderr } = await run(["synth", LAB], { CDKTF_OUTDIR: place(name) });
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(told)]);
  });
  test("is refused where a folder has the name of one of its files", async () => {
    mkdirSync(join(folder, "taken/manifest.json"), { recursive: true });
    expect((await run(["synth", LAB], { CDKTF_OUTDIR: place("taken") })).stderr).toMatch(/a folder has that name \(EISDIR\)/);
  });
});

test.each(["TF_PLUGIN_CACHE_DIR"])("validate refuses a cache of providers that cannot be written: %s", async (name) => {
  const { exitCode, stderr } = await run(["validate", LAB], {
    ...env(),
    [name]: place("lab.yaml/x"),
    TERRAFORM_BINARY_NAME: "true",
  });
  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringMatching(/cannot be written .*Name another folder in TF_PLUGIN_CACHE_DIR\.$/),
  ]);
});

describe("a command line that is not understood", () => {
  test.each([
    ["an unknown option", ["check", "--json", "--nope"], "check"],
    ["an unknown command", ["chek", "--json"], "chek"],
  ])("is a JSON document too, where one is asked for: %s", async (_, args, command) => {
    const { exitCode, stdout, stderr } = await run(args, {});
    expect([exitCode, JSON.parse(stdout), stderr]).toEqual([
      64,
      { version: 1, command, lab: null, problems: [], error: expect.stringContaining("unknown"), result: null },
      "",
    ]);
  });
  test.each(["", "terraform", "x; rm -rf /@pve", "a b@pve", "$(id)@pve"])("rights takes %j for no user", async (user) => {
    const { exitCode, stderr } = await run(["rights", LAB, "--user", user], {});
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining("A user has a name and a realm, such as terraform@pve.")]);
  });
  test("help is a command", async () => {
    expect(await run(["help", "check"], {})).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining("Usage: ollama-lab check"),
      stderr: "",
    });
  });
});

describe("the process", () => {
  const shell = (script: string) => spawnSync("sh", ["-c", script], { encoding: "utf8", cwd: folder });

  test("in a folder that was deleted says so", () => {
    mkdirSync(join(folder, "gone"));
    const { status, stderr } = shell(`cd gone && rmdir ../gone && '${process.execPath}' '${MAIN}' check`);
    expect([status, stderr]).toEqual([1, "The folder that you are in was deleted. Change to one that is there.\n"]);
  });
  test("whose reader leaves ends without a word", () => {
    expect(shell(`'${process.execPath}' '${MAIN}' check '${LAB}' | true`)).toMatchObject({ status: 0, stderr: "" });
  });
  (existsSync("/dev/full") ? test : test.skip)("that cannot write its answer ends with 1 and says so", () => {
    const { status, stderr } = shell(`'${process.execPath}' '${MAIN}' check '${LAB}' > /dev/full`);
    expect([status, stderr]).toEqual([1, "The answer cannot be written to stdout (ENOSPC).\n"]);
  });
});

test("an empty CDKTF_OUTDIR names no folder, so the output is cdktf.out", async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    await run(["synth", "lab.yaml"], { CDKTF_OUTDIR: "" });
  } finally {
    process.chdir(before);
  }
  expect(readFileSync(join(folder, "cdktf.out/lab.txt"), "utf8")).toContain("homelab");
});
