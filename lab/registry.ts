import { fileKinds } from "./load";
import type { ProblemKind } from "./problem";
import { subjects } from "./rules";
import type { Rule } from "./rules/rule";
import { shapeKinds } from "./schema-problems";
import { valueKinds } from "./value-kinds";

type KeysOf<T> = T extends unknown ? keyof T : never;

/** Every code that a problem of a lab can have. */
export type Code = KeysOf<typeof fileKinds | typeof shapeKinds | typeof valueKinds | (typeof subjects)[number]["kinds"]>;

/** Kinds of problems that belong together: a chapter of `docs/problems.md`. */
export interface Chapter {
  readonly title: string;
  readonly kinds: Readonly<Record<string, ProblemKind>>;
}

/** A text without its first and last line break, and without the indentation that all its lines have in the source. */
function dedented(text: string): string {
  const lines = text.replace(/^\n|\n *$/g, "").split("\n");
  const indentation = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indentation)).join("\n");
}

function chapter({ title, kinds }: Chapter): Chapter {
  const entries = Object.entries(kinds).map(([code, kind]) => [code, { ...kind, example: dedented(kind.example) }]);
  return { title, kinds: Object.fromEntries(entries) };
}

/** Every kind of problem, in the order in which the reader looks for them. */
export const chapters: readonly Chapter[] = [
  { title: "The lab file", kinds: fileKinds },
  { title: "The shape of a lab", kinds: shapeKinds },
  ...subjects,
  { title: "Single values", kinds: valueKinds },
].map(chapter);

/** The kind of every code. */
// `Object.fromEntries` forgets the keys. `Code` is made from the same tables, so all of them are there.
export const registry = Object.fromEntries(chapters.flatMap(({ kinds }) => Object.entries(kinds))) as Readonly<
  Record<Code, ProblemKind>
>;

/** Every rule. A rule that finds a code outside the registry does not compile here. */
export const rules: readonly Rule<Code>[] = subjects.flatMap((subject): readonly Rule<Code>[] => subject.rules);
