import type { Path } from "../lab/problem";
import type { DoctorCode } from "./codes";

/**
 * Something that the doctor found out about a lab and the machines it is for. `error`: an apply would fail, or would harm something.
 * `warning`: worth knowing. `unknown`: it could not be asked, and the message says why.
 */
export interface Finding {
  /** Stable, kebab-case name. docs/doctor.md lists them. */
  readonly code: DoctorCode;
  readonly severity: "error" | "warning" | "unknown";
  /** The place in the lab that the finding is about. */
  readonly path: Path;
  /** What is wrong: what the lab says, and what was found. */
  readonly message: string;
  /** What to do; a command to paste where there is one. */
  readonly remedy: string;
}

/** A fact, or why it is not known. */
export type Known<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

/** A fact that is known. */
export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

/** A fact that could not be asked. */
export function unknown<T>(why: string): Known<T> {
  return { known: false, why };
}

/** The fact, or a substitute where it is not known. */
export function valueOr<T>(fact: Known<T>, substitute: T): T {
  return fact.known ? fact.value : substitute;
}
