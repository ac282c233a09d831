/** A place inside a lab: the keys and indexes that lead to it. */
export type Path = readonly (string | number)[];

/** Where a value is in the lab file. Lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The stacks that a lab can have, in the order in which they are deployed. */
export const STACK_IDS = ["containers", "cluster", "platform", "model-staging", "ollama"] as const;

/** One of the stacks that a lab can have. */
export type StackId = (typeof STACK_IDS)[number];

/** An error keeps everything from being written. A warning is printed, and becomes an annotation of its stacks. */
export type Severity = "error" | "warning";

/** What is true of every problem of one code. The reader and `docs/problems.md` use it. */
export interface ProblemKind {
  readonly severity: Severity;
  /** The stacks that the problem can concern. A finding may name fewer of them. */
  readonly stacks: readonly StackId[];
  /** What the problem is and why it matters, for a reader who has only the code. */
  readonly meaning: string;
  /** Part of a lab file that has the problem. A test reads it and finds the code. */
  readonly example: string;
  /** What to do. A finding that knows more says it in its own remedy. */
  readonly remedy: string;
  /**
   * When the reader reports several findings once. `place`: when code and path are equal. `message`: when code and message are equal.
   * Default: when code, path and message are equal.
   */
  readonly once?: "place" | "message";
}

/** Something that is wrong with a lab, or that its owner should know. It is data: `report` turns it into text. */
export interface Problem<C extends string = string> {
  /** Stable kebab-case name. `lab/registry.ts` has all of them. */
  readonly code: C;
  readonly severity: Severity;
  /** The stacks that the problem concerns. The lab need not have all of them. */
  readonly stacks: readonly StackId[];
  readonly path: Path;
  /** Absent when the lab was not read from a file. */
  readonly position?: Position;
  /** What is wrong. It names both sides. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** Whether it is about a default, so that the lab file makes no choice here. Only `check --strict` tells it. @default false */
  readonly ofDefault?: boolean;
}

/** The dotted form of a path, with indexes in brackets: `containers.ollama-1.models[2]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** What `report` needs of a problem. `unknown` is for a question that got no answer; the reader of a lab has no such problem. */
export type Reported = Pick<Problem, "code" | "path" | "position" | "message" | "remedy"> & {
  readonly severity: Severity | "unknown";
};

const RANK: Readonly<Record<Reported["severity"], number>> = { error: 0, warning: 1, unknown: 2 };

/** The problems in the order in which people read them: errors first, then by their place in the file. */
export function inReadingOrder<P extends Reported>(problems: readonly P[]): P[] {
  const rank = ({ severity }: Reported) => RANK[severity];
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  );
}

/** The place of a problem: `lab.yaml:23:5 containers.ollama-2.vmId`. */
export function placeOf({ path, position }: Reported, file: string): string {
  const place = position ? `${file}:${position.line}:${position.column}` : file;
  return `${place} ${formatPath(path)}`.trimEnd();
}

/** Problems as plain text: the place, then what is wrong, then what to do. Errors come before warnings. */
export function report(problems: readonly Reported[], file: string): string {
  return inReadingOrder(problems)
    .map((problem) => {
      const { code, severity, message, remedy } = problem;
      return [placeOf(problem, file), `  ${severity} ${code}: ${message}`, `  → ${remedy}`].join("\n");
    })
    .join("\n");
}

/** "1 error", "3 warnings": a count with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Thrown for a lab that has errors, with all its problems. */
export class LabError extends Error {
  constructor(
    readonly problems: readonly Problem[],
    readonly file: string,
  ) {
    super(report(problems, file));
    this.name = "LabError";
  }
}
