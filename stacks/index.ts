import type { App } from "cdktf";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { checkLab } from "../lab/read";
import type { LabInput } from "../lab/schema";
import { ClusterStack } from "./cluster";
import { ContainersStack } from "./containers";
import type { LabStack } from "./lab-stack";

/** Sections of a lab and the stack each belongs to; warnings go where the reader of a plan sees them. */
const STACK_OF_SECTION: Readonly<Record<string, string>> = { containers: "containers", cluster: "cluster" };

/** The stacks of a checked lab, in the order in which they are deployed. */
export function buildStacks(app: App, lab: Lab, warnings: readonly Problem[]): LabStack[] {
  const stacks: LabStack[] = [];
  const about = (id: string) => warnings.filter(({ path }) => (STACK_OF_SECTION[String(path[0])] ?? id) === id);
  if (lab.containers && Object.keys(lab.containers).length > 0) stacks.push(new ContainersStack(app, lab, about("containers")));
  if (lab.cluster) stacks.push(new ClusterStack(app, lab, lab.cluster, about("cluster")));
  return stacks;
}

/**
 * Adds the stacks of a lab that is written in TypeScript to an app.
 * @param options.directory the folder that relative paths in the lab are relative to; by default the one the process runs in
 * @throws LabError naming everything that is wrong with the lab
 */
export function buildLab(app: App, input: LabInput, options: { readonly directory?: string } = {}): LabStack[] {
  const { lab, warnings } = checkLab(input, options.directory ?? process.cwd());
  return buildStacks(app, lab, warnings);
}
