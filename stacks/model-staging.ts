import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { ObjectsChart } from "../constructs/kubernetes/objects";
import { ModelStaging } from "../constructs/ollama/model-staging";
import type { ModelShare } from "../constructs/ollama/shared-models";
import type { ModelStagingPlan } from "../lab/air-gap";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { clusterAccess } from "./kubernetes";
import { LabStack } from "./lab-stack";

/** The share that staging writes to and production reads from. */
export function modelShare({ ollamaNfsPath, ollamaNfsServer }: Lab): ModelShare {
  // The rule sharedPath refuses an air-gapped lab without a path.
  return { path: ollamaNfsPath as string, server: ollamaNfsServer };
}

/** Stack `model-staging`: on the cluster that can reach the model registry, the Job that puts the models on the share. */
export class ModelStagingStack extends LabStack {
  readonly staging: ModelStaging;

  constructor(scope: Construct, lab: Lab, plan: ModelStagingPlan, warnings: readonly Problem[]) {
    super(scope, "model-staging", lab, warnings);
    clusterAccess(this, lab, lab.staging.kubeconfig);
    const { keep, fileSystems, timeoutMinutes } = lab.staging;
    this.staging = new ModelStaging(this, "staging", {
      partOf: lab.name,
      share: modelShare(lab),
      releaseId: plan.id,
      models: plan.models,
      image: plan.image,
      keep,
      pinned: lab.ollama?.release,
      fileSystems,
      timeoutSeconds: timeoutMinutes * 60,
      objects: new ObjectsChart(this),
    });
    new TerraformOutput(this, "release", { value: plan.id, description: "The release that this stack puts on the share." });
    new TerraformOutput(this, "log_command", {
      value: "kubectl -n ollama-staging logs job/ollama-download-models",
      description: "What staging said; the Job is kept for an hour.",
    });
  }
}
