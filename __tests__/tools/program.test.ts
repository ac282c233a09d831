// What main.mjs does before the program: finds the one of the sources as they are, and loads it from V8's cache.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const { currentProgram, programFolder } = require("../../tools/source-state.cjs") as {
  currentProgram(root: string, build: () => Promise<void>): Promise<string>;
  programFolder(root: string): string;
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "program-"));
  mkdirSync(join(root, "cli"));
  writeFileSync(join(root, "cli/check.ts"), "old");
});
afterEach(() => rmSync(root, { recursive: true }));

describe("the program of the sources", () => {
  let builds: number;
  beforeEach(() => {
    builds = 0;
  });
  const build = async () => {
    builds += 1;
    mkdirSync(programFolder(root), { recursive: true });
  };
  const find = () => currentProgram(root, build);

  test("is built where it is not there", async () => expect([await find(), builds]).toEqual([programFolder(root), 1]));
  test("is built once", async () =>
    expect([await find(), await find(), builds]).toEqual([programFolder(root), programFolder(root), 1]));
  test("is another one after an edit", async () => {
    const before = await find();
    writeFileSync(join(root, "cli/check.ts"), "new!");
    const after = await find();
    expect([after === before, after === programFolder(root), builds]).toEqual([false, true, 2]);
  });
  test("is built again when its folder was deleted", async () => {
    rmSync(await find(), { recursive: true });
    await find();
    expect(builds).toBe(2);
  });
  test.each([
    ["of other sources", (note: string) => note.replace("cli/check.ts", "cli/other.ts")],
    ["that was cut off", (note: string) => note.slice(0, -3)],
    ["that is empty", () => ""],
  ])("is not the one in a note %s", async (_, change) => {
    const folder = await find();
    const file = join(root, "dist/current");
    writeFileSync(file, change(readFileSync(file, "utf8")).replace(/^.*/, "elsewhere"));
    expect(await find()).toBe(folder);
  });
  test("is found where no note can be written", async () => {
    await find();
    rmSync(join(root, "dist/current"));
    chmodSync(join(root, "dist"), 0o555);
    try {
      expect(await find()).toBe(programFolder(root));
    } finally {
      chmodSync(join(root, "dist"), 0o755);
    }
  });
});

describe("loading a program", () => {
  const folder = () => join(root, "dist/abc");
  beforeEach(() => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(
      join(folder(), "index.cjs"),
      'module.exports = { main: () => console.log(require("./part.cjs").text, __root) };',
    );
    writeFileSync(
      join(folder(), "part.cjs"),
      'exports.text = require("node:crypto").createHash("md5").update("x").digest("hex");',
    );
  });
  const run = () => {
    const code = `require(${JSON.stringify(join(ROOT, "tools/program.cjs"))}).loadProgram(process.argv[1], process.argv[2]).main()`;
    return spawnSync(process.execPath, ["-e", code, folder(), root], { encoding: "utf8" });
  };
  const caches = () => readdirSync(folder()).filter((file) => !file.endsWith(".cjs"));

  test("it finds its parts, the modules of Node, and the checkout", () => {
    expect(run().stdout).toBe(`9dd4e461268c8034f5c8564e155c67a6 ${root}/\n`);
  });
  test("V8's cache of each part is kept beside it, and the next run does not make it again", () => {
    run();
    const [first = "", ...others] = caches();
    const before = readFileSync(join(folder(), first));
    run();
    expect([others.length, readFileSync(join(folder(), first)).equals(before)]).toEqual([1, true]);
  });
  test("a broken cache is made anew", () => {
    run();
    const [file = ""] = caches();
    writeFileSync(join(folder(), file), "broken");
    expect([run().status, readFileSync(join(folder(), file), "utf8") === "broken"]).toEqual([0, false]);
  });
});
