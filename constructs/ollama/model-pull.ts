import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ITerraformDependable, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { OLLAMA_IMAGE } from "../../catalog/ollama";
import { checkImage } from "../../grammar/container-image";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkModelReference } from "../../grammar/model-reference";
import { checkWhole, PULL_MINUTES, TIMEOUT_SECONDS_BOUNDS } from "../../grammar/size";
import { checkHttpUrl } from "../../grammar/url";
import { hookJob, hookJobRemoval, scriptsMap } from "../kubernetes/hook-job";
import { recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop, required } from "../props-error";

const TEMPLATES = join(__dirname, "../../templates");
const SCRIPTS = {
  "pull-models.sh": "ollama/pull-models.sh",
  "verify-models.sh": "model-staging/verify-models.sh",
} as const;
/** Where the Job sees the claim. */
const CLAIM_MOUNT = "/ollama";

/** Which Ollama pulls which models. `OllamaRelease.pull` fills in most of it. */
export interface ModelPullProps {
  /** Name of the Helm release, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  /** Namespace of the Ollama that pulls. Changing it replaces the release. */
  readonly namespace: string;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** URL of the Ollama that pulls, inside the cluster. */
  readonly server: string;
  /** Image with Ollama's client. @default the image that the default version of the chart runs */
  readonly image?: string;
  /** Name of the Helm release of the Ollama that pulls, by which its pods are found. */
  readonly release: string;
  /** The claim with the models of that Ollama: the Job reads it, because no answer of the server proves a model. */
  readonly claim: {
    /** Name of the claim. */
    readonly name: string;
    /** With ReadWriteOnce the Job runs on the node of the Ollama, because the volume can be nowhere else. */
    readonly accessMode: "ReadWriteOnce" | "ReadWriteMany";
  };
  /** The models, at least one. With any change of the list the Job runs again. */
  readonly models: readonly string[];
  /** Remove models that are not in the list. @default false */
  readonly removeUnlisted?: boolean;
  /** Taints that the Job tolerates, in Kubernetes' form. @default none */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  /** How many seconds the Job may take. @default 21600: six hours */
  readonly timeoutSeconds?: number;
  /** The stack's local chart. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
  /** The claim that the models are pulled into. After its replacement they are pulled again. @default a replacement is not noticed */
  readonly replacedWith?: TerraformResource;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * A Job that makes a running Ollama pull models. It proves their files by their checksums, and pulls damaged ones again. It fails the deploy
 * if it cannot get a model.
 */
export class ModelPull extends Construct {
  /** The release that holds the Job. */
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: ModelPullProps) {
    super(scope, id);
    const { name, namespace, claim } = props;
    const { timeoutSeconds = PULL_MINUTES * 60, image = OLLAMA_IMAGE } = props;
    checkProps(scope, id, [
      prop("server", props.server, checkHttpUrl),
      prop("image", image, checkImage),
      prop("release", props.release, checkKubernetesName),
      prop("claim.name", claim.name, checkKubernetesName),
      required("models", props.models.length > 0, {
        code: "no-models",
        message: "the list of models is empty",
        remedy: "List at least one.",
      }),
      ...props.models.map((model) => prop("models", model, checkModelReference)),
      prop("timeoutSeconds", timeoutSeconds, checkWhole(TIMEOUT_SECONDS_BOUNDS)),
    ]);
    const labels = { ...recommendedLabels("ollama-pull-models", props.partOf), "app.kubernetes.io/instance": name };
    this.release = new KubernetesObjects(this, "release", {
      name,
      namespace,
      chart: props.objects,
      objects: [
        scriptsMap(
          name,
          namespace,
          labels,
          Object.fromEntries(Object.entries(SCRIPTS).map(([file, path]) => [file, readFileSync(join(TEMPLATES, path), "utf8")])),
        ),
        hookJob({
          name,
          namespace,
          labels,
          image,
          command: ["/bin/sh", "/scripts/pull-models.sh"],
          env: {
            OLLAMA_HOST: props.server,
            // The chart mounts the claim as Ollama's own folder, in which the server makes this one.
            MODELS_DIR: `${CLAIM_MOUNT}/models`,
            MODELS: [...props.models].sort().join(" "),
            REMOVE_UNLISTED: String(props.removeUnlisted ?? false),
            HOME: "/tmp",
          },
          container: {
            volumeMounts: [
              { name: "scripts", mountPath: "/scripts", readOnly: true },
              { name: "claim", mountPath: CLAIM_MOUNT, readOnly: true },
            ],
            resources: { requests: { cpu: "50m", memory: "64Mi" } },
            securityContext: {
              allowPrivilegeEscalation: false,
              runAsNonRoot: true,
              runAsUser: 65_534,
              capabilities: { drop: ["ALL"] },
              seccompProfile: { type: "RuntimeDefault" },
            },
          },
          pod: {
            volumes: [
              { name: "scripts", configMap: { name } },
              { name: "claim", persistentVolumeClaim: { claimName: claim.name } },
            ],
            ...(claim.accessMode === "ReadWriteOnce" && { affinity: besidePodsOf(props.release) }),
            ...(props.tolerations?.length && { tolerations: props.tolerations }),
          },
          backoffLimit: 2,
          deadlineSeconds: timeoutSeconds,
        }),
        hookJobRemoval({ name, namespace, labels, image }),
      ],
      // Helm waits a little longer than the Job runs, because the Job's failure says more than Helm's.
      timeoutSeconds: timeoutSeconds + 60,
      replacedWith: props.replacedWith,
      dependsOn: props.dependsOn,
    });
  }
}

/** Only on a node that runs a pod of the release. */
function besidePodsOf(release: string): Record<string, unknown> {
  return {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          labelSelector: { matchLabels: { "app.kubernetes.io/name": "ollama", "app.kubernetes.io/instance": release } },
          topologyKey: "kubernetes.io/hostname",
        },
      ],
    },
  };
}
