import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { App } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { ContainersStack } from "./containers";
import { buildStacks } from "./index";
import type { JsonObject } from "./json-file";
import { LabSynthesizer, type Written } from "./lab-synthesizer";
import { originOf, publish } from "./publish";
import { OUTPUT_CONTEXT } from "./stack-folder";
import { underCli } from "./under-cli";

/** What was written for one stack. */
export interface StackSummary extends Written {
  readonly id: string;
  /** The stack's folder, where Terraform runs. */
  readonly folder: string;
}

/**
 * Synthesizes a lab into `outdir`. Everything is written beside it first and moved there when it is whole, so that a failure
 * leaves an earlier output as it was. What Terraform keeps in a stack's folder (`.terraform`, its lock file) stays while the lab is the same.
 */
export function synthesize(lab: Lab, warnings: readonly Problem[], outdir: string): StackSummary[] {
  const target = resolve(outdir);
  // A sibling, so that the paths relative to it are those relative to the target.
  const next = join(dirname(target), `.${basename(target)}.${process.pid}`);
  if (existsSync(next)) rmSync(next, { recursive: true });
  makeFolder(next);
  try {
    const stacks = withoutStackTraces(() => {
      const app = new App({ outdir: next, stackTraces: false });
      const synthesizers = buildStacks(app, lab, warnings).map((stack) => {
        const synthesizer = new LabSynthesizer(stack, stack instanceof ContainersStack && lab.state.split === "node");
        stack.synthesizer = synthesizer;
        return { id: stack.node.id, synthesizer };
      });
      app.synth();
      return synthesizers;
    });
    publish(next, target, originOf(lab, target), underCli(process.env));
    return stacks.map(({ id, synthesizer }) => ({ id, folder: join(outdir, "stacks", id), ...synthesizer.written }));
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

/** Makes a folder and those around it. One by one: where a file system takes no folder, as /proc does, Node's own way never ends. */
function makeFolder(folder: string): void {
  const around = dirname(folder);
  if (!existsSync(around)) makeFolder(around);
  mkdirSync(folder);
}

/** The stacks of a lab by their ids: the JSON that `synthesize` would write into `outdir`. Leaves `outdir` as it is. */
export function synthesized(lab: Lab, outdir: string): Record<string, JsonObject> {
  // An app makes its folder when it is made.
  const scratch = mkdtempSync(join(tmpdir(), "ollama-lab-"));
  try {
    return withoutStackTraces(() => {
      const app = new App({ outdir: scratch, stackTraces: false, context: { [OUTPUT_CONTEXT]: resolve(outdir) } });
      const stacks = buildStacks(app, lab, []);
      for (const stack of stacks) stack.runAllValidations();
      return Object.fromEntries(stacks.map((stack) => [stack.node.id, new LabSynthesizer(stack).whole()]));
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * cdktf takes the stack trace of every construct and token, whatever Error.stackTraceLimit and `stackTraces: false` say. That costs a third of
 * the time, and nobody reads them. An error that is thrown has its stack all the same.
 */
export function withoutStackTraces<T>(work: () => T): T {
  const { captureStackTrace } = Error;
  Error.captureStackTrace = () => {};
  try {
    return work();
  } finally {
    Error.captureStackTrace = captureStackTrace;
  }
}
