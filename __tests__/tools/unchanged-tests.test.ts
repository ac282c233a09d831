import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";

const { GROUPS, groupStates, leftOut, noteResults } = require("../../tools/unchanged-tests.cjs") as {
  GROUPS: readonly { name: string; tests: readonly string[]; subjects: readonly string[] }[];
  groupStates(root: string, env: Record<string, string>): Map<string, string>;
  leftOut(root: string, env: Record<string, string>, args: readonly string[]): string[];
  noteResults(root: string, states: Map<string, string>, results: readonly object[]): void;
};

/** A test file at each path of the groups. */
const FILES = GROUPS.flatMap(({ tests }) => tests.map((path) => (path.endsWith(".ts") ? path : `${path}/a.test.ts`)));
/** What is left out of the scripts' tests. */
const LEFT_OUT_SCRIPTS = [
  "__tests__/templates",
  "__tests__/scripts",
  "__tests__/ansible/prove-gpu.test.ts",
  "__tests__/docs/upgrades.test.ts",
];
const PLAIN = { npm_lifecycle_event: "test" };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "unchanged-tests-"));
  for (const file of [...FILES, "testing/lab.ts", "testing/sandbox.ts", "templates/a.sh", "package-lock.json", "lab/read.ts"]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
});
afterEach(() => rmSync(root, { recursive: true }));

const passed = (file: string) => ({
  testFilePath: join(root, file),
  numPassingTests: 2,
  numPendingTests: 0,
  skipped: false,
  failureMessage: null as string | null,
});

/** A run of these tests ends, with these results. */
const ends = (results = FILES.map(passed)) => noteResults(root, groupStates(root, {}), results);

test.each(["__tests__/testing", "__tests__/templates"])("a run that comes after one that passed leaves %s out", (path) => {
  ends();
  expect(leftOut(root, PLAIN, [])).toContain(path);
});

test("the first run leaves none out where there is no git", () => {
  expect(leftOut(root, PLAIN, [])).toEqual([]);
});

test.each([
  ["CI=true", { ...PLAIN, CI: "true" }, []],
  ["REQUIRE_TOOLS=1", { ...PLAIN, REQUIRE_TOOLS: "1" }, []],
  ["npx jest", {}, []],
  ["an argument", PLAIN, ["__tests__/testing"]],
  ["another Terraform", { ...PLAIN, TERRAFORM_BINARY: "tofu" }, []],
])("%s leaves none out", (_, env, args) => {
  ends();
  expect(leftOut(root, env, args)).toEqual([]);
});

test.each(["testing/sandbox.ts", "package-lock.json"])("all run again after a change of %s", (file) => {
  ends();
  utimesSync(join(root, file), 1, 1);
  expect(leftOut(root, PLAIN, [])).toEqual([]);
});

test.each([
  ["testing/lab.ts", "__tests__/testing"],
  ["__tests__/tools/bench.test.ts", "__tests__/testing"],
  ["templates/a.sh", "__tests__/templates"],
])("a change of %s alone lets %s run again", (file, path) => {
  ends();
  utimesSync(join(root, file), 1, 1);
  expect(leftOut(root, PLAIN, [])).not.toContain(path);
});

test("a change of the test tools leaves the tests of the scripts out", () => {
  ends();
  utimesSync(join(root, "testing/lab.ts"), 1, 1);
  expect(leftOut(root, PLAIN, [])).toContain("__tests__/templates");
});

test("they do not run again after a change of what they do not depend on", () => {
  ends();
  utimesSync(join(root, "lab/read.ts"), 1, 1);
  expect(leftOut(root, PLAIN, [])).not.toEqual([]);
});

test.each([
  ["failed", { failureMessage: "● expected 1" }],
  ["skipped a test for want of a tool", { numPendingTests: 1 }],
  ["was skipped", { skipped: true }],
  ["ran no test", { numPassingTests: 0 }],
])("they run again when one of them %s", (_, change) => {
  ends(FILES.map((file, index) => ({ ...passed(file), ...(index === 0 && change) })));
  expect(leftOut(root, PLAIN, [])).toEqual(LEFT_OUT_SCRIPTS);
});

test("they run again when not all of them ran", () => {
  ends(FILES.slice(1).map(passed));
  expect(leftOut(root, PLAIN, [])).toEqual(LEFT_OUT_SCRIPTS);
});

test("a change while they ran counts", () => {
  const states = groupStates(root, {});
  utimesSync(join(root, "testing/lab.ts"), 1, 1);
  noteResults(root, states, FILES.map(passed));
  expect(leftOut(root, PLAIN, [])).toEqual(LEFT_OUT_SCRIPTS);
});

describe.each([...GROUPS])("group $name", ({ tests, subjects }) => {
  const ROOT = join(__dirname, "../..");
  /** The test files at a path. */
  const filesAt = (path: string) =>
    path.endsWith(".ts")
      ? [path]
      : readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" }).map((file) => join(path, file));

  test("names everything that its tests import", async () => {
    const entryPoints = tests.flatMap(filesAt).filter((file) => file.endsWith(".test.ts"));
    const bundle = { bundle: true, platform: "node", packages: "external", outdir: root, write: false } as const;
    const { metafile } = await build({ ...bundle, absWorkingDir: ROOT, entryPoints, metafile: true });
    const named = [...tests, ...subjects];
    const others = Object.keys(metafile.inputs).filter(
      (file) => !named.some((path) => file === path || file.startsWith(`${path}/`)),
    );
    expect(others).toEqual([]);
  });
});

describe("in a clone", () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.autocrlf=false", ...args]);
  const commit = () => {
    git("add", ".");
    git("commit", "-q", "-m", "a");
  };

  beforeEach(() => {
    git("init", "-q");
    commit();
    // What `git clone` makes, without a second folder.
    git("update-ref", "refs/remotes/origin/main", "HEAD");
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
  });

  test("the first run leaves out what is as on origin's main branch", () => {
    expect(leftOut(root, PLAIN, [])).toEqual(expect.arrayContaining(["__tests__/testing", "__tests__/templates"]));
  });

  test("CI=true leaves none out", () => {
    expect(leftOut(root, { ...PLAIN, CI: "true" }, [])).toEqual([]);
  });

  test("another Terraform leaves none out", () => {
    expect(leftOut(root, { ...PLAIN, TERRAFORM_BINARY: "tofu" }, [])).toEqual([]);
  });

  test("a change that is not committed lets its tests run", () => {
    writeFileSync(join(root, "templates/a.sh"), "exit 1\n");
    expect(leftOut(root, PLAIN, [])).not.toContain("__tests__/templates");
  });

  test("a commit that origin's main branch does not have lets its tests run", () => {
    writeFileSync(join(root, "templates/a.sh"), "exit 1\n");
    commit();
    expect(leftOut(root, PLAIN, [])).not.toContain("__tests__/templates");
  });

  test("a new file lets its tests run", () => {
    writeFileSync(join(root, "templates/b.sh"), "");
    expect(leftOut(root, PLAIN, [])).not.toContain("__tests__/templates");
  });

  test("none is left out where origin has no main branch", () => {
    git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD");
    expect(leftOut(root, PLAIN, [])).toEqual([]);
  });
});

test("each of them is there", () => {
  ends();
  const project = resolve(__dirname, "../..");
  expect(leftOut(root, PLAIN, []).filter((path) => !existsSync(join(project, path)))).toEqual([]);
});
