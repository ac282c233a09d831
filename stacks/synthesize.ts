import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { App } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { buildStacks } from "./index";

export { stateFolders } from "./state";

import { originOf, publish } from "./publish";

/** What was written for one stack. */
export interface StackSummary {
  readonly id: string;
  /** The stack's folder, where Terraform runs. */
  readonly folder: string;
  /** How many resources of each type. */
  readonly resources: Readonly<Record<string, number>>;
  readonly outputs: readonly string[];
  /** The variables that have no default, and so have to be given. */
  readonly variables: readonly string[];
}

/**
 * Synthesizes a lab into `outdir`. Everything is written beside it first and moved there when it is whole, so that a failure
 * leaves an earlier output as it was. What Terraform keeps in a stack's folder (`.terraform`, its lock file) stays while the lab is the same.
 */
export function synthesize(lab: Lab, warnings: readonly Problem[], outdir: string): StackSummary[] {
  const target = resolve(outdir);
  // A sibling, so that the paths relative to it are those relative to the target.
  const next = join(dirname(target), `.${basename(target)}.${process.pid}`);
  mkdirSync(next, { recursive: true });
  try {
    const ids = withoutStackTraces(() => {
      const app = new App({ outdir: next, stackTraces: false });
      const stacks = buildStacks(app, lab, warnings);
      app.synth();
      return stacks.map((stack) => stack.node.id);
    });
    publish(next, target, originOf(lab, target), underCli());
    return ids.map((id) => summarize(id, join(outdir, "stacks", id)));
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

/**
 * cdktf takes the stack trace of every construct and token, whatever Error.stackTraceLimit and `stackTraces: false` say. Writing them out
 * costs half of the time, and nobody reads them. An error that is thrown gets its trace when it is read, which is afterwards.
 */
export function withoutStackTraces<T>(work: () => T): T {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => "";
  try {
    return work();
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** Whether cdktf's CLI, or cdktn's, runs this process: both hand it the context of cdktf.json. */
function underCli(): boolean {
  return process.env["CDKTF_CONTEXT_JSON"] !== undefined;
}

function summarize(id: string, folder: string): StackSummary {
  const file = join(folder, "cdk.tf.json");
  if (!existsSync(file)) throw new Error(`${file} was not written`);
  // as: cdktf has just written this file, and Terraform's JSON has these sections.
  const json = JSON.parse(readFileSync(file, "utf8")) as {
    resource?: Record<string, object>;
    output?: Record<string, unknown>;
    variable?: Record<string, object>;
  };
  const resources = Object.entries(json.resource ?? {}).map(([type, items]) => [type, Object.keys(items).length] as const);
  const variables = Object.entries(json.variable ?? {}).filter(([, variable]) => !("default" in variable));
  return {
    id,
    folder,
    resources: Object.fromEntries(resources),
    outputs: Object.keys(json.output ?? {}),
    variables: variables.map(([name]) => name),
  };
}
