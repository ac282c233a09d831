import { existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { App } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { buildStacks } from "./index";
import { LabSynthesizer, type Written } from "./lab-synthesizer";
import { originOf, publish } from "./publish";
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
  rmSync(next, { recursive: true, force: true });
  makeFolder(next);
  try {
    const stacks = withoutStackTraces(() => {
      const app = new App({ outdir: next, stackTraces: false });
      const synthesizers = buildStacks(app, lab, warnings).map((stack) => {
        const synthesizer = new LabSynthesizer(stack);
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

/** A value of JSON. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The stacks of a lab by their ids, as `synthesize` would write them into `outdir`. Writes nothing. */
export function synthesized(lab: Lab, outdir: string): Record<string, Json> {
  return withoutStackTraces(() => {
    const stacks = buildStacks(new App({ outdir: resolve(outdir), stackTraces: false }), lab, []);
    for (const stack of stacks) {
      stack.prepareStack();
      stack.runAllValidations();
    }
    // as: what JSON.parse returns is Json.
    return Object.fromEntries(stacks.map((stack) => [stack.node.id, JSON.parse(JSON.stringify(stack.toTerraform())) as Json]));
  });
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
