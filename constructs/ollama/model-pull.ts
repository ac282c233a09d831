import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ITerraformDependable, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { checkModelReference } from "../../grammar/model-reference";
import { hookJob, scriptsMap } from "../kubernetes/hook-job";
import { recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop } from "../props-error";

const TEMPLATES = join(__dirname, "../../templates");
const SCRIPTS = {
  "pull-models.sh": "ollama/pull-models.sh",
  "verify-models.sh": "model-staging/verify-models.sh",
} as const;
/** Where the Job sees the claim. */
const CLAIM_MOUNT = "/ollama";

export interface ModelPullProps {
  /** Name of the Helm release, and of the resource in Terraform. */
  readonly name: string;
  readonly namespace: string;
  readonly partOf: string;
  /** URL of the Ollama that pulls, inside the cluster. */
  readonly server: string;
  /** Image with Ollama's client. */
  readonly image: string;
  /** Name of the Helm release of the Ollama that pulls, by which its pods are found. */
  readonly release: string;
  /** The claim with the models of that Ollama: the Job reads it, because no answer of the server proves a model. */
  readonly claim: {
    readonly name: string;
    /** With ReadWriteOnce the Job runs on the node of the Ollama, because the volume can be nowhere else. */
    readonly accessMode: "ReadWriteOnce" | "ReadWriteMany";
  };
  /** Any change of the list makes it run again. */
  readonly models: readonly string[];
  /** Remove models that are not in the list. @default false */
  readonly removeUnlisted?: boolean;
  /** Taints that the Job tolerates, in Kubernetes' form. @default none */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  readonly timeoutSeconds: number;
  readonly objects: ObjectsChart;
  /** What the models are pulled into: when that is replaced, they are pulled again. @default nothing that is known here */
  readonly replacedWith?: TerraformResource;
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * A Job that makes a running Ollama pull models, proves their files by their checksums, pulls anew what is damaged, and fails the deploy
 * when a model cannot be had.
 */
export class ModelPull extends Construct {
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: ModelPullProps) {
    super(scope, id);
    const { name, namespace, claim } = props;
    checkProps(
      scope,
      id,
      props.models.map((model) => prop("models", model, checkModelReference)),
    );
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
          image: props.image,
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
          deadlineSeconds: props.timeoutSeconds,
        }),
      ],
      // A little longer than the Job's own, whose failure says more than that time is up.
      timeoutSeconds: props.timeoutSeconds + 60,
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
