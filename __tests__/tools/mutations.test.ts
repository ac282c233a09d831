// What `npm run test:mutation` changes in a source, and how it reads what the tests say.
import {
  described,
  isProgram,
  lineOf,
  mutated,
  mutationsOf,
  percentOf,
  shuffled,
  type Verdict,
  verdictOf,
  withoutAnchors,
} from "../../tools/mutations";

/** What becomes of a source, for each change of this kind. */
const become = (text: string, kind: string) =>
  mutationsOf("a.ts", text)
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

describe("in scripts", () => {
  const changed = (file: string, text: string, kind: string) =>
    mutationsOf(file, text)
      .filter((mutation) => mutation.kind === kind)
      .map((mutation) => mutated(text, mutation));
  test.each<[kind: string, source: string, changed: string[]]>([
    ["condition negated", "if a; then", ["if ! a; then"]],
    ["condition negated", "while a; do", ["until a; do"]],
    ["condition negated", "while read -r a; do", []],
    ["comparison swapped", '[ "$a" -gt 1 ]', ['[ "$a" -le 1 ]']],
    ["comparison swapped", '[ "$a" = b ]', ['[ "$a" != b ]']],
    ["comparison swapped", '[ -n "$a" ]', ['[ -z "$a" ]']],
    ["comparison swapped", "[ -f a ]", ["[ ! -f a ]"]],
    ["&& and || swapped", "a && b", ["a || b"]],
    ["number plus 1", "sleep 5", ["sleep 6"]],
    ["option removed", "[[ -n $a && ! -n $b ]]", []],
    ["option removed", "curl -f --retry=3 a", ["curl --retry=3 a", "curl -f a"]],
    ["string emptied", "a='b'", ['a=""']],
    ["line removed", "  rm a", ["  :"]],
    ["line removed", "f() {\n  a && b\n}\nif c; then", ["f() {\n  :\n}\nif c; then"]],
    ["line removed", "a \\\n  b", []],
    ["line removed", "cat <<END\ntext\nEND", [":\ntext\nEND"]],
    ["number plus 1", "# 5", []],
  ])("shell, %s: %s", (kind, source, texts) => expect(changed("a.sh", source, kind)).toEqual(texts));
  test.each<[kind: string, source: string, changed: string[]]>([
    ["condition negated", "  when: a", ["  when: not a"]],
    ["comparison swapped", "  when: a == b", ["  when: a != b"]],
    ["&& and || swapped", "- name: c\n  when: a and b", ["- name: c\n  when: a or b"]],
    [
      "&& and || swapped",
      "- name: a and b\n  fail_msg: >-\n    a or b\n  when: >-\n    a\n    and b",
      ["- name: a and b\n  fail_msg: >-\n    a or b\n  when: >-\n    a\n    or b"],
    ],
    ["number plus 1", "  retries: 5", ["  retries: 6"]],
    ["number plus 1", '  mode: "0644"', ['  mode: "0000"']],
    ["value swapped", "  become: true", ["  become: false"]],
    ["value swapped", "  quiet: true", []],
    ["filter removed", '  a: "{{ b | lower }}"', ['  a: "{{ b }}"']],
    ["line removed", "- name: a\n  become: true", ["- name: a\n  "]],
  ])("YAML, %s: %s", (kind, source, texts) => expect(changed("a.yml", source, kind)).toEqual(texts));
});
test("a type is left alone", () => {
  expect(mutationsOf("a.ts", 'interface A { readonly b: "c"; } type D = ["e", 1]; let f: 2;')).toEqual([]);
});
test("an anchor is no plain character, and none of a class", () => {
  expect(withoutAnchors("^[^$]\\$|b$")).toEqual(["[^$]\\$|b$", "^[^$]\\$|b"]);
});
test("what is no program is recognized, and a wrong type is one", () => {
  expect([isProgram("a.ts", "x = ;"), isProgram("a.ts", 'const x: number = "a";')]).toEqual([false, true]);
  expect([isProgram("a.sh", "if a; fi"), isProgram("a.sh", "if a; then b; fi")]).toEqual([false, true]);
  expect([isProgram("a.yml", "a: [b"), isProgram("a.yml", "a: [b]")]).toEqual([false, true]);
});

test("a change is described by what stood there and what stands there now", () => {
  const text = "a();\nx = a < b;\n";
  const [swap] = mutationsOf("a.ts", text).filter(({ kind }) => kind === "boundary moved");
  if (!swap) throw new Error("there is no such change");
  expect([lineOf(text, swap.start), described(text, swap)]).toEqual([2, "boundary moved: < → <="]);
});

describe("a sample", () => {
  const sources = [
    { file: "a.ts", text: "x = 1;\ny = 2;\nz = 3;\nx = 1;\n" },
    { file: "b.ts", text: "x = 1;\n" },
  ];
  const texts = (seed: number, from = sources) =>
    shuffled(from, seed).map(
      ({ file, text, mutation }) => `${file}:${lineOf(text, mutation.start)} ${described(text, mutation)}`,
    );
  test("is the same for the same seed, and another for another", () => {
    expect(texts(1)).toEqual(texts(1));
    expect(texts(1)).not.toEqual(texts(2));
  });
  test("has each change once", () => {
    const all = texts(7);
    expect([all.length, new Set(all).size]).toEqual([15, 15]);
  });
  test("stays as it is where other lines are edited", () => {
    const edited = shuffled([{ file: "a.ts", text: "// New.\nx = 1;\ny = 5;\nz = 3;\nx = 1;\n" }, ...sources.slice(1)], 1);
    const without = (lines: string[], line: string) => lines.filter((one) => !one.startsWith(line));
    const moved = edited.map(({ file, text, mutation }) => {
      const line = lineOf(text, mutation.start) - (file === "a.ts" ? 1 : 0);
      return `${file}:${line} ${described(text, mutation)}`;
    });
    expect(without(moved, "a.ts:2")).toEqual(without(texts(1), "a.ts:2"));
  });
});

describe("the verdict", () => {
  const [expectation, snapshot, inline] = ["toBe(expected)", "toMatchSnapshot()", "toMatchInlineSnapshot()"].map(
    (matcher) => `expect(received).${matcher}`,
  ) as [string, string, string];
  test.each<[string, Verdict, string[]]>([
    ["tests that pass find nothing", "survived", []],
    ["a failed expectation is an assertion", "assertion", [expectation]],
    ["a failed snapshot is a snapshot", "snapshot", [snapshot, inline]],
    ["a failed snapshot beside a failed expectation is an assertion", "assertion", [snapshot, expectation]],
    ["a file that cannot be loaded is an assertion", "assertion", ["SyntaxError"]],
  ])("%s", (_, verdict, failures) => expect(verdictOf(failures)).toBe(verdict));

  test("of all is the share of those that are asked for", () => {
    expect(percentOf(["assertion", "snapshot", "timeout", "survived"], "assertion", "timeout")).toBe(50);
  });
  test("of nothing is nothing", () => expect(percentOf([], "assertion")).toBe(0));
});
