// What `npm run test:mutation` changes in a source, and how it reads what the tests say.
import {
  described,
  inTurns,
  isProgram,
  killedPercent,
  lineOf,
  mutated,
  mutationsOf,
  randomOf,
  sample,
  type Verdict,
  verdictOf,
  withoutAnchors,
} from "../../tools/mutations";

/** What becomes of a source, for each change of this kind. */
const become = (text: string, kind: string) =>
  mutationsOf(text)
    .filter((mutation) => mutation.kind === kind)
    .map((mutation) => mutated(text, mutation));

test.each<[kind: string, source: string, changed: string[]]>([
  ["condition negated", "if (a) b();", ["if (!(a)) b();"]],
  ["condition negated", "x = a ? 1 : 2;", ["x = !(a) ? 1 : 2;"]],
  ["condition negated", "while (a) b();", ["while (!(a)) b();"]],
  ["comparison swapped", "x = a === b;", ["x = a !== b;"]],
  ["comparison swapped", "x = a < b;", ["x = a >= b;"]],
  ["boundary moved", "x = a < b;", ["x = a <= b;"]],
  ["boundary moved", "x = a >= b;", ["x = a > b;"]],
  ["&& and || swapped", "x = a && b;", ["x = a || b;"]],
  ["string emptied", 'x = "a";', ['x = "";']],
  ["string emptied", "x = `a${b}`;", ['x = "";']],
  ["string emptied", 'x = "";', []],
  ["string emptied", 'import a from "a"; type T = "b"; x = { "c": 1 };', []],
  ["number plus 1", "x = 1_000;", ["x = 1001;"]],
  ["number minus 1", "x = -1;", ["x = -(0);"]],
  ["anchor removed", "x = /^a$/i;", ["x = /a$/i;", "x = /^a/i;"]],
  ["element removed", "x = [a, b];", ["x = [b];", "x = [a, ];"]],
  ["statement removed", "function f() { g(); return 1; }", ["function f() { ; return 1; }", "function f() { g(); ; }"]],
  ["statement removed", "class A extends B { constructor() { super(); } }", []],
])("%s: %s", (kind, source, changed) => expect(become(source, kind)).toEqual(changed));

test("a type is left alone", () => {
  expect(mutationsOf('interface A { readonly b: "c"; } type D = ["e", 1]; let f: 2;')).toEqual([]);
});
test("an anchor is no plain character, and none of a class", () => {
  expect(withoutAnchors("^[^$]\\$|b$")).toEqual(["[^$]\\$|b$", "^[^$]\\$|b"]);
});
test("what is no program is recognized, and a wrong type is one", () => {
  expect([isProgram("x = ;"), isProgram('const x: number = "a";')]).toEqual([false, true]);
});

test("a change is described by what stood there and what stands there now", () => {
  const text = "a();\nx = a < b;\n";
  const [swap] = mutationsOf(text).filter(({ kind }) => kind === "boundary moved");
  if (!swap) throw new Error("there is no such change");
  expect([lineOf(text, swap.start), described(text, swap)]).toEqual([2, "boundary moved: < → <="]);
});

describe("a sample", () => {
  const all = Array.from({ length: 100 }, (_, i) => i);
  test("is the same for the same seed, and another for another", () => {
    const draw = (seed: number) => sample(all, 10, randomOf(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
  test("has each at most once, and no more than there are", () => {
    expect(sample(all, 1000, randomOf(7)).sort((a, b) => a - b)).toEqual(all);
  });
});

describe("the verdict", () => {
  const [expectation, snapshot] = ["expect(received).toBe(expected)", "expect(received).toMatchSnapshot()"];
  test.each<[string, Verdict, string[][]]>([
    ["tests that pass find nothing", "survived", [[], []]],
    ["a failed expectation is an assertion", "assertion", [[], [expectation]]],
    ["a failed snapshot is a snapshot", "snapshot", [[snapshot], []]],
    ["a failed snapshot beside a failed expectation is an assertion", "assertion", [[snapshot], [expectation]]],
    ["a file that cannot be loaded is an assertion", "assertion", [["SyntaxError"]]],
    ["no test at all is told", "no tests", []],
  ])("%s", (_, verdict, files) => expect(verdictOf(files.map((failures) => ({ path: "a.test.ts", failures })))).toBe(verdict));

  test("of all is the share that was found, without what the types refuse and what slow tests leave undecided", () => {
    expect(killedPercent(["assertion", "snapshot", "timeout", "survived", "survived", "types"])).toBe(50);
  });
  test("of all counts a source without a test as not found", () => expect(killedPercent(["assertion", "no tests"])).toBe(50));
  test("of nothing is everything", () => expect(killedPercent([])).toBe(100));
});

test("the tests of the room are asked first, and the snapshots last", () => {
  const tests = ["__tests__/examples.test.ts", "__tests__/lab/a.test.ts", "__tests__/stacks/b.test.ts"];
  expect(inTurns("lab/x.ts", tests, (test) => test.includes("examples"))).toEqual([
    ["__tests__/lab/a.test.ts"],
    ["__tests__/stacks/b.test.ts"],
    ["__tests__/examples.test.ts"],
  ]);
});
