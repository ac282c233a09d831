import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "../..");
const files = readdirSync(join(ROOT, "constructs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => join(ROOT, "constructs", file));

interface Member {
  /** `file: Interface.prop`. */
  readonly place: string;
  readonly optional: boolean;
  readonly comment: string;
}

function commentOf(node: ts.Node, source: ts.SourceFile): string {
  const ranges = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
  return ranges
    .map(({ pos, end }) => source.text.slice(pos, end))
    .filter((text) => text.startsWith("/**"))
    .join("\n");
}

/** The properties below a declared type, those of object types within it too. */
function* membersOf(node: ts.Node, name: string, source: ts.SourceFile): Iterable<Member> {
  for (const child of node.getChildren(source)) {
    if (ts.isPropertySignature(child)) {
      const own = `${name}.${child.name.getText(source)}`;
      yield { place: own, optional: child.questionToken !== undefined, comment: commentOf(child, source) };
      yield* membersOf(child, own, source);
    } else yield* membersOf(child, name, source);
  }
}

/** The props that callers give: of exported interfaces and types of files with constructs. */
const members = files.flatMap((file) => {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022);
  const place = relative(ROOT, file);
  return source.statements.flatMap((statement) => {
    if (!ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement)) return [];
    if (!statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    return [...membersOf(statement, `${place}: ${statement.name.text}`, source)];
  });
});

test("every property of an exported interface says what it is", () => {
  expect(members.filter(({ comment }) => comment === "").map(({ place }) => place)).toEqual([]);
});
test("every optional property says what holds without it", () => {
  expect(members.filter(({ optional, comment }) => optional && !comment.includes("@default")).map(({ place }) => place)).toEqual(
    [],
  );
});
test("the properties of all interfaces were looked at", () => expect(members.length).toBeGreaterThan(200));
