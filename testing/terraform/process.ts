// One run of the real terraform, and what it said. It is asynchronous, so other tests go on while one waits for terraform.
import { spawn } from "node:child_process";
import { basename } from "node:path";

/** One of Terraform's own messages. */
export interface Diagnostic {
  severity: "error" | "warning";
  summary: string;
  detail: string;
  /** Such as `null_resource.a`, where Terraform names one. */
  address?: string;
  /** Where in the configuration, such as `cdk.tf.json:23: resource.null_resource.a`, where Terraform names it. */
  place?: string;
}

/** How a run of terraform ended. */
export interface Run {
  /** The words after `terraform`. */
  command: string;
  succeeded: boolean;
  /** Errors and warnings, in Terraform's words. */
  diagnostics: Diagnostic[];
  /** What was printed. If diagnostics came as data, they are not in it. */
  text: string;
}

/** A line of `terraform COMMAND -json`, as far as it is read here. */
export interface Message {
  type?: string;
  "@message"?: string;
  diagnostic?: RawDiagnostic;
  change?: { resource: { addr: string }; action: string };
  outputs?: Record<string, { action?: string }>;
}

/** A diagnostic as Terraform writes it in JSON. */
export interface RawDiagnostic {
  severity: "error" | "warning";
  summary: string;
  detail?: string;
  address?: string;
  range?: { filename: string; start: { line: number } };
  snippet?: { context?: string | null };
}

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** The program that tests run. `TERRAFORM_BINARY` may name another, such as OpenTofu's, as a path or by its name on PATH. */
export function terraformBinary(): string {
  return process.env["TERRAFORM_BINARY"] || "terraform";
}

/** Whether that program is OpenTofu. */
export function isOpenTofu(): boolean {
  return basename(terraformBinary()).startsWith("tofu");
}

/** Runs `terraform ARGS` in `cwd` with exactly this environment, to its end. */
export function runTerraform(args: readonly string[], cwd: string, env: Record<string, string>): Promise<Finished> {
  return new Promise((done, failed) => {
    const child = spawn(terraformBinary(), args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", failed);
    child.on("close", (status) =>
      done({ status, stdout: Buffer.concat(stdout).toString("utf8"), stderr: Buffer.concat(stderr).toString("utf8") }),
    );
  });
}

/** The lines of a `-json` run. */
export function messagesOf(stdout: string): Message[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith('{"@level"'))
    .map((line) => JSON.parse(line) as Message);
}

export function diagnosticOf({ severity, summary, detail = "", address, range, snippet }: RawDiagnostic): Diagnostic {
  const place = range && [`${range.filename}:${range.start.line}`, snippet?.context].filter(Boolean).join(": ");
  return { severity, summary, detail, ...(address && { address }), ...(place && { place }) };
}

/** The messages of a run, without its diagnostics. */
export function textOf(messages: Message[], stderr: string): string {
  return [...messages.filter(({ type }) => type !== "diagnostic").map((message) => message["@message"]), stderr]
    .join("\n")
    .trim();
}

/** A run as a failing test shows it: Terraform's diagnostics, or all that it printed if it gave none. */
export function describeRun(run: Run): string {
  const diagnostics = run.diagnostics.map(({ severity, summary, detail, address, place }) =>
    [`${severity}: ${summary}`, address && `  with ${address}`, place && `  at ${place}`, detail.replaceAll(/^/gm, "  ")]
      .filter(Boolean)
      .join("\n"),
  );
  return [
    `terraform ${run.command}: ${run.succeeded ? "succeeded" : "failed"}`,
    ...(diagnostics.length > 0 ? diagnostics : [run.text]),
  ].join("\n");
}
