// The small changes that `npm run test:mutation` makes to a source, to see whether a test fails.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import ts from "typescript";
import { parseDocument } from "yaml";
import { type Mutation, scriptMutationsOf } from "./script-mutations";

export type { Mutation };

const SWAPPED: ReadonlyMap<ts.SyntaxKind, readonly [kind: string, operator: string][]> = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, [["comparison swapped", "!=="]]],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, [["comparison swapped", "==="]]],
  [
    ts.SyntaxKind.LessThanToken,
    [
      ["comparison swapped", ">="],
      ["boundary moved", "<="],
    ],
  ],
  [
    ts.SyntaxKind.LessThanEqualsToken,
    [
      ["comparison swapped", ">"],
      ["boundary moved", "<"],
    ],
  ],
  [
    ts.SyntaxKind.GreaterThanToken,
    [
      ["comparison swapped", "<="],
      ["boundary moved", ">="],
    ],
  ],
  [
    ts.SyntaxKind.GreaterThanEqualsToken,
    [
      ["comparison swapped", "<"],
      ["boundary moved", ">"],
    ],
  ],
  [ts.SyntaxKind.AmpersandAmpersandToken, [["&& and || swapped", "||"]]],
  [ts.SyntaxKind.BarBarToken, [["&& and || swapped", "&&"]]],
]);

/** A node whose text says nothing to the program that runs: a type, or the name of a module. */
function isErased(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

/** Statements that can be left out, and the source still is a program: no declaration, which others name. */
function isRemovable(node: ts.Node): node is ts.Statement {
  if (ts.isExpressionStatement(node)) {
    const { expression } = node;
    // Without super() no object can be made, and a directive is a text.
    return (
      !ts.isStringLiteral(expression) &&
      !(ts.isCallExpression(expression) && expression.expression.kind === ts.SyntaxKind.SuperKeyword)
    );
  }
  return (
    ts.isIfStatement(node) ||
    ts.isReturnStatement(node) ||
    ts.isThrowStatement(node) ||
    ts.isForOfStatement(node) ||
    ts.isContinueStatement(node)
  );
}

/** The condition that a node branches on. */
function conditionOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return node.expression;
  return ts.isConditionalExpression(node) ? node.condition : undefined;
}

/** A regular expression without one of its anchors: `^` and `$` that no backslash and no class makes a plain character. */
export function withoutAnchors(pattern: string): string[] {
  const found: string[] = [];
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === "\\") i++;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "^" || character === "$") found.push(pattern.slice(0, i) + pattern.slice(i + 1));
  }
  return found;
}

/** All changes of one node itself, without those of the nodes in it. */
function* ofNode(node: ts.Node, source: ts.SourceFile): Iterable<Mutation> {
  const change = (kind: string, part: ts.Node, replacement: string): Mutation => ({
    kind,
    start: part.getStart(source),
    end: part.getEnd(),
    replacement,
  });
  const condition = conditionOf(node);
  if (condition) yield change("condition negated", condition, `!(${condition.getText(source)})`);
  if (ts.isBinaryExpression(node)) {
    for (const [kind, operator] of SWAPPED.get(node.operatorToken.kind) ?? []) yield change(kind, node.operatorToken, operator);
  }
  if (ts.isStringLiteral(node) && node.text !== "" && !(ts.isPropertyAssignment(node.parent) && node.parent.name === node)) {
    yield change("string emptied", node, '""');
  }
  if (ts.isNoSubstitutionTemplateLiteral(node) && node.text !== "") yield change("string emptied", node, '""');
  if (ts.isTemplateExpression(node)) yield change("string emptied", node, '""');
  if (ts.isNumericLiteral(node) && !(ts.isPropertyAssignment(node.parent) && node.parent.name === node)) {
    const number = Number(node.text.replaceAll("_", ""));
    yield change("number plus 1", node, String(number + 1));
    // In brackets, so that 1-1 with a minus before it stays a program.
    yield change("number minus 1", node, `(${number - 1})`);
  }
  if (ts.isRegularExpressionLiteral(node)) {
    const end = node.text.lastIndexOf("/");
    for (const pattern of withoutAnchors(node.text.slice(1, end))) {
      if (pattern !== "") yield change("anchor removed", node, `/${pattern}${node.text.slice(end)}`);
    }
  }
  if (ts.isArrayLiteralExpression(node)) {
    for (const [i, element] of node.elements.entries()) {
      const next = node.elements[i + 1];
      const end = next ? next.getStart(source) : element.getEnd();
      yield { kind: "element removed", start: element.getStart(source), end, replacement: "" };
    }
  }
  if (isRemovable(node)) yield change("statement removed", node, ";");
}

/**
 * Every change that the tool knows of a source, in the order of the text. In TypeScript types, imports and the names of properties are left alone. A change
 * may leave a text that is no program (`isProgram`), or one that TypeScript's types refuse.
 */
export function mutationsOf(file: string, text: string): Mutation[] {
  if (file.endsWith(".sh")) return scriptMutationsOf(text, "shell");
  if (file.endsWith(".yml")) return scriptMutationsOf(text, "yaml");
  const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.ES2022, true);
  const found: Mutation[] = [];
  const visit = (node: ts.Node): void => {
    if (isErased(node)) return;
    found.push(...ofNode(node, source));
    node.forEachChild(visit);
  };
  visit(source);
  return found.sort((a, b) => a.start - b.start);
}

/** The source after a change. */
export function mutated(text: string, { start, end, replacement }: Mutation): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Whether a text is what the name of its file says: a shell script, YAML, or TypeScript whatever its types say. Takes milliseconds. */
export function isProgram(file: string, text: string): boolean {
  if (file.endsWith(".sh")) return spawnSync("bash", ["-n"], { input: text }).status === 0;
  if (file.endsWith(".yml")) return parseDocument(text).errors.length === 0;
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  });
  return diagnostics.length === 0;
}

/** The line of a place in a text, from 1. */
export function lineOf(text: string, place: number): number {
  return text.slice(0, place).split("\n").length;
}

/** A change on one line for people: what stood there, and what stands there now. */
export function described(text: string, { kind, start, end, replacement }: Mutation): string {
  const short = (part: string) => {
    const line = part.replace(/\s+/g, " ");
    return line.length > 50 ? `${line.slice(0, 49)}…` : line;
  };
  return `${kind}: ${short(text.slice(start, end))} → ${short(replacement) || "nothing"}`;
}

/** A change of a source of the checkout. */
export interface Mutant {
  /** Path from the root. */
  readonly file: string;
  /** What the file holds. */
  readonly text: string;
  readonly mutation: Mutation;
}

/**
 * All changes of some sources in an order that a seed decides: a sample are the first ones. The place of a change depends on what stands on its
 * line, so an edit of the sources leaves most of a sample as it is.
 */
export function shuffled(sources: readonly { readonly file: string; readonly text: string }[], seed: number): Mutant[] {
  const ranked = sources.flatMap(({ file, text }) => {
    const seen = new Map<string, number>();
    return mutationsOf(file, text).map((mutation) => {
      const line = text.split("\n")[lineOf(text, mutation.start) - 1]?.trim();
      const name = JSON.stringify([seed, file, line, described(text, mutation)]);
      const same = seen.get(name) ?? 0;
      seen.set(name, same + 1);
      return { rank: createHash("sha256").update(`${name} ${same}`).digest("hex"), mutant: { file, text, mutation } };
    });
  });
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ mutant }) => mutant);
}

/** What the tests said of a change. */
export type Verdict = "assertion" | "snapshot" | "timeout" | "survived" | "no tests";

const { SNAPSHOT } = require("./snapshot-failure.cjs") as { SNAPSHOT: RegExp };

/** What the failures of one test file say. A test that fails outside of a snapshot is an assertion, and a file that cannot be loaded is one too. */
export function verdictOf(failures: readonly string[]): Verdict {
  if (failures.length === 0) return "survived";
  return failures.every((failure) => SNAPSHOT.test(failure)) ? "snapshot" : "assertion";
}

/** The share of these verdicts among all, in percent. */
export function percentOf(verdicts: readonly Verdict[], ...wanted: readonly Verdict[]): number {
  if (verdicts.length === 0) return 0;
  return (100 * verdicts.filter((verdict) => wanted.includes(verdict)).length) / verdicts.length;
}
