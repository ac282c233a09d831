import picocolors from "picocolors";
import { count, formatPath, inReadingOrder, placeOf, type Reported } from "../lab/problem";
import { underCli } from "../stacks/under-cli";
import { type Environment, EXIT, type Outcome } from "./command";

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

/** How text is shown. */
export interface Style {
  /** With the escape codes of a terminal. */
  readonly colours: boolean;
  /** With a line for each problem that GitHub Actions shows beside the lab file in a pull request. */
  readonly annotations: boolean;
  /** With everything on stdout when the command does what it was asked for: cdktf's CLI calls what an app writes to stderr an error. */
  readonly oneStream: boolean;
  /** The answer on stdout, which may go elsewhere than problems: with colours or not, and how many columns a line has. @default columns no terminal */
  readonly answer: { readonly colours: boolean; readonly columns?: number };
}

/** Plain text, as logs and pipes want it. */
export const PLAIN: Style = { colours: false, annotations: false, oneStream: false, answer: { colours: false } };

/**
 * The style for where the text goes. NO_COLOR and FORCE_COLOR decide about colours where they are set (no-color.org, force-color.org);
 * else a terminal has them, and CI has none. GITHUB_ACTIONS is set by GitHub.
 * @param isTerminal whether stderr is a terminal
 * @param columns of the terminal that stdout is. Default: stdout is none
 */
export function styleFor(env: Environment, isTerminal: boolean, columns?: number): Style {
  const colours = (terminal: boolean) =>
    (env["FORCE_COLOR"] ? true : terminal && !env["CI"] && env["TERM"] !== "dumb") && !env["NO_COLOR"];
  return {
    colours: colours(isTerminal),
    annotations: env["GITHUB_ACTIONS"] === "true",
    oneStream: underCli(env),
    answer: { colours: colours(columns !== undefined), ...(columns !== undefined && { columns }) },
  };
}

/** A problem as one line of GitHub's workflow commands, in which these characters have to be escaped. */
function annotation(problem: Reported, file: string): string {
  const { severity, position, code, message, remedy } = problem;
  const escaped = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (text: string) => escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const place = position ? `,line=${position.line},col=${position.column}` : "";
  const level = severity === "unknown" ? "notice" : severity;
  return `::${level} file=${property(file)}${place},title=${property(code)}::${escaped(`${message}\n→ ${remedy}`)}`;
}

/** An outcome for people: the answer on stdout, problems and notices on stderr. */
export function asText(outcome: Outcome, style: Style = PLAIN): Printed {
  const { exitCode, lab = "", preface = "", problems = [], text = "", notice = "" } = outcome;
  const { bold, red, yellow, cyan, dim } = picocolors.createColors(style.colours);
  const colourOf = { error: red, warning: yellow, unknown: cyan } as const;
  const ordered = inReadingOrder(problems);
  const lines = ordered.map((problem) => {
    const { severity, code, message, remedy } = problem;
    const what = `  ${colourOf[severity](`${severity} ${code}`)}: ${message}`;
    return [bold(placeOf(problem, lab)), what, `  ${dim("→")} ${remedy}`].join("\n");
  });
  const annotations = style.annotations ? ordered.map((problem) => annotation(problem, lab)) : [];
  const blocks = [preface, [...lines, ...annotations].join("\n"), notice].filter((part) => part !== "");
  if (style.oneStream && exitCode === EXIT.done) return { stdout: [...blocks, text].join("\n\n"), stderr: "" };
  return { stdout: text, stderr: blocks.join("\n\n") };
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
