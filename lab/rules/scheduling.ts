import { HOSTNAME_LABEL } from "../../catalog/kubernetes";
import { GPU_NODE } from "../../catalog/nvidia";
import { bytes, millicores } from "../../grammar/quantity";
import { type DraftCluster, type DraftNode, workersOf } from "../cluster";
import { finder } from "../finding";
import { devicePluginOf, type OllamaRelease } from "../kubernetes";
import type { Path } from "../problem";
import { rule } from "./rule";

const kinds = {
  "no-gpu-worker": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "A release wants GPUs, but no worker of the lab's cluster has one. Its pods would wait for ever.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, gpus: [] }
      ollama:
        releases:
          ollama: { gpus: 1 }
    `,
    remedy: "Give a worker gpus, or remove them from the release.",
  },
  "too-many-gpus": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "A pod wants more GPUs than any worker has. A pod runs on one node.",
    example: `
      ollama:
        releases:
          ollama: { gpus: 2 }
    `,
    remedy: "Lower gpus, or pass more cards to one worker.",
  },
  "gpus-overcommitted": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "All releases together want more GPUs than the cluster has.",
    example: `
      ollama:
        releases:
          ollama: { gpus: 1 }
          second: { gpus: 1 }
    `,
    remedy: "Lower gpus or replicas, add a worker, or set kubernetes.devicePlugin.timeSlicing.",
  },
  "several-shares": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "With `timeSlicing` a GPU is a share: a turn on a card, not a part of its memory. Several shares are not more of a GPU, and the device plugin refuses them.",
    example: `
      kubernetes:
        devicePlugin: { timeSlicing: 4 }
      ollama:
        releases:
          ollama: { gpus: 2 }
    `,
    remedy: "Set gpus: 1, or remove timeSlicing.",
  },
  "no-device-plugin": {
    severity: "warning",
    stacks: ["platform", "ollama"],
    meaning: "A release wants GPUs, but without a device plugin Kubernetes does not know of them.",
    example: `
      kubernetes:
        devicePlugin: false
      ollama:
        releases:
          ollama: { gpus: 1 }
    `,
    remedy: "Remove devicePlugin: false, or install NVIDIA's device plugin before you deploy the stack ollama.",
  },
  "no-node-selected": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "No node of the lab's cluster has the labels that a release asks for. Its pods would wait for ever.",
    example: `
      ollama:
        releases:
          ollama: { nodeSelector: { disk: nvme } }
    `,
    remedy: "Give a node these labels, or change nodeSelector.",
  },
  "taint-not-tolerated": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "Every node on which a release may run has a taint that it does not tolerate. Its pods would wait for ever.",
    example: `
      defaults:
        worker: { taints: ["team=ml:NoSchedule"] }
      ollama:
        releases:
          ollama: { gpus: 1 }
    `,
    remedy: "Add a toleration, or remove the taint from a node.",
  },
  "limit-below-request": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "A limit is below the request. Kubernetes refuses such a pod.",
    example: `
      ollama:
        releases:
          ollama: { resources: { requests: { cpu: "2" }, limits: { cpu: 500m } } }
    `,
    remedy: "Raise the limit, or lower the request.",
  },
  "request-too-large": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "A release asks for more CPU or memory than any node of the lab's cluster has. Its pods would wait for ever.",
    example: `
      ollama:
        releases:
          ollama: { resources: { requests: { memory: 256Gi } } }
    `,
    remedy: "Lower the request, or give a node more.",
  },
} as const;
const found = finder(kinds);

const at = (key: string, ...rest: string[]): Path => ["ollama", "releases", key, ...rest];

/** "1 GPU", "2 GPUs". */
const gpuCount = (number: number) => `${number} GPU${number === 1 ? "" : "s"}`;

/** The cluster that the lab creates has the GPUs that the releases want. */
const gpus = rule(["ollama", "cluster"], function* ({ ollama, cluster, ...lab }) {
  const sharesPerGpu = devicePluginOf({ ...lab, cluster, ollama })?.timeSlicing ?? 1;
  const workers = workersOf(cluster).filter((worker) => worker.gpus.length > 0);
  const largest = Math.max(0, ...workers.map((worker) => worker.gpus.length)) * sharesPerGpu;
  const total = workers.reduce((sum, worker) => sum + worker.gpus.length, 0) * sharesPerGpu;
  const releases = Object.entries(ollama.releases).filter(([, release]) => release.gpus > 0);
  const wanted = releases.reduce((sum, [, release]) => sum + release.gpus * release.replicas, 0);
  for (const [key, release] of releases) {
    if (workers.length === 0) {
      yield found(
        "no-gpu-worker",
        at(key, "gpus"),
        `${key} wants ${gpuCount(release.gpus)}, but no worker of the cluster has one`,
      );
    } else if (release.gpus > largest) {
      yield found(
        "too-many-gpus",
        at(key, "gpus"),
        `${key} wants ${gpuCount(release.gpus)} in one pod, but no worker has more than ${largest}`,
      );
    }
  }
  const [last] = releases.at(-1) ?? [];
  // too-many-gpus already reports a release that wants more than any worker has.
  if (last && workers.length > 0 && wanted > total && releases.every(([, release]) => release.gpus <= largest)) {
    yield found(
      "gpus-overcommitted",
      at(last, "gpus"),
      `the releases want ${gpuCount(wanted)} together, but the cluster has ${total}`,
    );
  }
});

/** A share is a turn on a GPU, not a part of its memory: several are not more of a GPU, and the plugin refuses them. */
const shares = rule(["ollama"], function* (lab) {
  const { timeSlicing } = devicePluginOf(lab) ?? {};
  if (!timeSlicing) return;
  for (const [key, { gpus: wanted }] of Object.entries(lab.ollama.releases)) {
    if (wanted < 2) continue;
    yield found(
      "several-shares",
      at(key, "gpus"),
      `${key} wants ${wanted} GPUs, but with timeSlicing: ${timeSlicing} they are shares, and the plugin gives a pod one share`,
    );
  }
});

/** Kubernetes knows of GPUs only where a device plugin announces them. */
const devicePlugin = rule(["ollama", "kubernetes", "cluster"], function* ({ ollama, kubernetes }) {
  if (kubernetes.devicePlugin !== false) return;
  const [key] = Object.entries(ollama.releases).find(([, release]) => release.gpus > 0) ?? [];
  if (!key) return;
  yield found(
    "no-device-plugin",
    ["kubernetes", "devicePlugin"],
    `${key} wants GPUs of the new cluster, but devicePlugin is false, so nothing announces them to Kubernetes`,
  );
});

interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

function taintsOf(node: DraftNode, cluster: DraftCluster): Taint[] {
  const own = node.taints.map((text) => {
    const [pair = "", effect = ""] = text.split(":");
    const [key = "", value = ""] = pair.split("=");
    return { key, value, effect };
  });
  return node.gpus.length > 0 && cluster.gpuTaint ? [...own, GPU_NODE.taint] : own;
}

function tolerates(release: OllamaRelease, taint: Taint): boolean {
  if (taint.effect === "PreferNoSchedule") return true;
  // The chart itself adds a toleration for the taint of GPU nodes.
  if (release.gpus > 0 && taint.key === GPU_NODE.taint.key && taint.effect === "NoSchedule") return true;
  return release.tolerations.some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined ? operator === "Exists" : key === taint.key && (operator === "Exists" || (value ?? "") === taint.value)),
  );
}

/** The lab's cluster has a node on which the release may run. */
const schedulable = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    const candidates = cluster.nodes.filter((node) => release.gpus === 0 || node.gpus.length > 0);
    if (candidates.length === 0) continue;
    const selector = Object.entries(release.nodeSelector ?? {});
    const labelled = candidates.filter((node) => {
      const labels: Record<string, string> = {
        ...(node.gpus.length > 0 && GPU_NODE.labels),
        ...node.labels,
        [HOSTNAME_LABEL]: node.name,
      };
      return selector.every(([label, value]) => labels[label] === value || /(^|\.)(kubernetes|k8s)\.io\//.test(label));
    });
    if (labelled.length === 0) {
      const wanted = selector.map(([label, value]) => `${label}=${value}`).join(" and ");
      yield found(
        "no-node-selected",
        at(key, "nodeSelector"),
        `${key} runs only on nodes with ${wanted}, but no node of the cluster has that`,
      );
      continue;
    }
    if (labelled.some((node) => taintsOf(node, cluster).every((taint) => tolerates(release, taint)))) continue;
    const taints = labelled
      .flatMap((node) => taintsOf(node, cluster))
      .map((taint) => `${taint.key}=${taint.value}:${taint.effect}`);
    yield found(
      "taint-not-tolerated",
      at(key, "tolerations"),
      `every node on which ${key} may run has a taint that it does not tolerate: ${[...new Set(taints)].join(", ")}`,
    );
  }
});

/** Kubernetes refuses a limit below the request. */
const limits = rule(["ollama"], function* ({ ollama }) {
  const amounts = [
    { what: "cpu", measure: millicores },
    { what: "memory", measure: bytes },
  ] as const;
  for (const [key, { resources }] of Object.entries(ollama.releases)) {
    for (const { what, measure } of amounts) {
      const [request, limit] = [resources.requests[what], resources.limits[what]];
      if (!request || !limit || measure(limit) >= measure(request)) continue;
      yield found(
        "limit-below-request",
        at(key, "resources", "limits", what),
        `the limit of ${what} is ${limit}, but the request is ${request}`,
      );
    }
  }
});

/** A pod runs on one node, so a request must fit into one. A node keeps a part for itself, which is not counted. */
const requests = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  for (const [key, { gpus: wanted, resources }] of Object.entries(ollama.releases)) {
    const candidates = cluster.nodes.filter((node) => node.gpus.length >= wanted);
    if (candidates.length === 0) continue;
    const { cpu, memory } = resources.requests;
    const cores = Math.max(...candidates.map((node) => node.cores));
    const memoryGiB = Math.max(...candidates.map((node) => node.memoryGiB));
    const nodes = wanted > 0 ? "node with its GPUs" : "node";
    const path = at(key, "resources", "requests");
    if (cpu && millicores(cpu) > cores * 1000) {
      yield found(
        "request-too-large",
        [...path, "cpu"],
        `${key} asks for ${cpu} of CPU, but no ${nodes} has more than ${cores} cores`,
      );
    }
    if (memory && bytes(memory) > memoryGiB * 2 ** 30) {
      yield found(
        "request-too-large",
        [...path, "memory"],
        `${key} asks for ${memory} of memory, but no ${nodes} has more than ${memoryGiB} GiB`,
      );
    }
  }
});

export const scheduling = {
  title: "Scheduling of pods",
  kinds,
  rules: [gpus, shares, devicePlugin, schedulable, limits, requests],
};
