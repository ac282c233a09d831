import { DataKubernetesPersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-persistent-volume-claim-v1";
import { PersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/persistent-volume-claim-v1";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { GPU_RUNTIME_CLASS, GPU_SELECTOR, GPU_TOLERATION } from "../../catalog/nvidia";
import { OLLAMA_CHART, OLLAMA_PORT } from "../../catalog/ollama";
import { checkImage } from "../../grammar/container-image";
import { checkKubernetesName, checkServiceName } from "../../grammar/kubernetes-name";
import { checkLabelValue, checkSelectedLabel } from "../../grammar/kubernetes-node";
import { checkOllamaSetting, checkOllamaVariable } from "../../grammar/ollama-variable";
import { checkCpu, checkMemory } from "../../grammar/quantity";
import { CLAIM_GI, CLAIM_GI_BOUNDS, checkWhole, POD_GPUS_BOUNDS, RELEASE_MINUTES, REPLICAS_BOUNDS } from "../../grammar/size";
import { type ChartChoice, HelmChart } from "../kubernetes/helm-chart";
import { recommendedLabels } from "../kubernetes/namespace";
import { checkProps, prop, required } from "../props-error";
import { terraformName } from "../terraform-text";
import { ModelPull, type ModelPullProps } from "./model-pull";

/** The access mode of a claim where nobody says another: one node can mount it. */
export const DEFAULT_ACCESS_MODE = "ReadWriteOnce";

/** A claim for the models. It is apart from the release, because the chart would delete its own claim with the release. */
export interface ModelClaim {
  /** StorageClass of the volume. Changing it replaces the claim, and the models are lost. */
  readonly storageClass: string;
  /** Size in Gi, 1 to 65536. Few provisioners enlarge a volume later. A smaller size would replace the claim, so the plan refuses it. @default 50 */
  readonly sizeGi?: number;
  /**
   * ReadWriteMany lets pods on several nodes mount it. Changing it replaces the claim, and the models are lost. Where the prop is absent, a
   * claim of another mode that exists is not replaced, because the plan refuses that. @default ReadWriteOnce
   */
  readonly accessMode?: "ReadWriteOnce" | "ReadWriteMany";
  /** Refuse to destroy the claim, and the models with it. @default true */
  readonly protect?: boolean;
}

/** Models that were staged elsewhere, mounted read-only. */
export interface StagedModels {
  /** A volume in Kubernetes' form, such as `{ nfs: … }`. */
  readonly volume: Readonly<Record<string, unknown>>;
  /** Where it is mounted. */
  readonly mountPath: string;
  /** The folder with `blobs` and `manifests` in it, below the mount. */
  readonly modelsPath: string;
  /** Further containers of the pod that make it ready only when the models are there, in Kubernetes' form. */
  readonly initContainers: readonly Readonly<Record<string, unknown>>[];
  /** Further volumes that those need. */
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

/** CPU and memory, in Kubernetes' form. */
export interface Amounts {
  /** Cores, such as `2`, or thousandths of one, such as `500m`. @default none */
  readonly cpu?: string;
  /** Bytes with a unit, such as `4Gi`. @default none */
  readonly memory?: string;
}

/** One Ollama on Kubernetes. */
export interface OllamaReleaseProps extends ChartChoice {
  /** Name of the Helm release, the Service, the claim, and the resources in Terraform. Changing it replaces all of them. */
  readonly name: string;
  /** Namespace. Changing it replaces the release and the claim. */
  readonly namespace: string;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** Where the models are. */
  readonly models:
    | {
        /** On a claim, which is made here. */
        readonly claim: ModelClaim;
      }
    | {
        /** On a share, to which they were staged. */
        readonly staged: StagedModels;
      };
  /** How many pods, 0 to 100. Each loads its models itself. Several need a claim with ReadWriteMany. @default 1 */
  readonly replicas?: number;
  /** How many GPUs each pod gets, 0 to 16. With 0 it runs on the CPU. @default 0 */
  readonly gpus?: number;
  /** What a pod is guaranteed, and what it may take. The limit of GPUs follows from `gpus`. @default requests of 500m CPU and 2Gi memory */
  readonly resources?: {
    /** What a pod is guaranteed. @default nothing */
    readonly requests?: Amounts;
    /** What a pod may take. @default all that its node has */
    readonly limits?: Amounts;
  };
  /** Labels of the nodes that it may run on, besides `gpuNodeSelector`. @default none */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Labels of the nodes with GPUs, for a release with GPUs. @default nvidia.com/gpu.present=true */
  readonly gpuNodeSelector?: Readonly<Record<string, string>>;
  /** Taints that it tolerates, in Kubernetes' form. The chart adds that of GPU nodes. @default none */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  /** Variables of Ollama, such as OLLAMA_KEEP_ALIVE. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** Image of Ollama, with an exact tag or a digest. @default the chart's */
  readonly image?: string;
  /** How many seconds Helm waits for the pods. The image has several GB. @default 1200: 20 minutes */
  readonly timeoutSeconds?: number;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/** Repository and tag of an image. The chart writes them with a colon between, so `@sha256` of a digest belongs to the repository. */
function imageValues(image: string): Record<string, unknown> {
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

/** Ollama on Kubernetes, by the chart of otwld, with its models apart from the release. */
export class OllamaRelease extends Construct {
  /** The claim with the models. Absent when the models are staged. */
  readonly claim?: PersistentVolumeClaimV1;
  /** The release itself. */
  readonly chart: HelmChart;
  /** URL inside the cluster. */
  readonly url: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: OllamaReleaseProps,
  ) {
    super(scope, id);
    const { name, namespace, models, replicas = 1, gpus = 0 } = props;
    const { resources = { requests: { cpu: "500m", memory: "2Gi" } }, tolerations = [] } = props;
    const { requests = {}, limits = {} } = resources;
    const claim = "claim" in models ? models.claim : undefined;
    checkProps(scope, id, [
      prop("name", name, checkServiceName),
      prop("partOf", props.partOf, checkLabelValue),
      prop("models.claim.storageClass", claim?.storageClass, checkKubernetesName),
      prop("models.claim.sizeGi", claim?.sizeGi, checkWhole(CLAIM_GI_BOUNDS)),
      required("models.claim.accessMode", replicas < 2 || claim === undefined || claim.accessMode === "ReadWriteMany", {
        code: "replicas-read-write-once",
        message: `${replicas} replicas share one claim, but only one node can mount it with ReadWriteOnce`,
        remedy: "Set ReadWriteMany, or have one replica.",
      }),
      prop("replicas", replicas, checkWhole(REPLICAS_BOUNDS)),
      prop("gpus", gpus, checkWhole(POD_GPUS_BOUNDS)),
      prop("image", props.image, checkImage),
      ...[requests, limits].flatMap(({ cpu, memory }) => [
        prop("resources.cpu", cpu, checkCpu),
        prop("resources.memory", memory, checkMemory),
      ]),
      ...Object.entries({ ...props.nodeSelector, ...props.gpuNodeSelector }).map(([key, value]) =>
        prop("nodeSelector", `${key}=${value}`, checkSelectedLabel),
      ),
      ...Object.keys(props.environment ?? {}).map((variable) => prop("environment", variable, checkOllamaVariable)),
      ...Object.entries(props.environment ?? {}).map(([name, value]) => prop("environment", value, checkOllamaSetting(name))),
    ]);
    if (claim) this.claim = this.claimOf(props, claim);
    const staged = "staged" in models ? models.staged : undefined;
    const environment = {
      // When it starts, a server removes files that no manifest names. In a shared folder these can be the downloads of another server.
      ...((replicas > 1 || staged) && { OLLAMA_NOPRUNE: "1" }),
      // The image makes every GPU of the node visible. Where NVIDIA's runtime is the default one, a pod without a GPU would see them all.
      ...(gpus === 0 && { NVIDIA_VISIBLE_DEVICES: "void" }),
      ...(staged && { OLLAMA_MODELS: staged.modelsPath, OLLAMA_NO_CLOUD: "1", HOME: "/root" }),
      ...props.environment,
    };
    const nodeSelector = { ...(gpus > 0 && (props.gpuNodeSelector ?? GPU_SELECTOR)), ...props.nodeSelector };
    this.chart = new HelmChart(this, "chart", {
      name,
      namespace,
      chart: OLLAMA_CHART.name,
      source: props.source,
      version: props.version,
      values: {
        fullnameOverride: name,
        replicaCount: replicas,
        // In a rolling update the new pod would wait for the GPU or the volume of the old one.
        updateStrategy: { type: "Recreate" },
        ...(props.image && { image: imageValues(props.image) }),
        service: { type: "ClusterIP", port: OLLAMA_PORT },
        ollama: {
          port: OLLAMA_PORT,
          gpu: gpus > 0 ? { enabled: true, type: "nvidia", number: gpus } : { enabled: false },
          // A Job pulls them after the release. The chart's own pull hides failures and keeps pods from ending.
          models: { pull: [], run: [], create: [] },
        },
        persistentVolume: this.claim ? { enabled: true, existingClaim: name } : { enabled: false },
        ...(gpus > 0 && { runtimeClassName: GPU_RUNTIME_CLASS }),
        ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
        ...(tolerations.length > 0 && { tolerations }),
        // Never null, which would also remove the limit of GPUs.
        resources: { requests: { ...requests }, limits: { ...limits } },
        extraEnv: Object.entries(environment)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => ({ name: key, value })),
        ...(staged && {
          volumes: [{ name: "models", ...staged.volume }, ...staged.volumes],
          volumeMounts: [{ name: "models", mountPath: staged.mountPath, readOnly: true }],
          initContainers: staged.initContainers,
        }),
        // Ollama asks nothing of the API of Kubernetes.
        serviceAccount: { automount: false },
        tests: { enabled: false },
      },
      moreValues: props.moreValues,
      timeoutSeconds: props.timeoutSeconds ?? RELEASE_MINUTES * 60,
      // Terraform would wait in vain for a claim to go while a pod uses it.
      replacedWith: this.claim,
      dependsOn: [...(props.dependsOn ?? []), ...(this.claim ? [this.claim] : [])],
    });
    // The domain of the cluster is left out, because it may not be cluster.local.
    this.url = `http://${name}.${namespace}.svc:${OLLAMA_PORT}`;
  }

  /**
   * Makes the Ollama pull models into its claim, once its pods are there: a Job that also proves the files of the models.
   * @param models at least one. With any change of the list the Job runs again
   * @param options what is not as usual. The Job tolerates what the release does, and the taint of GPU nodes if the release has GPUs
   * @throws Error when the models are staged: they are on a share that is mounted read-only
   */
  pull(
    models: readonly string[],
    options: Partial<
      Pick<ModelPullProps, "name" | "image" | "removeUnlisted" | "tolerations" | "timeoutSeconds" | "objects">
    > = {},
  ): ModelPull {
    const { name, namespace, partOf, image, gpus = 0, tolerations = [], models: place } = this.props;
    if (!("claim" in place)) throw new Error(`${this.node.path} mounts its models read-only, so it can't pull any. Stage them.`);
    return new ModelPull(this, "models", {
      name: `${name}-models`,
      namespace,
      partOf,
      server: this.url,
      image,
      release: name,
      claim: { name, accessMode: place.claim.accessMode ?? DEFAULT_ACCESS_MODE },
      models,
      tolerations: [...tolerations, ...(gpus > 0 ? [GPU_TOLERATION] : [])],
      replacedWith: this.claim,
      dependsOn: [this.chart.resource],
      ...options,
    });
  }

  private claimOf({ name, namespace, partOf, dependsOn }: OllamaReleaseProps, props: ModelClaim): PersistentVolumeClaimV1 {
    const { sizeGi = CLAIM_GI, accessMode = DEFAULT_ACCESS_MODE } = props;
    // The claim that exists, which a plan might replace. It is read after the namespace, so that the first plan needs no cluster. If there is
    // no such claim, the data source has no spec (kubernetes 2.38.0), and every condition is true.
    const there = new DataKubernetesPersistentVolumeClaimV1(this, "claim-before", { metadata: { name, namespace }, dependsOn });
    there.overrideLogicalId(terraformName(name));
    const spec = `data.${there.terraformResourceType}.${there.friendlyUniqueId}.spec[0]`;
    const before = `The claim ${namespace}/${name} that exists`;
    const lost = "Terraform would replace the claim, and its models would be lost";
    const precondition = [
      {
        condition: `\${try(tonumber(trimsuffix(${spec}.resources[0].requests.storage, "Gi")) <= ${sizeGi}, true)}`,
        errorMessage:
          `${before} has \${try(${spec}.resources[0].requests.storage, "more")}, but storageGi asks for ${sizeGi}Gi: a claim never ` +
          `shrinks, so ${lost}. Set storageGi to the size that it has, or more. For a smaller one remove the release ${name}, deploy, and add ` +
          "it again: its models are pulled again.",
      },
      ...(props.accessMode
        ? []
        : [
            {
              condition: `\${try(contains(${spec}.access_modes, "${accessMode}"), true)}`,
              errorMessage:
                `${before} is \${try(join(", ", ${spec}.access_modes), "of another mode")}, but accessMode is not written, which ` +
                `means ${accessMode}: ${lost}. Write accessMode: \${try(join(", ", ${spec}.access_modes), "as it is")}.`,
            },
          ]),
    ];
    const claim = new PersistentVolumeClaimV1(this, "claim", {
      metadata: { name, namespace, labels: { ...recommendedLabels("ollama", partOf), "app.kubernetes.io/instance": name } },
      spec: {
        accessModes: [accessMode],
        // Always given, because K3s has a default class of its own.
        storageClassName: props.storageClass,
        resources: { requests: { storage: `${sizeGi}Gi` } },
      },
      // With a class that waits for the first pod, this would never end: the pod comes after it.
      waitUntilBound: false,
      dependsOn,
      lifecycle: { ...((props.protect ?? true) && { preventDestroy: true }), precondition },
    });
    claim.overrideLogicalId(terraformName(name));
    return claim;
  }

  /** The address in Terraform of the claim of a release of this name. */
  static claimAddress(name: string): string {
    return `${PersistentVolumeClaimV1.tfResourceType}.${terraformName(name)}`;
  }
}
