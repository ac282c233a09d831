import type { Lab, PartialLab } from "../lab";
import type { Path, Problem } from "../problem";

/** What a rule found; the reader adds the position. */
export type Finding = Omit<Problem, "position">;

/** What a rule may ask about the lab as it was written. */
export interface Context {
  /** Whether the lab says something at this path, even something that could not be read: a rule must not call it missing then. */
  declared(path: Path): boolean;
}

/** A rule about what must fit together. Pure: it asks no network and no clock. */
export interface Rule {
  /** The sections without which the rule has nothing to say. */
  readonly needs: readonly (keyof Lab)[];
  check(lab: PartialLab, context: Context): Iterable<Finding>;
}

/** A lab in which these sections could be read. */
export type Needs<K extends keyof Lab> = PartialLab & { [P in K]-?: NonNullable<Lab[P]> };

/** Declares a rule; inside `check` the sections it needs are there. */
export function rule<K extends keyof Lab>(
  needs: readonly K[],
  check: (lab: Needs<K>, context: Context) => Iterable<Finding>,
): Rule {
  return { needs, check: check as Rule["check"] };
}

/** A finding that keeps the lab from being synthesized. */
export function error(code: string, path: Path, message: string, remedy: string): Finding {
  return { code, severity: "error", path, message, remedy };
}

/** A finding that the operator should know, and may accept. */
export function warning(code: string, path: Path, message: string, remedy: string): Finding {
  return { code, severity: "warning", path, message, remedy };
}
