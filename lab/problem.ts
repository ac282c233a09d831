/** A place inside a lab: the keys and indexes that lead to it. */
export type Path = readonly (string | number)[];

/** Where a value stands in the lab file; lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong, or worth knowing, about a lab. Data: `report` turns it into text. */
export interface Problem {
  /** Stable, kebab-case name of the rule. */
  readonly code: string;
  /** An error keeps everything from being written; a warning is printed and becomes an annotation. */
  readonly severity: "error" | "warning";
  readonly path: Path;
  /** Absent for a lab that was not read from a file. */
  readonly position?: Position;
  /** What is wrong, naming both sides. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** The dotted form of a path, with indexes in brackets: `containers.ollama-1.models[2]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** Problems as people read them: the place first, then what is wrong, then what to do; errors before warnings. */
export function report(problems: readonly Problem[], file: string): string {
  const rank = ({ severity }: Problem) => (severity === "error" ? 0 : 1);
  const sorted = [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  );
  return sorted
    .map(({ code, severity, path, position, message, remedy }) => {
      const place = position ? `${file}:${position.line}:${position.column}` : file;
      return [`${place} ${formatPath(path)}`.trimEnd(), `  ${severity} ${code}: ${message}`, `  → ${remedy}`].join("\n");
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
