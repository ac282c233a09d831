import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { ObjectsChart } from "../constructs/kubernetes/objects";
import { ModelStaging } from "../constructs/ollama/model-staging";
import type { Lab, ModelStaging as StagingSpec } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { clusterAccess } from "./kubernetes";
import { LabStack } from "./lab-stack";

/** Stack `model-staging`: on the cluster that can reach the model registry, the Job that puts the models on the share. */
export class ModelStagingStack extends LabStack {
  /** What stages the models. */
  readonly staging: ModelStaging;

  constructor(scope: Construct, lab: Lab, spec: StagingSpec, warnings: readonly Problem[]) {
    super(scope, "model-staging", lab, warnings);
    clusterAccess(this, lab, spec.kubeconfig);
    this.staging = new ModelStaging(this, "staging", {
      partOf: lab.name,
      share: spec.share,
      releaseId: spec.id,
      models: spec.models,
      image: spec.image,
      keep: spec.keep,
      pinned: spec.pinned,
      fileSystems: spec.fileSystems,
      timeoutSeconds: spec.timeoutMinutes * 60,
      objects: new ObjectsChart(this),
    });
    new TerraformOutput(this, "release", { value: spec.id, description: "The release that this stack puts on the share." });
    new TerraformOutput(this, "log_command", {
      value: "kubectl -n ollama-staging logs job/ollama-download-models",
      description: "What staging said; the Job is kept for an hour.",
    });
  }
}
