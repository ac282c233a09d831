import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const { leftOut, noteResults, toolState } = require("../../tools/tool-tests.cjs") as {
  leftOut(root: string, env: Record<string, string>, args: readonly string[]): string[];
  noteResults(root: string, state: string, results: readonly object[]): void;
  toolState(root: string, env: Record<string, string>): string;
};

const FILES = [
  "__tests__/testing/lifecycle.test.ts",
  "__tests__/tools/bench.test.ts",
  "__tests__/tools/bindings.test.ts",
  "__tests__/tools/mutations.test.ts",
  "__tests__/tools/schemas.test.ts",
];
const PLAIN = { npm_lifecycle_event: "test" };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tool-tests-"));
  for (const file of [...FILES, "testing/lab.ts", "package-lock.json", "lab/read.ts"]) {
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
const ends = (results = FILES.map(passed)) => noteResults(root, toolState(root, {}), results);

test("a run that comes after one that passed leaves the tests of the tools out", () => {
  ends();
  expect(leftOut(root, PLAIN, [])).toContain("__tests__/testing");
});

test("a fresh clone leaves none out", () => {
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

test.each(["testing/lab.ts", "package-lock.json", "__tests__/tools/bench.test.ts"])(
  "they run again after a change of %s",
  (file) => {
    ends();
    utimesSync(join(root, file), 1, 1);
    expect(leftOut(root, PLAIN, [])).toEqual([]);
  },
);

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
  expect(leftOut(root, PLAIN, [])).toEqual([]);
});

test("they run again when not all of them ran", () => {
  ends(FILES.slice(1).map(passed));
  expect(leftOut(root, PLAIN, [])).toEqual([]);
});

test("a change while they ran counts", () => {
  const state = toolState(root, {});
  utimesSync(join(root, "testing/lab.ts"), 1, 1);
  noteResults(root, state, FILES.map(passed));
  expect(leftOut(root, PLAIN, [])).toEqual([]);
});

test("each of them is there", () => {
  ends();
  const project = resolve(__dirname, "../..");
  expect(leftOut(root, PLAIN, []).filter((path) => !existsSync(join(project, path)))).toEqual([]);
});
