/** Why a value is refused: data for the caller, who knows the place it stands in. */
export interface Fault {
  /** Stable, kebab-case name of the kind of fault, such as `invalid-mac`. */
  readonly code: string;
  /** What is wrong, naming the value and what was expected of it. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Looks at one value and returns what is wrong with it, or `undefined` when it is fine. Pure. */
export type Check<T> = (value: T) => Fault | undefined;

/** Shows a value in a message: quoted, on one line, cut after 60 characters so that a pasted file does not fill the screen. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** The check that a pattern matches, for values whose whole grammar is one regular expression. */
export function matching(pattern: RegExp, code: string, what: string, remedy: string): Check<string> {
  return (value) => (pattern.test(value) ? undefined : { code, message: `${quote(value)} is not ${what}`, remedy });
}
