import { DataKubernetesPersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-persistent-volume-claim-v1";
import { PersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/persistent-volume-claim-v1";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { OLLAMA_CHART, OLLAMA_PORT } from "../../catalog/ollama";
import { checkImage } from "../../grammar/container-image";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkCpu, checkMemory } from "../../grammar/quantity";
import { type ChartSource, HelmChart } from "../kubernetes/helm-chart";
import { recommendedLabels } from "../kubernetes/namespace";
import { checkProps, prop } from "../props-error";
import { terraformName } from "../terraform-text";

/** How a claim is mounted when nothing else is said: on one node. */
export const DEFAULT_ACCESS_MODE = "ReadWriteOnce";

/** A claim of its own for the models: the chart's would be deleted with the release. */
export interface ModelClaim {
  /** Immutable: changing it replaces the claim. */
  readonly storageClass: string;
  /** Size in Gi. Few provisioners enlarge a volume later, and none makes it smaller: the plan refuses that. */
  readonly sizeGi: number;
  /**
   * Immutable: changing it replaces the claim. Absent, a claim of another mode that is there is not replaced: the plan refuses that.
   * @default ReadWriteOnce
   */
  readonly accessMode?: "ReadWriteOnce" | "ReadWriteMany";
  /** Refuse to destroy it. */
  readonly protect: boolean;
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
  readonly cpu?: string;
  readonly memory?: string;
}

export interface OllamaReleaseProps {
  /** Name of the Helm release, the Service, the claim, and the resources in Terraform. Changing it replaces all of them. */
  readonly name: string;
  readonly namespace: string;
  readonly partOf: string;
  readonly source: ChartSource;
  /** Exact version of the chart. */
  readonly version: string;
  readonly models: { readonly claim: ModelClaim } | { readonly staged: StagedModels };
  readonly replicas: number;
  /** How many GPUs each pod gets. 0: it runs on the CPU. */
  readonly gpus: number;
  readonly resources: { readonly requests: Amounts; readonly limits: Amounts };
  /** @default every node; with GPUs `gpuNodeSelector` */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Labels of the nodes with GPUs. */
  readonly gpuNodeSelector: Readonly<Record<string, string>>;
  /** Besides that for GPU nodes, which the chart adds. */
  readonly tolerations: readonly Readonly<Record<string, unknown>>[];
  /** Variables of Ollama. */
  readonly environment: Readonly<Record<string, string>>;
  /** @default the chart's */
  readonly image?: string;
  readonly timeoutSeconds: number;
  readonly moreValues?: Readonly<Record<string, unknown>>;
  readonly dependsOn?: ITerraformDependable[];
}

/** Repository and tag of an image, which the chart writes with a colon between them; so a digest's `@sha256` goes to the repository. */
function imageValues(image: string): Record<string, unknown> {
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

/** Ollama on Kubernetes, by the chart of otwld, with its models apart from the release. */
export class OllamaRelease extends Construct {
  /** Absent when the models are staged. */
  readonly claim?: PersistentVolumeClaimV1;
  readonly chart: HelmChart;
  /** URL inside the cluster. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: OllamaReleaseProps) {
    super(scope, id);
    const { name, namespace, resources, models } = props;
    checkProps(scope, id, [
      prop("name", name, checkKubernetesName),
      prop("namespace", namespace, checkKubernetesName),
      prop("image", props.image, checkImage),
      ...[resources.requests, resources.limits].flatMap(({ cpu, memory }) => [
        prop("resources.cpu", cpu, checkCpu),
        prop("resources.memory", memory, checkMemory),
      ]),
    ]);
    if ("claim" in models) this.claim = this.claimOf(props, models.claim);
    const staged = "staged" in models ? models.staged : undefined;
    const environment = {
      // A server that starts removes what no manifest names: another's downloads, when the folder is shared.
      ...((props.replicas > 1 || staged) && { OLLAMA_NOPRUNE: "1" }),
      // The image says that every GPU of the node is visible, and where the runtime is the default that counts.
      ...(props.gpus === 0 && { NVIDIA_VISIBLE_DEVICES: "void" }),
      ...(staged && { OLLAMA_MODELS: staged.modelsPath, OLLAMA_NO_CLOUD: "1", HOME: "/root" }),
      ...props.environment,
    };
    this.chart = new HelmChart(this, "chart", {
      name,
      namespace,
      chart: OLLAMA_CHART.name,
      source: props.source,
      version: props.version,
      values: {
        fullnameOverride: name,
        replicaCount: props.replicas,
        // Not a rolling update: the new pod would wait for the GPU, or the volume, of the old one.
        updateStrategy: { type: "Recreate" },
        ...(props.image && { image: imageValues(props.image) }),
        service: { type: "ClusterIP", port: OLLAMA_PORT },
        ollama: {
          port: OLLAMA_PORT,
          gpu: props.gpus > 0 ? { enabled: true, type: "nvidia", number: props.gpus } : { enabled: false },
          // Pulled by a Job after the release: the chart's own pull hides failures, and keeps pods from ending.
          models: { pull: [], run: [], create: [] },
        },
        persistentVolume: this.claim ? { enabled: true, existingClaim: name } : { enabled: false },
        ...(props.gpus > 0 && { runtimeClassName: "nvidia" }),
        ...this.placement(props),
        // Never null: that takes the limit of GPUs away as well.
        resources: { requests: { ...resources.requests }, limits: { ...resources.limits } },
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
      timeoutSeconds: props.timeoutSeconds,
      // A claim cannot go while a pod uses it: Terraform would wait for that in vain.
      replacedWith: this.claim,
      dependsOn: [...(props.dependsOn ?? []), ...(this.claim ? [this.claim] : [])],
    });
    // Without the domain of the cluster, which may be another than cluster.local.
    this.url = `http://${name}.${namespace}.svc:${OLLAMA_PORT}`;
  }

  private claimOf({ name, namespace, partOf, dependsOn }: OllamaReleaseProps, props: ModelClaim): PersistentVolumeClaimV1 {
    const { sizeGi, accessMode = DEFAULT_ACCESS_MODE } = props;
    // What the plan would replace. Read after the namespace, so that a first plan, without a cluster, does not ask for it. The data source
    // of a claim that is not there has no spec (kubernetes 2.38.0), and every condition holds then.
    const there = new DataKubernetesPersistentVolumeClaimV1(this, "claim-before", { metadata: { name, namespace }, dependsOn });
    there.overrideLogicalId(terraformName(name));
    const spec = `data.${there.terraformResourceType}.${there.friendlyUniqueId}.spec[0]`;
    const before = `The claim ${namespace}/${name} that is there`;
    const lost = "Terraform would replace the claim, and its models would be lost";
    const precondition = [
      {
        condition: `\${try(tonumber(trimsuffix(${spec}.resources[0].requests.storage, "Gi")) <= ${sizeGi}, true)}`,
        errorMessage:
          `${before} has \${try(${spec}.resources[0].requests.storage, "more")}, but storageGi asks for ${sizeGi}Gi: a claim never ` +
          `shrinks, so ${lost}. Set storageGi to what it has, or more. For a smaller one remove the release ${name}, deploy, and add ` +
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
        // Always named: K3s has a default class of its own.
        storageClassName: props.storageClass,
        resources: { requests: { storage: `${sizeGi}Gi` } },
      },
      // A class that waits for the first pod would keep this waiting, since the pod comes after.
      waitUntilBound: false,
      dependsOn,
      lifecycle: { ...(props.protect && { preventDestroy: true }), precondition },
    });
    claim.overrideLogicalId(terraformName(name));
    return claim;
  }

  /** The address in Terraform of the claim of a release of this name. */
  static claimAddress(name: string): string {
    return `${PersistentVolumeClaimV1.tfResourceType}.${terraformName(name)}`;
  }

  private placement(props: OllamaReleaseProps): Record<string, unknown> {
    const nodeSelector = { ...(props.gpus > 0 && props.gpuNodeSelector), ...props.nodeSelector };
    return {
      ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
      ...(props.tolerations.length > 0 && { tolerations: props.tolerations }),
    };
  }
}
