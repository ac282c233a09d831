import type { Fetched } from "../lab/lab";
import { readLab } from "../lab/read";
import { EXIT, type Outcome } from "./command";
import { verdict } from "./print";

function fetchList(rows: readonly Fetched[]): string {
  if (rows.length === 0) return "";
  const lines = rows.map(
    ({ kind, name, host, way }) => `  ${kind.padEnd(8)} ${name} (${host}) ← ${way === "reachable" ? "declared reachable" : way}`,
  );
  return `Production fetches:\n${lines.join("\n")}\n\n`;
}

/** What can be said on the command line about a check. */
export interface CheckOptions {
  /** Take a warning for a failure, and tell what is silent otherwise, because the lab file makes no choice there. @default false */
  readonly strict?: boolean;
}

/** `check`: reads and checks a lab, and writes nothing. */
export function check(file: string, { strict = false }: CheckOptions): Outcome {
  const { lab, problems: told, ofDefaults } = readLab(file);
  const problems = strict ? [...told, ...ofDefaults] : told;
  if (!lab) return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}.` };
  const failed = strict && problems.length > 0;
  return {
    exitCode: failed ? EXIT.refused : EXIT.done,
    lab: file,
    problems,
    result: { name: lab.name, airGapped: lab.airGapped, fetches: lab.fetched },
    text: `${fetchList(lab.fetched)}${file}: ${verdict(problems)}.`,
    notice: failed ? "With --strict a warning is a failure." : "",
  };
}
