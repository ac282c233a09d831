import { canonicalModelReference } from "../../grammar/model-reference";
import { bytes, millicores } from "../../grammar/quantity";
import { compareVersions } from "../../grammar/version";
import { ollamaOfChart, PRUNE_GRACE_VERSION } from "../charts";
import { type Cluster, type ClusterNode, workersOf } from "../cluster";
import { accessModeOf, devicePluginOf, GPU_NODE, type OllamaRelease } from "../kubernetes";
import { knownSizeGiB } from "../model-sizes";
import type { Path } from "../problem";
import { repeated } from "./containers";
import { error, type Finding, rule, warning } from "./rule";

const at = (key: string, ...rest: string[]): Path => ["ollama", "releases", key, ...rest];

/** The Ollama that a release runs: that of its image, or the chart's. */
function ollamaVersion(release: OllamaRelease, chartVersion: string): string | undefined {
  const tag = release.image ? /:v?(\d+\.\d+\.\d+)/.exec(release.image)?.[1] : undefined;
  return release.image ? tag : ollamaOfChart(chartVersion);
}

/** Several pods need a folder that several nodes can mount, and an Ollama that leaves the others' files alone. */
export const replicas = rule(["ollama"], function* ({ ollama, airGapped }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    if (release.replicas < 2) continue;
    // Staged models are mounted read-only, without a claim.
    if (!airGapped && accessModeOf(release) === "ReadWriteOnce") {
      yield error(
        "replicas-read-write-once",
        at(key, "accessMode"),
        `${release.replicas} replicas are to share a claim that is ReadWriteOnce, which a block device mounts on one node only`,
        "Leave accessMode out, and it is ReadWriteMany; or have one replica.",
      );
    }
    if (release.gpus > 0) {
      yield error(
        "replicas-with-gpu",
        at(key, "replicas"),
        `${release.replicas} replicas are to share one claim while each has a GPU of its own, and a pod that waits for a GPU keeps an upgrade from ending`,
        "Have one replica in each of several releases.",
      );
    }
    const version = ollamaVersion(release, ollama.chart.version);
    if (!airGapped && version && compareVersions(version, PRUNE_GRACE_VERSION) < 0) {
      yield error(
        "replicas-prune",
        at(key, "replicas"),
        `Ollama ${version} removes, when it starts, what another one is downloading into the folder they share; ${PRUNE_GRACE_VERSION} is the first that waits`,
        `Use a chart or image with Ollama ${PRUNE_GRACE_VERSION} or later, or have one replica.`,
      );
    }
  }
});

/** What a release asks for in GPUs must be there, on nodes that the lab makes. */
export const gpus = rule(["ollama", "cluster"], function* ({ ollama, cluster, ...lab }) {
  const shares = devicePluginOf({ ...lab, cluster, ollama })?.timeSlicing ?? 1;
  const workers = workersOf(cluster).filter((worker) => worker.gpus.length > 0);
  const largest = Math.max(0, ...workers.map((worker) => worker.gpus.length)) * shares;
  const total = workers.reduce((sum, worker) => sum + worker.gpus.length, 0) * shares;
  const releases = Object.entries(ollama.releases).filter(([, release]) => release.gpus > 0);
  const wanted = releases.reduce((sum, [, release]) => sum + release.gpus * release.replicas, 0);
  for (const [key, release] of releases) {
    if (workers.length === 0) {
      yield error(
        "no-gpu-worker",
        at(key, "gpus"),
        `${key} wants ${release.gpus} GPUs, and no worker of the cluster has one`,
        "Give a worker gpus, or take them from the release.",
      );
    } else if (release.gpus > largest) {
      yield error(
        "too-many-gpus",
        at(key, "gpus"),
        `${key} wants ${release.gpus} GPUs in one pod, and no worker has more than ${largest}`,
        "Lower gpus, or pass more cards to one worker.",
      );
    }
  }
  const [last] = releases.at(-1) ?? [];
  // One that wants more than any worker has is said above.
  if (last && workers.length > 0 && wanted > total && releases.every(([, release]) => release.gpus <= largest)) {
    yield error(
      "gpus-overcommitted",
      at(last, "gpus"),
      `the releases want ${wanted} GPUs together, and the cluster has ${total}`,
      "Lower gpus or replicas, add a worker, or set kubernetes.devicePlugin.timeSlicing.",
    );
  }
});

/** A share is a turn on a GPU, not a part of its memory: several would be no more of a GPU, and the plugin refuses them. */
export const shares = rule(["ollama"], function* (lab) {
  const { timeSlicing } = devicePluginOf(lab) ?? {};
  if (!timeSlicing) return;
  for (const [key, { gpus: wanted }] of Object.entries(lab.ollama.releases)) {
    if (wanted < 2) continue;
    yield error(
      "several-shares",
      at(key, "gpus"),
      `${key} wants ${wanted} GPUs, and with timeSlicing: ${timeSlicing} they are shares, of which the plugin gives a pod one`,
      "Set gpus: 1, or take timeSlicing out.",
    );
  }
});

interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

function taintsOf(node: ClusterNode, cluster: Cluster): Taint[] {
  const own = node.taints.map((text) => {
    const [pair = "", effect = ""] = text.split(":");
    const [key = "", value = ""] = pair.split("=");
    return { key, value, effect };
  });
  return node.gpus.length > 0 && cluster.gpuTaint ? [...own, GPU_NODE.taint] : own;
}

function tolerates(release: OllamaRelease, taint: Taint): boolean {
  if (taint.effect === "PreferNoSchedule") return true;
  // The chart adds a toleration for the taint of GPU nodes by itself.
  if (release.gpus > 0 && taint.key === GPU_NODE.taint.key && taint.effect === "NoSchedule") return true;
  return release.tolerations.some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined ? operator === "Exists" : key === taint.key && (operator === "Exists" || (value ?? "") === taint.value)),
  );
}

/** Somewhere in the lab's cluster there must be a node that the release may run on. */
export const schedulable = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    const candidates = cluster.nodes.filter((node) => release.gpus === 0 || node.gpus.length > 0);
    if (candidates.length === 0) continue;
    const selector = release.nodeSelector ?? {};
    const labelled = candidates.filter((node) => {
      const labels: Record<string, string> = {
        ...(node.gpus.length > 0 && GPU_NODE.labels),
        ...node.labels,
        "kubernetes.io/hostname": node.name,
      };
      return Object.entries(selector).every(
        ([label, value]) => labels[label] === value || /(^|\.)(kubernetes|k8s)\.io\//.test(label),
      );
    });
    if (labelled.length === 0) {
      yield error(
        "no-node-selected",
        at(key, "nodeSelector"),
        `${key} runs only where ${Object.entries(selector)
          .map(([label, value]) => `${label}=${value}`)
          .join(" and ")}, and no node of the cluster joins with that`,
        "Set the labels of a node to it, or change nodeSelector.",
      );
      continue;
    }
    if (labelled.some((node) => taintsOf(node, cluster).every((taint) => tolerates(release, taint)))) continue;
    const taints = [
      ...new Set(
        labelled.flatMap((node) => taintsOf(node, cluster)).map((taint) => `${taint.key}=${taint.value}:${taint.effect}`),
      ),
    ];
    yield error(
      "taint-not-tolerated",
      at(key, "tolerations"),
      `every node that ${key} may run on has a taint that it does not tolerate: ${taints.join(", ")}`,
      "Add a toleration, or take the taint from a node.",
    );
  }
});

/** A limit below what is guaranteed is refused by the API. */
export const limits = rule(["ollama"], function* ({ ollama }) {
  const amounts = { cpu: millicores, memory: bytes } as const;
  for (const [key, { resources }] of Object.entries(ollama.releases)) {
    for (const [what, measure] of Object.entries(amounts) as [keyof typeof amounts, (text: string) => number][]) {
      const [request, limit] = [resources.requests[what], resources.limits[what]];
      if (!request || !limit || measure(limit) >= measure(request)) continue;
      yield error(
        "limit-below-request",
        at(key, "resources", "limits", what),
        `the limit of ${what} is ${limit}, and the request ${request}`,
        "Raise the limit, or lower the request.",
      );
    }
  }
});

/** Models that do not fit fill the volume in the middle of a pull. */
export const storage = rule(["ollama"], function* ({ ollama, airGapped }) {
  for (const [key, { models, storageGi }] of Object.entries(ollama.releases)) {
    yield* repeated(models, at(key, "models"), "the model", canonicalModelReference);
    const needed = knownSizeGiB(models);
    // Staged models lie on the share, and no claim is made.
    if (airGapped || needed <= storageGi) continue;
    yield warning(
      "storage-too-small",
      at(key, "storageGi"),
      `the models of ${key} take about ${needed.toFixed(1)} GiB, and its claim has ${storageGi} Gi`,
      `Set storageGi to ${Math.ceil(needed * 1.1)} or more; few provisioners can enlarge it later.`,
    );
  }
});

/** Two hosts of one name would be two certificates in one Secret, and a route by chance. */
export const hosts = rule(["ollama"], function* ({ ollama }) {
  const first = new Map<string, string>();
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    if (!host) continue;
    const other = first.get(host);
    if (other === undefined) first.set(host, key);
    else
      yield error(
        "duplicate-host",
        at(key, "host"),
        `the host ${host} is that of ${other} and of ${key}`,
        "Give one of them another name.",
      );
  }
});

/** Jobs run the client of the release's Ollama, whose image the chart knows and this project only for versions it knows. */
export const imageOfJobs = rule(["ollama"], function* ({ ollama }) {
  if (ollamaOfChart(ollama.chart.version)) return;
  for (const [key, { image }] of Object.entries(ollama.releases)) {
    if (image) continue;
    yield error(
      "image-unknown",
      at(key),
      `${key} names no image, and which Ollama the chart ${ollama.chart.version} brings is not known here`,
      "Set image, such as ollama/ollama:0.32.15: the appVersion in the chart's Chart.yaml.",
    );
  }
});

/** Names of Helm releases that this project makes from a key, which another key must not be. */
const SUFFIXES = ["models", "route"] as const;

/** A release's key and what is made from another's must differ. */
export const releaseNames = rule(["ollama"], function* ({ ollama }) {
  const keys = Object.keys(ollama.releases);
  for (const key of keys) {
    const taken = key === "https-redirect" ? "the middleware of all routes" : undefined;
    const owner = keys.find((other) => SUFFIXES.some((suffix) => key === `${other}-${suffix}`));
    if (!taken && !owner) continue;
    yield error("release-name-taken", at(key), `the name ${key} is that of ${taken ?? `what belongs to ${owner}`}`, "Rename it.");
  }
  if (keys.length === 0) yield* noRelease();
});

function* noRelease(): Iterable<Finding> {
  yield error("no-release", ["ollama", "releases"], "ollama: describes no release", "Describe one, or leave ollama: out.");
}

/** What only a Job can do is not done where no Job runs. */
export const removal = rule(["ollama"], function* ({ ollama }) {
  for (const [key, { models, removeUnlistedModels }] of Object.entries(ollama.releases)) {
    if (!removeUnlistedModels || models.length > 0) continue;
    yield error(
      "remove-without-models",
      at(key, "removeUnlistedModels"),
      `${key} lists no model, so no Job runs that could remove those which are not listed`,
      "List at least one model, or remove them with `ollama rm`.",
    );
  }
});

/** Variables that have a setting of their own. */
const SETTINGS = { OLLAMA_KEEP_ALIVE: "keepAlive", OLLAMA_CONTEXT_LENGTH: "contextLength" } as const;

/** A variable said twice has one value too many; one against pruning must not be taken back while several pods share a folder. */
export const environment = rule(["ollama"], function* ({ ollama }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    for (const [variable, setting] of Object.entries(SETTINGS) as [keyof typeof SETTINGS, "keepAlive" | "contextLength"][]) {
      if (release.environment[variable] === undefined || release[setting] === undefined) continue;
      yield error(
        "variable-twice",
        at(key, "environment", variable),
        `${variable} is set to ${release.environment[variable]} here, and ${setting} says ${release[setting]}`,
        `Keep ${setting}.`,
      );
    }
    const noPrune = release.environment["OLLAMA_NOPRUNE"];
    if (release.replicas < 2 || noPrune === undefined || /^(1|true)$/i.test(noPrune)) continue;
    yield error(
      "prune-shared-folder",
      at(key, "environment", "OLLAMA_NOPRUNE"),
      `OLLAMA_NOPRUNE is ${noPrune}, and each of ${release.replicas} pods that starts would remove what another is downloading`,
      "Take it out: with several replicas it is 1.",
    );
  }
});
