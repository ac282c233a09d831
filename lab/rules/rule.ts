import type { DraftLab } from "../draft";
import type { Finding } from "../finding";
import type { Path, ProblemKind } from "../problem";

/** What a rule may ask about the lab as it was written. */
export interface Context {
  /**
   * Whether the lab has a value at this path, even one that could not be read.
   * A rule must not call a value missing when it is there and another problem reports it.
   */
  declared(path: Path): boolean;
}

/** A rule about values that must fit together. It is pure: it uses neither the network nor the clock. */
export interface Rule<C extends string = string> {
  /** The sections that the rule reads. It does not run when one of them is absent or could not be read. */
  readonly needs: readonly (keyof DraftLab)[];
  check(lab: DraftLab, context: Context): Iterable<Finding<C>>;
}

/** The codes of one subject, and the rules that find them. */
export interface Subject<C extends string> {
  /** The title of its chapter in `docs/problems.md`. */
  readonly title: string;
  readonly kinds: Readonly<Record<C, ProblemKind>>;
  readonly rules: readonly Rule<C>[];
}

/** A lab in which these sections could be read. */
export type Needs<K extends keyof DraftLab> = DraftLab & { [P in K]-?: NonNullable<DraftLab[P]> };

/** Declares a rule. Inside `check` the sections that it needs are there. */
export function rule<K extends keyof DraftLab, C extends string>(
  needs: readonly K[],
  check: (lab: Needs<K>, context: Context) => Iterable<Finding<C>>,
): Rule<C> {
  // The reader runs a rule only when the sections it needs are there.
  return { needs, check: check as Rule<C>["check"] };
}
