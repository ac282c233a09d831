import { artifactsOf, wayOf } from "../lab/artifacts";
import type { Lab } from "../lab/lab";
import { readLab } from "../lab/read";
import { EXIT, type Outcome } from "./command";
import { verdict } from "./print";

/** Something that production of an air-gapped lab fetches, and how it gets there. */
interface Fetched {
  readonly kind: string;
  readonly name: string;
  readonly host: string;
  /** The mirror or share that it comes from, or `reachable`. */
  readonly way: string;
}

/** Everything that production fetches, in an air-gapped lab; elsewhere it fetches what it likes. */
function fetchedBy(lab: Lab): Fetched[] {
  if (!lab.airGapped) return [];
  const rows = [...artifactsOf(lab)].map((artifact) => ({
    kind: artifact.kind,
    name: artifact.name,
    host: artifact.host,
    way: wayOf(artifact, lab) ?? "nothing",
  }));
  const unique = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return [...unique.values()];
}

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
  const fetches = fetchedBy(lab);
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result: { name: lab.name, airGapped: lab.airGapped, fetches },
    text: `${fetchList(fetches)}${file}: ${verdict(problems)}.`,
  };
}
