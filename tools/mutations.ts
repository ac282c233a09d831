// The small changes that `npm run test:mutation` makes to a source, to see whether a test fails.
import ts from "typescript";

/** One change of a source. */
export interface Mutation {
  /** The kind of change, such as "condition negated". */
  readonly kind: string;
  /** Where the changed text begins and ends in the source. */
  readonly start: number;
  readonly end: number;
  /** What stands there instead. */
  readonly replacement: string;
}

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
 * Every change that the tool knows of a source, in the order of the text. Types, imports and the names of properties are left alone. A change
 * may leave a text that is no program (`isProgram`), or one that TypeScript's types refuse.
 */
export function mutationsOf(text: string): Mutation[] {
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

/** Whether a text is TypeScript, whatever its types say. Takes milliseconds. */
export function isProgram(text: string): boolean {
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

/** Numbers from 0 to 1 that a seed decides (the generator mulberry32): the same seed gives the same sample. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Some of a list, each at most once, in the order in which the numbers draw them. */
export function sample<T>(all: readonly T[], count: number, random: () => number): T[] {
  const rest = [...all];
  const drawn: T[] = [];
  while (drawn.length < count && rest.length > 0) drawn.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return drawn;
}

/** What the tests said of a change. */
export type Verdict = "assertion" | "snapshot" | "types" | "survived" | "timeout" | "no tests";

/** What `mutation-reporter.cjs` says of one test file. */
export interface FileReport {
  /** Absolute path of the file. */
  readonly path: string;
  /** The message of each failure. */
  readonly failures: readonly string[];
}

/** What the message of a failed snapshot has in it. */
const SNAPSHOT = "toMatchSnapshot";

/** The verdict of a run. A test that fails outside of a snapshot is an assertion, and a file that cannot be loaded is one too. */
export function verdictOf(files: readonly FileReport[]): Verdict {
  if (files.length === 0) return "no tests";
  const failures = files.flatMap((file) => file.failures);
  if (failures.length === 0) return "survived";
  return failures.every((failure) => failure.includes(SNAPSHOT)) ? "snapshot" : "assertion";
}

/** The share of changes that tests found, in percent. What the types refuse is no program, and what slow tests leave undecided says nothing: neither counts. */
export function killedPercent(verdicts: readonly Verdict[]): number {
  const programs = verdicts.filter((verdict) => verdict !== "types" && verdict !== "timeout");
  const killed = programs.filter((verdict) => verdict !== "survived" && verdict !== "no tests");
  return programs.length === 0 ? 100 : (100 * killed.length) / programs.length;
}

/**
 * The related tests of a source in the order in which they are asked: those of its own room, then the others, and the snapshots last, so that
 * a change counts as found by a snapshot only where nothing else finds it.
 * @param tests paths from the root
 * @param hasSnapshots whether a test file has snapshots
 */
export function inTurns(source: string, tests: readonly string[], hasSnapshots: (test: string) => boolean): string[][] {
  const [room = ""] = source.split("/");
  const turnOf = (test: string) => (hasSnapshots(test) ? 2 : test.startsWith(`__tests__/${room}/`) ? 0 : 1);
  return [0, 1, 2].map((turn) => tests.filter((test) => turnOf(test) === turn)).filter((turn) => turn.length > 0);
}
