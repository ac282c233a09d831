import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { checkImage } from "../../grammar/container-image";
import { checkLabelValue } from "../../grammar/kubernetes-node";
import { checkModelReference } from "../../grammar/model-reference";
import { checkStagedRelease } from "../../grammar/staged-release";
import { scriptsMap } from "../kubernetes/hook-job";
import { recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop } from "../props-error";
import type { StagedModels } from "./ollama-release";
import { type ModelShare, releaseFolder, releaseRecord, SHARE_MOUNT, shareChecks, shareVolume } from "./shared-models";

const TEMPLATES = join(__dirname, "../../templates");
const SCRIPTS = {
  "verify-models.sh": "model-staging/verify-models.sh",
  "models-present.sh": "ollama/models-present.sh",
} as const;
/** models-present.sh asks twice, and each question takes 3 s at most. */
const PROBE_TIMEOUT_SECONDS = 8;

/** Hides the GPUs from containers that only look at files. The image makes every GPU of the node visible. */
const NO_GPU = { NVIDIA_VISIBLE_DEVICES: "void" } as const;

/** Which staged models a release mounts, and from where. */
export interface StagedModelsProps {
  /** Name of the Helm release with the scripts, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  /** Namespace of the Ollama that mounts the models. Changing it replaces the release. */
  readonly namespace: string;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** The share with the release. */
  readonly share: ModelShare;
  /** Id of the release on the share. Changing it starts the pods again with the models of the other release. */
  readonly releaseId: string;
  /** The models that must be in the release. */
  readonly models: readonly string[];
  /** Image with Ollama's client. */
  readonly image: string;
  /** The stack's local chart. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * Models of a staged release, for an Ollama that may reach no registry. They are mounted read-only and checked before Ollama starts. The pod
 * is ready only while each model is listed and its files exist. Ollama itself would be ready with an empty folder, too.
 */
export class StagedModelsMount extends Construct {
  /** The scripts that prove the models, in the cluster. A release that mounts the models depends on it. */
  readonly scripts: KubernetesObjects;
  /** For `OllamaRelease`. */
  readonly models: StagedModels;

  constructor(scope: Construct, id: string, props: StagedModelsProps) {
    super(scope, id);
    const { name, namespace, image } = props;
    checkProps(scope, id, [
      ...shareChecks(props.share),
      prop("partOf", props.partOf, checkLabelValue),
      prop("releaseId", props.releaseId, checkStagedRelease),
      prop("image", image, checkImage),
      ...props.models.map((model) => prop("models", model, checkModelReference)),
    ]);
    const labels = { ...recommendedLabels("ollama-models", props.partOf), "app.kubernetes.io/instance": name };
    const scripts = Object.entries(SCRIPTS).map(([file, path]) => [file, readFileSync(join(TEMPLATES, path), "utf8")]);
    this.scripts = new KubernetesObjects(this, "scripts", {
      name,
      namespace,
      chart: props.objects,
      objects: [scriptsMap(name, namespace, labels, Object.fromEntries(scripts))],
      dependsOn: props.dependsOn,
    });
    const modelsPath = releaseFolder(props.releaseId);
    const record = releaseRecord(props.releaseId);
    const env = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ name: key, value }));
    const models = [...props.models].sort().join(" ");
    const mounts = [
      { name: "models", mountPath: SHARE_MOUNT, readOnly: true },
      { name: "scripts", mountPath: "/scripts", readOnly: true },
    ];
    const small = { requests: { cpu: "10m", memory: "32Mi" } };
    this.models = {
      volume: shareVolume(props.share, true),
      mountPath: SHARE_MOUNT,
      modelsPath,
      volumes: [{ name: "scripts", configMap: { name } }],
      initContainers: [
        {
          // Manifests are checked by their checksums. The blobs were proved when the release was published, and to read all of them again would
          // take minutes at every start: their sizes are compared, and only those that were written since are read.
          name: "verify-models",
          image,
          command: ["/bin/sh", "/scripts/verify-models.sh"],
          env: env({ MODELS_DIR: modelsPath, MODELS: models, VERIFY: "changed", RECORD: record, ...NO_GPU }),
          volumeMounts: mounts,
          resources: small,
        },
        {
          // A sidecar, because the chart's only readiness probe is "GET /". The pod is ready when all its containers are.
          name: "models-present",
          image,
          restartPolicy: "Always",
          command: ["sleep", "infinity"],
          env: env({
            MODELS_DIR: modelsPath,
            MODELS: models,
            RECORD: record,
            OLLAMA_HOST: `127.0.0.1:${OLLAMA_PORT}`,
            HOME: "/tmp",
            ...NO_GPU,
          }),
          readinessProbe: {
            exec: { command: ["/bin/sh", "/scripts/models-present.sh"] },
            periodSeconds: 10,
            timeoutSeconds: PROBE_TIMEOUT_SECONDS,
            failureThreshold: 3,
          },
          volumeMounts: mounts,
          resources: small,
        },
      ],
    };
  }
}
