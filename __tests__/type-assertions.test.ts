import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..");

/** The comment that gives a type assertion its reason, at the end of its line or alone on the line before. */
const REASON = /\/\/ as: \S/;

/** A type assertion of a file: its line, its text, and whether its reason is there. */
interface Assertion {
  readonly line: number;
  readonly text: string;
  readonly reasoned: boolean;
}

/** Every type assertion of some code but `as const`, in both forms, and every `!` after a value. */
function assertionsIn(code: string): Assertion[] {
  const source = ts.createSourceFile("code.ts", code, ts.ScriptTarget.ES2022, true);
  const lines = code.split("\n");
  const found: Assertion[] = [];
  const visit = (node: ts.Node): void => {
    const asserts = ts.isAsExpression(node) || ts.isTypeAssertionExpression(node);
    if (ts.isNonNullExpression(node) || (asserts && node.type.getText(source) !== "const")) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      const before = lines[first - 1] ?? "";
      const reasoned = REASON.test(lines[last] ?? "") || (before.trim().startsWith("//") && REASON.test(before));
      found.push({ line: first + 1, text: node.getText(source), reasoned });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

const files = ["stacks", "constructs"].flatMap((room) =>
  readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(ROOT, room, file)),
);
const assertions = files.flatMap((file) =>
  assertionsIn(readFileSync(file, "utf8")).map((assertion) => ({ file: relative(ROOT, file), ...assertion })),
);

test("the type assertions of stacks/ and constructs/ are these", () => {
  expect(assertions.map(({ file, text }) => `${file}: ${text.split("\n")[0]}`)).toEqual([
    "stacks/inventory.ts: parse(text) as Inventory",
    "stacks/lab-synthesizer.ts: type as AnnotationMetadataEntryType",
    "stacks/lab-synthesizer.ts: resolved(value, (part) => reference(part, this.stack) ?? Tokenization.resolve(part, options)) as JsonObject",
    'stacks/publish.ts: JSON.parse(readFileSync(file, "utf8")) as { terraform?: { backend?: unknown } }',
    "stacks/resolved.ts: value as Record<string, unknown>",
  ]);
});

test("each has its reason: a comment `// as: …` on its line or alone on the line before", () => {
  expect(assertions.filter(({ reasoned }) => !reasoned).map(({ file, line, text }) => `${file}:${line} ${text}`)).toEqual([]);
});

test.each<[string, string, boolean]>([
  ["an assertion", "const a = b as string;", false],
  ["an assertion in brackets", "const a = <string>b;", false],
  ["a value that is said to be there", "const a = b!;", false],
  ["an assertion by way of unknown", "const a = b as unknown as string;", false],
  ["one with its reason on its line", "const a = b as string; // as: b was checked above", true],
  ["one with its reason before it", "// as: b was checked above\nconst a = b as string;", true],
  ["one with another comment before it", "// b was checked above\nconst a = b as string;", false],
  ["one below a line of code with a reason", "const c = d as number; // as: said above\nconst a = b as string;", false],
])("the search finds %s", (_, code, reasoned) => {
  expect(assertionsIn(code).at(-1)).toMatchObject({ reasoned });
});

test("`as const` and what only looks like an assertion are none", () => {
  expect(assertionsIn('const a = { b: 1 } as const; import { c as d } from "e"; // f as g')).toEqual([]);
});
