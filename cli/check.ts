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

/** `check`: reads and checks a lab, and writes nothing. */
export function check(file: string): Outcome {
  const { lab, problems } = readLab(file);
  if (!lab) return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}.` };
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result: { name: lab.name, airGapped: lab.airGapped, fetches: lab.fetched },
    text: `${fetchList(lab.fetched)}${file}: ${verdict(problems)}.`,
  };
}
