import type { App } from "cdktf";
import { hasPlatform, type Lab } from "../lab/lab";
import { type Problem, report, STACK_IDS, type StackId } from "../lab/problem";
import { checkLab } from "../lab/read";
import type { LabInput } from "../lab/schema";
import { ClusterStack } from "./cluster";
import { containersStacks } from "./containers";
import type { LabStack } from "./lab-stack";
import { ModelStagingStack } from "./model-staging";
import { OllamaStack } from "./ollama";
import { PlatformStack } from "./platform";

/** The stacks that a lab has, in the order in which they are deployed. */
function stacksIn(lab: Lab): StackId[] {
  const has: Readonly<Record<StackId, boolean>> = {
    containers: Object.keys(lab.containers ?? {}).length > 0,
    cluster: lab.cluster !== undefined,
    platform: hasPlatform(lab),
    "model-staging": lab.modelStaging !== undefined,
    ollama: lab.ollama !== undefined,
  };
  return STACK_IDS.filter((id) => has[id]);
}

/** The stack whose annotation a warning becomes: the first of those that it concerns. `undefined` where the lab has none of them. */
function stackOf(warning: Problem, present: readonly StackId[]): StackId | undefined {
  return present.find((id) => warning.stacks.includes(id));
}

/** The warnings that are no annotation, because the lab has none of the stacks that they concern. */
export function unannotated<P extends Problem>(lab: Lab, warnings: readonly P[]): P[] {
  const present = stacksIn(lab);
  return warnings.filter((warning) => stackOf(warning, present) === undefined);
}

/** The stacks of a checked lab, in the order in which they are deployed. Each warning becomes one annotation, of the first stack that it concerns. */
export function buildStacks(app: App, lab: Lab, warnings: readonly Problem[]): LabStack[] {
  const stacks: LabStack[] = [];
  const present = stacksIn(lab);
  const about = (id: StackId) => warnings.filter((warning) => stackOf(warning, present) === id);
  if (lab.containers) stacks.push(...containersStacks(app, lab, about("containers")));
  const cluster = lab.cluster && new ClusterStack(app, lab, lab.cluster, about("cluster"));
  const platform = hasPlatform(lab) ? new PlatformStack(app, lab, about("platform")) : undefined;
  const staging = lab.modelStaging && new ModelStagingStack(app, lab, lab.modelStaging, about("model-staging"));
  const ollama = lab.ollama && new OllamaStack(app, lab, lab.ollama, about("ollama"));
  // Only the order is set. No stack reads another's state, so a pipeline can plan and apply each stack by itself.
  if (cluster) for (const stack of [platform, ollama]) stack?.addDependency(cluster);
  if (platform) ollama?.addDependency(platform);
  if (staging) ollama?.addDependency(staging);
  stacks.push(...[cluster, platform, staging, ollama].filter((stack) => stack !== undefined));
  return stacks;
}

/**
 * Adds the stacks of a lab that is written in TypeScript to an app.
 * @param options.directory the folder that relative paths in the lab are relative to; by default the one the process runs in
 * @throws LabError naming everything that is wrong with the lab
 */
export function buildLab(app: App, input: LabInput, options: { readonly directory?: string } = {}): LabStack[] {
  const { lab, warnings } = checkLab(input, options.directory ?? process.cwd());
  const stacks = buildStacks(app, lab, warnings);
  // cdktf prints annotations, so only a warning without a stack would be lost.
  const unseen = unannotated(lab, warnings);
  if (unseen.length > 0) console.warn(report(unseen, "lab"));
  return stacks;
}
