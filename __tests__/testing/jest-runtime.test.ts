import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { scriptOf } = require("../../testing/kept-scripts.cjs") as {
  scriptOf(filename: string, parameters: string[], code: string): { runInThisContext(): () => unknown };
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jest-runtime-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** What a module exports that is loaded as a test file loads it: no other test file's module is known. */
function loaded(code: string): unknown {
  const file = join(folder, "module.js");
  writeFileSync(file, code);
  let exported: unknown;
  jest.isolateModules(() => {
    exported = require(file);
  });
  return exported;
}

test("a module that was compiled before runs again, with a state of its own", () => {
  const code = "let count = 0; exports.next = () => ++count;";
  const [first, second] = [loaded(code), loaded(code)] as { next(): number }[];
  first?.next();
  expect(second?.next()).toBe(1);
});

test("a module whose file did not change is not compiled again", () => {
  const of = () => scriptOf("/module.js", ["module"], "module.exports = 1;");
  expect(of()).toBe(of());
});

test("a module whose file changed is compiled again", () => {
  const [before, after] = ["before", "after"].map((word) => scriptOf("/module.js", [], `return "${word}";`).runInThisContext());
  expect([before?.(), after?.()]).toEqual(["before", "after"]);
});

test("a module runs in the realm of its test file", () => {
  expect(loaded("module.exports = Array;")).toBe(Array);
});

test("an error on the first line of a file names its column", () => {
  expect(loaded("module.exports = new Error('here').stack;")).toContain(`${join(folder, "module.js")}:1:18`);
});

test("an error on a later line names its line and column", () => {
  expect(loaded("\n\nmodule.exports = new Error('here').stack;")).toContain(`${join(folder, "module.js")}:3:18`);
});

test("code that cannot be compiled is refused with its place", () => {
  expect(() => loaded("const const = 1;")).toThrow(/Unexpected token 'const'/);
});
