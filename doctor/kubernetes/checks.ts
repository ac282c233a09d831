import { CERT_MANAGER_KUBERNETES } from "../../catalog/cert-manager";
import { KUBERNETES_ENDED, OLDEST_KUBERNETES_ENDED } from "../../catalog/kubernetes";
import { GPU_RESOURCE, GPU_RUNTIME_CLASS, GPU_SELECTOR } from "../../catalog/nvidia";
import { minorOf } from "../../grammar/k3s-version";
import { type Lab, nodesOf, type Release } from "../../lab/lab";
import type { Finding, Known } from "../finding";
import { missingModels } from "../ollama";
import { DEFINITIONS, type KubernetesFacts, type KubernetesNode } from "./facts";

/** What a check works on: the lab, and what its cluster said. */
export interface ExaminedCluster {
  readonly lab: Lab;
  readonly facts: KubernetesFacts;
}

type Check = (examined: ExaminedCluster) => Iterable<Finding>;

function releasesOf(lab: Lab): [string, Release][] {
  return Object.entries(lab.ollama?.releases ?? {});
}

function releasePath(key: string, ...rest: string[]): string[] {
  return ["ollama", "releases", key, ...rest];
}

/** The finding for a fact that a check needs, but that could not be had. */
function* unless(fact: Known<unknown>, what: string, path: readonly string[]): Generator<Finding> {
  if (fact.known) return;
  yield {
    code: "kubernetes-unknown",
    severity: "unknown",
    path,
    message: `${what} cannot be read: ${fact.why}`,
    remedy: "Use a kubeconfig whose user may read it, or look yourself with kubectl.",
  };
}

/** The release of Kubernetes: supported, the one that the lab makes, tested with cert-manager. */
const version: Check = function* ({ lab, facts }) {
  if (!facts.version.known) return;
  const runs = facts.version.value;
  const minor = minorOf(runs);
  const path = lab.cluster ? ["cluster", "k3sVersion"] : ["kubernetes", "kubeconfig"];
  const ended =
    KUBERNETES_ENDED[minor] ?? (minor < OLDEST_KUBERNETES_ENDED ? KUBERNETES_ENDED[OLDEST_KUBERNETES_ENDED] : undefined);
  if (ended !== undefined) {
    yield {
      code: "kubernetes-ended",
      severity: "warning",
      path,
      message: `the cluster runs Kubernetes ${runs}, but 1.${minor} has had no patches since ${ended}`,
      remedy: "Upgrade it. docs/upgrades.md says how, for a cluster of this lab.",
    };
  }
  const wanted = lab.cluster ? [...new Set(lab.cluster.servers.map(({ k3sVersion }) => k3sVersion))] : [];
  if (wanted.length > 0 && !wanted.includes(runs)) {
    yield {
      code: "kubernetes-version-differs",
      severity: "warning",
      path,
      message: `the lab has K3s ${wanted.join(" and ")}, but the cluster runs ${runs}: an edit of the version upgrades no node that runs`,
      remedy: `Upgrade the nodes as docs/upgrades.md says, or write k3sVersion: ${runs}.`,
    };
  }
  const chart = lab.kubernetes.certManager?.chart.version;
  const line = chart && /^v?(\d+\.\d+)/.exec(chart)?.[1];
  const range = line === undefined ? undefined : CERT_MANAGER_KUBERNETES[line];
  if (range && (minor < range[0] || minor > range[1])) {
    yield {
      code: "kubernetes-untested",
      severity: "warning",
      path: ["kubernetes", "certManager", "chart", "version"],
      message: `cert-manager ${chart} was tested with Kubernetes 1.${range[0]} to 1.${range[1]}, but the cluster runs ${runs}`,
      remedy:
        minor < range[0]
          ? "Upgrade the cluster, or choose an older line of cert-manager."
          : "Choose a newer line of cert-manager.",
    };
  }
};

function isReady({ status }: KubernetesNode): boolean {
  return status.conditions.some(({ type, status: state }) => type === "Ready" && state === "True");
}

/** Nodes: all ready, and all that the lab makes. */
const nodes: Check = function* ({ lab, facts }) {
  yield* unless(facts.nodes, "the nodes of the cluster", ["kubernetes", "kubeconfig"]);
  if (!facts.nodes.known) return;
  const specs = lab.cluster ? nodesOf(lab.cluster) : [];
  for (const node of facts.nodes.value) {
    if (isReady(node)) continue;
    const { name } = node.metadata;
    const ready = node.status.conditions.find(({ type }) => type === "Ready");
    yield {
      code: "kubernetes-node-not-ready",
      severity: "warning",
      path: specs.find((spec) => spec.name === name)?.path ?? ["kubernetes", "kubeconfig"],
      message: `the node ${name} is not ready${ready?.message ? `: ${ready.message}` : ""}`,
      remedy: `Look at it: kubectl describe node ${name}`,
    };
  }
  const there = facts.nodes.value.map(({ metadata }) => metadata.name);
  for (const { name, path } of specs) {
    if (there.includes(name)) continue;
    yield {
      code: "kubernetes-node-missing",
      severity: "warning",
      path,
      message: `the lab makes the node ${name}, but the cluster has ${there.sort().join(", ") || "none"}`,
      remedy: "Deploy the stack `cluster`. If it was deployed, look at /var/log/bootstrap-*.log on the VM.",
    };
  }
};

/** StorageClasses of the claims. The one of `kubernetes.nfs` is made by the deploy. */
const storage: Check = function* ({ lab, facts }) {
  if (lab.modelStaging) return;
  const made = lab.kubernetes.nfs ? [lab.kubernetes.storageClass] : [];
  const wanted = releasesOf(lab).filter(([, { storageClass }]) => !made.includes(storageClass));
  if (wanted.length === 0) return;
  yield* unless(facts.storageClasses, "the StorageClasses", ["kubernetes", "storageClass"]);
  if (!facts.storageClasses.known) return;
  const there = facts.storageClasses.value;
  for (const name of new Set(wanted.map(([, { storageClass }]) => storageClass))) {
    if (there.includes(name)) continue;
    yield {
      code: "storage-class-missing",
      severity: "error",
      path:
        lab.kubernetes.storageClass === name
          ? ["kubernetes", "storageClass"]
          : releasePath(wanted.find(([, one]) => one.storageClass === name)?.[0] ?? "", "storageClass"),
      message: `the lab's claims have the StorageClass ${name}, but the cluster has ${[...there].sort().join(", ") || "none"}`,
      remedy: "Write one that is there, or let kubernetes.nfs make it. Without it the claim waits, and the pod with it.",
    };
  }
};

/** What a host needs: Traefik's definitions, cert-manager's, and an issuer that is ready. */
const hosts: Check = function* ({ lab, facts }) {
  const hosted = releasesOf(lab).filter(([, { host }]) => host);
  const [first] = hosted;
  if (!first) return;
  const path = releasePath(first[0], "host");
  yield* unless(facts.definitions, "which definitions the cluster has", path);
  if (!facts.definitions.known) return;
  const there = facts.definitions.value;
  const { certManager } = lab.kubernetes;
  const lacking = (wanted: readonly string[]) => wanted.filter((name) => !there.includes(name));
  const traefik = lacking(DEFINITIONS.traefik);
  if (traefik.length > 0) {
    yield {
      code: "traefik-missing",
      severity: "error",
      path,
      message: `the lab routes ${first[1].host} by Traefik, but the cluster has no ${traefik.join(" and no ")}`,
      remedy: "Install Traefik with its definitions, or take the host away.",
    };
  }
  if (certManager) return;
  const missing = lacking(DEFINITIONS.certManager);
  if (missing.length > 0) {
    yield {
      code: "cert-manager-missing",
      severity: "error",
      path,
      message: `the lab wants a certificate for ${first[1].host}, but the cluster has no ${missing.join(" and no ")}`,
      remedy: "Install cert-manager, or let kubernetes.certManager do it.",
    };
    return;
  }
  yield* issuerOf(lab, facts);
};

function* issuerOf({ kubernetes }: Lab, { issuer }: KubernetesFacts): Generator<Finding> {
  const path = ["kubernetes", "issuer"];
  yield* unless(issuer, `the ClusterIssuer ${kubernetes.issuer}`, path);
  if (!issuer.known) return;
  if (!issuer.value) {
    yield {
      code: "issuer-missing",
      severity: "error",
      path,
      message: `the lab's certificates are from the ClusterIssuer ${kubernetes.issuer}, but the cluster has none of that name`,
      remedy: "Write one that `kubectl get clusterissuers` shows, or let kubernetes.certManager make it.",
    };
    return;
  }
  const ready = issuer.value.status.conditions.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return;
  yield {
    code: "issuer-not-ready",
    severity: "warning",
    path,
    message: `the ClusterIssuer ${kubernetes.issuer} is not ready, so no certificate comes: ${ready?.message ?? "it has no condition yet"}`,
    remedy: `Look at it: kubectl describe clusterissuer ${kubernetes.issuer}`,
  };
}

function hasLabels({ metadata }: KubernetesNode, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => metadata.labels[key] === value);
}

function gpusOf({ status }: KubernetesNode): number {
  return Number(status.allocatable[GPU_RESOURCE] ?? 0);
}

/** GPU nodes: labelled, with cards that can be allocated, as many as the lab wants; and the runtime class. */
const gpus: Check = function* ({ lab, facts }) {
  const wanting = releasesOf(lab).filter(([, { gpus: number, replicas }]) => number > 0 && replicas > 0);
  if (wanting.length === 0) return;
  const [first = ""] = wanting[0] ?? [];
  const path = releasePath(first, "gpus");
  yield* unless(facts.runtimeClasses, "the RuntimeClasses", path);
  if (facts.runtimeClasses.known && !facts.runtimeClasses.value.includes(GPU_RUNTIME_CLASS)) {
    yield {
      code: "runtime-class-missing",
      severity: "error",
      path,
      message: `pods with GPUs run with the RuntimeClass ${GPU_RUNTIME_CLASS}, but the cluster has ${facts.runtimeClasses.value.join(", ") || "none"}`,
      remedy:
        "Install the NVIDIA container toolkit on the GPU nodes. K3s makes the RuntimeClass when it starts after that; elsewhere make it.",
    };
  }
  if (!facts.nodes.known) return;
  for (const [key, { nodeSelector }] of wanting) {
    const selector = nodeSelector ?? GPU_SELECTOR;
    if (facts.nodes.value.some((node) => hasLabels(node, selector))) continue;
    const labels = Object.entries(selector).map(([name, value]) => `${name}=${value}`);
    yield {
      code: "gpu-nodes-missing",
      severity: "error",
      path: releasePath(key, "gpus"),
      message: `${key} runs on nodes with ${labels.join(" and ")}, but no node of the cluster has that`,
      remedy: `Label the node that has the card: kubectl label node NAME ${labels.join(" ")}`,
    };
  }
  const labelled = facts.nodes.value.filter((node) =>
    wanting.some(([, { nodeSelector }]) => hasLabels(node, nodeSelector ?? GPU_SELECTOR)),
  );
  if (labelled.length === 0) return;
  // Before its device plugin is there no node says how many cards it has.
  const willInstall = lab.kubernetes.devicePlugin !== undefined && facts.devicePlugin.known && !facts.devicePlugin.value;
  const empty = labelled.filter((node) => gpusOf(node) === 0);
  if (empty.length > 0 && !willInstall) {
    yield {
      code: "gpu-not-allocatable",
      severity: empty.length === labelled.length ? "error" : "warning",
      path,
      message: `the label says that ${empty.map(({ metadata }) => metadata.name).join(" and ")} has GPUs, but no ${GPU_RESOURCE} can be allocated there`,
      remedy: "Look at the device plugin there: kubectl -n nvidia-device-plugin get pods -o wide, and at nvidia-smi on the node.",
    };
  }
  const there = labelled.reduce((sum, node) => sum + gpusOf(node), 0);
  const sum = wanting.reduce((total, [, { gpus: number, replicas }]) => total + number * replicas, 0);
  if (there > 0 && sum > there) {
    yield {
      code: "gpus-too-few",
      severity: "error",
      path,
      message: `the lab's pods want ${sum} GPUs together, but the cluster's nodes have ${there}`,
      remedy: "Lower gpus or replicas, or add a worker with a card. devicePlugin.timeSlicing lets pods take turns on one.",
    };
  }
};

/** Claims that are there although their release is not: a deploy would end with "already exists". */
const adopted: Check = function* ({ lab, facts }) {
  if (lab.modelStaging || !facts.claims.known || !facts.deployments.known) return;
  const namespace = lab.ollama?.namespace ?? "";
  for (const [key] of releasesOf(lab)) {
    const claim = facts.claims.value.find(({ metadata }) => metadata.name === key);
    if (!claim || facts.deployments.value.some(({ metadata }) => metadata.name === key)) continue;
    yield {
      code: "claim-to-adopt",
      severity: "warning",
      path: releasePath(key),
      message: `the claim ${key} is in the namespace ${namespace} already, but its release is not: unless the claim is in Terraform's state, a deploy ends with "already exists"`,
      remedy: `Take it over in cdktf.out/stacks/ollama: terraform import kubernetes_persistent_volume_claim_v1.${key} ${namespace}/${key}. The output import_commands has every command.`,
    };
  }
};

/** What is deployed: pods that are ready, and models that are there. */
const deployed: Check = function* ({ lab, facts }) {
  if (!facts.deployments.known) return;
  const namespace = lab.ollama?.namespace ?? "";
  for (const [key, { models: wanted, replicas }] of releasesOf(lab)) {
    const deployment = facts.deployments.value.find(({ metadata }) => metadata.name === key);
    if (!deployment || replicas === 0) continue;
    if (deployment.status.readyReplicas < deployment.spec.replicas) {
      yield {
        code: "release-not-ready",
        severity: "warning",
        path: releasePath(key),
        message: `${deployment.status.readyReplicas} of ${deployment.spec.replicas} pods of the release ${key} are ready`,
        remedy: `Look at them: kubectl -n ${namespace} describe pods -l app.kubernetes.io/instance=${key}`,
      };
    }
    const models = facts.models.get(key);
    if (!models) continue;
    const check = `scripts/ollama-health.sh --internal --namespace ${namespace} --service ${key}`;
    if (!models.known) {
      yield {
        code: "ollama-unknown",
        severity: "unknown",
        path: releasePath(key),
        message: `which models the release ${key} has cannot be asked through the API server: ${models.why}`,
        remedy: `Ask by a port-forward: ${check}`,
      };
      continue;
    }
    const missing = missingModels(wanted, models.value);
    if (missing.length === 0) continue;
    yield {
      code: "model-missing",
      severity: "warning",
      path: releasePath(key, "models"),
      message: `the release ${key} serves, but it lacks ${missing.join(", ")}`,
      remedy: lab.modelStaging
        ? `Stage them: deploy model-staging, then ollama. Then: ${check}`
        : `Deploy it again with -replace as docs/operations.md says, or pull: kubectl -n ${namespace} exec deploy/${key} -- ollama pull ${missing[0]}`,
    };
  }
};

const CHECKS: readonly Check[] = [version, nodes, storage, hosts, gpus, adopted, deployed];

/** Everything that the checks find in what the cluster said. Pure. */
export function clusterFindings(examined: ExaminedCluster): Finding[] {
  return CHECKS.flatMap((check) => [...check(examined)]);
}
