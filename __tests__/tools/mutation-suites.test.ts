// Which test files `npm run test:mutation` asks about a change, and in which order.
import { asked, type Suite } from "../../tools/mutation-suites";

const { executedLines } = require("../../tools/executed-lines.cjs") as {
  executedLines(code: string, map: object, functions: readonly { ranges: readonly object[] }[]): number[];
};

const suite = (test: string, more: Partial<Suite> = {}): Suite => ({
  test: `__tests__/${test}.test.ts`,
  passes: true,
  snapshots: false,
  executed: { "lab/rules/x.ts": [1, 2, 5] },
  seconds: 4,
  processor: 1,
  started: { programs: false, node: false },
  ...more,
});
const askedOf = (suites: readonly Suite[], lines = [2], seconds = 100, rate: (test: string) => number = () => 0.5) =>
  asked(suites, "lab/rules/x.ts", lines, seconds, rate).map(({ test }) => test.slice("__tests__/".length, -".test.ts".length));

test("a test file that executes one of the lines is asked", () => {
  expect(
    askedOf([suite("a"), suite("b", { executed: { "lab/rules/x.ts": [3] } }), suite("c", { executed: {} })], [2, 4]),
  ).toEqual(["a"]);
});
test("a test file that fails without a change is not asked", () => expect(askedOf([suite("a", { passes: false })])).toEqual([]));
test("a test file that starts Node is asked, because the program may execute any line", () => {
  expect(askedOf([suite("a", { executed: {}, started: { programs: true, node: true } })])).toEqual(["a"]);
});
test("the nearest are asked first", () => {
  const order = ["lab/rules/x", "lab/rules/y", "lab/z", "stacks/a"];
  expect(askedOf([...order].reverse().map((test) => suite(test)))).toEqual(order);
});
test("what proves the files that are made from the room's texts is as near as the folder's own", () => {
  const cheap = suite("lab/z", { processor: 1 });
  expect(askedOf([cheap, suite("tools/lab-page", { processor: 1.1 })])).toEqual(["tools/lab-page", "lab/z"]);
});

test("of a script the test file of its name is the nearest", () => {
  const script = "templates/k3s/x.sh";
  const suites = ["templates/k3s/a", "templates/k3s/x"].map((test) => suite(test, { executed: { [script]: [2] } }));
  expect(asked(suites, script, [2], 1, () => 0.5).map(({ test }) => test)).toEqual(["__tests__/templates/k3s/x.test.ts"]);
});
test("of two as near the cheaper is asked first", () => {
  expect(askedOf([suite("stacks/a", { processor: 3 }), suite("stacks/b")])).toEqual(["stacks/b", "stacks/a"]);
});
test("of two as near the one that finds more of what it is asked about is asked first", () => {
  const rate = (test: string) => (test.includes("/b.") ? 0.9 : 0.1);
  expect(askedOf([suite("stacks/a"), suite("stacks/b", { processor: 3 })], [2], 100, rate)).toEqual(["stacks/b", "stacks/a"]);
});
test("what starts programs is asked after the others, and snapshots last", () => {
  const programs = suite("lab/rules/x", { started: { programs: true, node: false } });
  expect(askedOf([suite("lab/rules/y", { snapshots: true }), programs, suite("stacks/a")])).toEqual([
    "stacks/a",
    "lab/rules/x",
    "lab/rules/y",
  ]);
});
test("no more are asked than the time allows, but always the nearest", () => {
  const many = ["lab/rules/x", "lab/rules/y", "lab/z"].map((test) => suite(test, { processor: 2 }));
  expect([askedOf(many, [2], 4), askedOf(many, [2], 1)]).toEqual([["lab/rules/x", "lab/rules/y"], ["lab/rules/x"]]);
});

test("what takes too long for the time that is left does not keep cheaper ones from being asked", () => {
  const slow = suite("lab/rules/y", { processor: 9 });
  expect(askedOf([suite("lab/rules/x", { processor: 2 }), slow, suite("lab/z", { processor: 8 })], [2], 10)).toEqual([
    "lab/rules/x",
    "lab/z",
  ]);
});

test("lines are executed where V8 counted the innermost range of their code", () => {
  // Each line of the JavaScript is the same line of the source: the mapping AACA is one line on in both.
  const code = "function f(a) {\nif (a)\nb();\nc();\n}";
  const map = { version: 3, sources: ["a.ts"], names: [], mappings: "AAAA;AACA;AACA;AACA;AACA" };
  const range = (text: string, count: number) => ({
    startOffset: code.indexOf(text),
    endOffset: code.indexOf(text) + text.length,
    count,
  });
  const ranges = [range(code, 2), range("b();", 0)];
  expect(executedLines(code, map, [{ ranges: [range(code, 1)] }, { ranges }])).toEqual([1, 2, 4, 5]);
});
