import type { Path, Problem, ProblemKind, StackId } from "./problem";

/** A problem before it has a position. The reader adds that, and drops what was found before. */
export type Finding<C extends string = string> = Omit<Problem<C>, "position">;

/** What a finding says besides its code, place and message. */
export interface Details {
  /** Default: the remedy of the code. */
  readonly remedy?: string;
  /** Default: the stacks of the code. */
  readonly stacks?: readonly StackId[];
  /** Whether it is about a default, of which the lab file says nothing. @default false */
  readonly ofDefault?: boolean;
}

/** Returns the function that makes findings of these kinds, and of no other. */
export function finder<C extends string>(kinds: Readonly<Record<C, ProblemKind>>) {
  return (code: C, path: Path, message: string, details: Details = {}): Finding<C> => {
    const { severity, stacks, remedy } = kinds[code];
    return {
      code,
      severity,
      stacks: details.stacks ?? stacks,
      path,
      message,
      remedy: details.remedy ?? remedy,
      ...(details.ofDefault && { ofDefault: true }),
    };
  };
}

/** The stacks of guests on Proxmox. */
export const GUEST_STACKS = ["containers", "cluster"] as const satisfies readonly StackId[];
