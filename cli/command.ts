import type { Problem, Reported } from "../lab/problem";

/** Variables of the environment; what each means stands where it is read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the program's exit codes mean. Every command uses these; docs/commands.md lists them. */
export const EXIT = {
  /** The command did what it was asked for. */
  done: 0,
  /** The lab has errors, or the command could not do its work. The message says which; nothing was half written. */
  refused: 1,
  /** `diff` alone: a deploy changes something, and destroys nothing. */
  changes: 2,
  /** `diff` alone: a deploy destroys something, be it to make it anew. */
  destroys: 3,
  /** The command line was not understood: an unknown command, option or argument (EX_USAGE of sysexits.h). */
  usage: 64,
  /** What was asked could not be found out: a program or a service that the command needs is not there (EX_UNAVAILABLE of sysexits.h). */
  unavailable: 69,
  /** A defect of this program (EX_SOFTWARE of sysexits.h). */
  defect: 70,
} as const;

/** What a command came to. Data: `print.ts` turns it into text for people, or into JSON. */
export interface Outcome {
  readonly exitCode: number;
  /** The lab file that the command read. */
  readonly lab?: string;
  /** What the person has to know before everything else, in one line; on stderr. @default "" */
  readonly preface?: string;
  /** Everything there is to say about that lab. @default none */
  readonly problems?: readonly (Problem | Reported)[];
  /** The command's own answer, for `--json`. @default null */
  readonly result?: unknown;
  /** The command's own answer, for people; on stdout. @default "" */
  readonly text?: string;
  /** What the person has to know besides, such as why the command could not do its work; on stderr. @default "" */
  readonly notice?: string;
}

/** Thrown by a command that cannot do its work. The message says why, and what to do. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Ends a command that cannot do its work. @throws Refusal */
export function refuse(message: string): never {
  throw new Refusal(message);
}
