import { count, formatPath, type Reported, report } from "../lab/problem";
import type { Outcome } from "./command";

/** The version of the shape that `--json` prints. It changes when a key changes its meaning or goes away. */
export const JSON_VERSION = 1;

/** "0 errors, 3 warnings": how many problems there are of each kind. */
export function verdict(problems: readonly Reported[]): string {
  const number = (wanted: Reported["severity"]) => problems.filter(({ severity }) => severity === wanted).length;
  const unknown = number("unknown");
  return `${count(number("error"), "error")}, ${count(number("warning"), "warning")}${unknown > 0 ? `, ${unknown} unknown` : ""}`;
}

/** An outcome as the text of both streams. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** An outcome for people: the answer on stdout, problems and notices on stderr. */
export function asText({ lab = "", problems = [], text = "", notice = "" }: Outcome): Printed {
  const said = [problems.length > 0 ? `${report(problems, lab)}\n` : "", notice].filter((part) => part !== "");
  return { stdout: text, stderr: said.join("\n") };
}

/** An outcome for programs: one JSON document, alone on stdout. Every command prints this shape. */
export function asJson(command: string, { lab, problems = [], result = null, notice, exitCode }: Outcome): Printed {
  const document = {
    version: JSON_VERSION,
    command,
    lab: lab ?? null,
    problems: problems.map(({ code, severity, path, position, message, remedy, ...rest }) => ({
      code,
      severity,
      path: formatPath(path),
      line: position?.line ?? null,
      column: position?.column ?? null,
      message,
      remedy,
      stacks: "stacks" in rest ? rest.stacks : [],
    })),
    // Why a command could not do its work is no problem of the lab, so it has a place of its own.
    ...(exitCode !== 0 && notice && { error: notice }),
    result,
  };
  return { stdout: JSON.stringify(document, undefined, 2), stderr: "" };
}
