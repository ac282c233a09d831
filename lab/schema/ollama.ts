import * as z from "zod";
import { K3S_TRAEFIK_NAMESPACE } from "../../catalog/k3s";
import { GPU_LABEL } from "../../catalog/nvidia";
import { OLLAMA_CHART } from "../../catalog/ollama";
import { checkImage } from "../../grammar/container-image";
import { checkDomainName } from "../../grammar/domain-name";
import { checkKey } from "../../grammar/guest";
import { checkKeepAlive } from "../../grammar/keep-alive";
import { checkClaimPath, checkKubernetesName, checkObjectName } from "../../grammar/kubernetes-name";
import { checkSelectedLabel } from "../../grammar/kubernetes-node";
import { checkCpu, checkMemory } from "../../grammar/quantity";
import { CLAIM_GI, CLAIM_GI_BOUNDS, POD_GPUS_BOUNDS, PULL_MINUTES, RELEASE_MINUTES, REPLICAS_BOUNDS } from "../../grammar/size";
import { checkStagedRelease } from "../../grammar/staged-release";
import { cidr, environment, labels, models, named, text, whole } from "./field";
import { chart, chartValues } from "./helm";

const amounts = z.strictObject({
  cpu: text(checkCpu, "CPU.").optional(),
  memory: text(checkMemory, "Memory.").optional(),
});

const toleration = z.strictObject({
  key: z
    .string()
    .meta({ description: "Key of the taint. Default: every key, with operator: Exists.", examples: ["team"] })
    .optional(),
  operator: z.enum(["Exists", "Equal"]).describe("Exists: the taint may have any value. Default: Equal.").optional(),
  value: z
    .string()
    .meta({ description: "Value of the taint, with operator: Equal.", examples: ["ml"] })
    .optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).describe("Effect of the taint. Default: each.").optional(),
});

const release = z
  .strictObject({
    models: models("Models that are pulled after the release is up, and again when this list changes.").default([]),
    removeUnlistedModels: z.boolean().default(false).describe("Remove models that are no longer listed."),
    host: text(checkDomainName, "Name under which it is reached over HTTPS. Default: inside the cluster only.").optional(),
    allowFrom: z
      .array(cidr("A network."))
      .default([])
      .describe("Networks that may use the host; empty: all. Traefik must see the clients' addresses (docs/operations.md)."),
    auth: z
      .strictObject({
        secretName: text(
          checkObjectName,
          "Secret in ollama.namespace with the users and the hashes of their passwords. You make it (docs/kubernetes.md); until then the host answers 404.",
        ),
      })
      .describe(
        "A user name and a password for the host, asked for by Traefik. With allowFrom both count. Default: nobody is asked.",
      )
      .optional(),
    storageGi: whole(...CLAIM_GI_BOUNDS, "Size of the claim for the models, in Gi. It only grows.").default(CLAIM_GI),
    storageClass: text(checkKubernetesName, "StorageClass, where it differs from kubernetes.storageClass.").optional(),
    accessMode: z
      .enum(["ReadWriteOnce", "ReadWriteMany"])
      .describe(
        "How the claim is mounted; several replicas need ReadWriteMany. Default: ReadWriteOnce. Changing it replaces the claim, which protect refuses.",
      )
      .optional(),
    protect: z.boolean().default(true).describe("Refuse to destroy the claim and its namespace, and the models with them."),
    gpus: whole(...POD_GPUS_BOUNDS, "How many GPUs each pod gets.").default(0),
    replicas: whole(
      ...REPLICAS_BOUNDS,
      "How many pods; a model is loaded in each. 0 stops it, and pulls nothing. Several need accessMode: ReadWriteMany.",
    ).default(1),
    resources: z
      .strictObject({
        requests: amounts.prefault({ cpu: "500m", memory: "2Gi" }).describe("What a pod is guaranteed."),
        limits: amounts.prefault({}).describe("What a pod may take; limits of GPUs follow from gpus."),
      })
      .prefault({})
      .describe("CPU and memory of a pod."),
    nodeSelector: labels(checkSelectedLabel)
      .describe(`Labels of the nodes it may run on. Default with gpus: ${GPU_LABEL}.`)
      .optional(),
    tolerations: z.array(toleration).default([]).describe("Taints it tolerates, besides that of GPU nodes."),
    keepAlive: text(checkKeepAlive, "How long a model stays loaded, such as 30m. Default: Ollama's, five minutes.").optional(),
    contextLength: whole(
      512,
      10_485_760,
      "Tokens of context. Default: Ollama's, which depends on the GPU's memory.",
      8192,
    ).optional(),
    environment: environment().default({}).describe("Other OLLAMA_… variables, and HTTPS_PROXY and its like."),
    image: text(checkImage, "Image of Ollama. Default: the chart's.").optional(),
    timeoutMinutes: whole(1, 600, "How long Helm waits for the pods; the image is several GB.").default(RELEASE_MINUTES),
    pullTimeoutMinutes: whole(1, 2880, "How long the models may take to be pulled.").default(PULL_MINUTES),
    values: chartValues,
  })
  .describe("An Ollama on the cluster.");

/** `ollama:` — Ollama on Kubernetes. */
export const ollama = z
  .strictObject({
    namespace: text(checkKubernetesName, "Namespace. Changing it moves everything, and loses the models.").default("ml"),
    chart: chart(OLLAMA_CHART, "The chart ollama of otwld."),
    release: text(
      checkStagedRelease,
      "With airGapped: the staged release that production mounts. Default: the one that follows from the models, the image and staging.revision.",
    ).optional(),
    keptClaims: z
      .array(text(checkClaimPath, "A claim, as NAMESPACE/NAME."))
      .default([])
      .describe(
        "Claims that stay in the cluster though their releases have left the lab, or its namespace is another. Without it a protected claim stops the plan.",
      ),
    networkPolicy: z
      .strictObject({
        traefikNamespace: text(checkKubernetesName, "Namespace that Traefik runs in; K3s puts it there.").default(
          K3S_TRAEFIK_NAMESPACE,
        ),
        namespaces: z
          .array(text(checkKubernetesName, "A namespace."))
          .default([])
          .describe("Namespaces that may reach the API, besides Traefik and its own."),
      })
      .describe("Let only Traefik and named namespaces reach the API. Default: every pod of the cluster may.")
      .optional(),
    releases: named(
      checkKey,
      release,
      "Releases by names of your own: Helm release, Service, claim and certificate are named after them.",
      "ollama",
    ),
  })
  .describe("Ollama on Kubernetes.");
