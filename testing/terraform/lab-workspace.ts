// A lab under the replay: synthesized as `synth` does it, with its assets and its relative paths.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { synthesize } from "../../stacks/synthesize";
import { runFolder } from "../provider-replay/client";
import type { Surroundings } from "./stack-run";
import { Workspace, type WorkspaceOptions } from "./workspace";

/** Synthesizes a lab into a folder of its own. Returns the path of its `cdktf.out`. */
export function output(input: LabInput): string {
  const folder = mkdtempSync(join(runFolder(), "lab-"));
  const { lab, warnings } = checkLab(input, folder);
  const outdir = join(folder, "cdktf.out");
  synthesize(lab, warnings, outdir);
  return outdir;
}

/** A workspace with the stacks of a lab. Runs nothing yet. */
export function openLab(input: LabInput, options: WorkspaceOptions = {}): Promise<Workspace> {
  return Workspace.open(output(input), options);
}

/** Day two: an edited lab is synthesized. States and guests stay. */
export function editLab(workspace: Surroundings, input: LabInput): void {
  workspace.become(output(input));
}
