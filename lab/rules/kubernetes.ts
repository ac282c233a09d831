import { checkChartValues, checkedWith, type KnownChart } from "../../grammar/chart-values";
import { minorOf } from "../../grammar/k3s-version";
import { nearest } from "../../grammar/nearest";
import { compareVersions } from "../../grammar/version";
import { accessModeOf, devicePluginOf, type OllamaRelease } from "../kubernetes";
import type { PartialLab } from "../lab";
import type { Path } from "../problem";
import { error, type Finding, rule, warning } from "./rule";

/** A value that this project sets for itself: its path, and why it is not free. */
type OwnValue = readonly [path: readonly string[], reason: string];

/** A chart of the lab: its version, the values given to it, and where the lab says so. */
interface ChartUse {
  readonly chart: KnownChart;
  readonly version: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly path: Path;
  readonly own: readonly OwnValue[];
}

const own = (key: string, reason: string): OwnValue => [key.split("."), reason];

/** Values of the chart ollama that contradict, or take away, what the lab says elsewhere. */
function ownOllamaValues(release: OllamaRelease, airGapped: boolean): OwnValue[] {
  const waits = release.gpus > 0 || (!airGapped && accessModeOf(release) === "ReadWriteOnce");
  return [
    own("fullnameOverride", "follows from the key of the release"),
    own("nameOverride", "is how the network policy finds Ollama's pods"),
    own("namespaceOverride", "follows from ollama.namespace"),
    own("replicaCount", "follows from replicas"),
    own("autoscaling", "would take the number of pods out of the lab's hands, and out of its rules"),
    own("knative", "would take away the Service that routes and Jobs use"),
    own("persistentVolume", "follows from storageGi, storageClass and accessMode: the claim is kept apart from the release"),
    own("ollama.models", "follows from models: a pull inside the release fails silently and keeps pods from ending"),
    own("ollama.port", "is 11434 for all that use it"),
    own("service.port", "is 11434 for all that use it"),
    own("ollama.mountPath", "is where the claim is mounted, /root/.ollama"),
    own("ollama.gpu.enabled", "follows from gpus"),
    own("ollama.gpu.number", "follows from gpus"),
    own("ollama.gpu.type", "is nvidia"),
    own("image.repository", "follows from image"),
    own("image.tag", "follows from image"),
    ...["requests", "limits"].flatMap((side) => [
      own(`resources.${side}.cpu`, "follows from the release's resources"),
      own(`resources.${side}.memory`, "follows from the release's resources"),
      [["resources", side, "nvidia.com/gpu"], "follows from gpus"] as const,
    ]),
    own("nodeSelector", "follows from the release's nodeSelector"),
    own("tolerations", "follows from the release's tolerations"),
    own("extraEnv", "follows from environment; for variables from a Secret there is extraEnvFrom"),
    ...(waits ? [own("updateStrategy", "is Recreate: a new pod would wait for the GPU, or the volume, of the old one")] : []),
    ...(airGapped
      ? ["volumes", "volumeMounts", "initContainers"].map((key) => own(key, "follows from airGapped: it mounts the models"))
      : []),
  ];
}

function* chartUses({ kubernetes, ollama, ...lab }: PartialLab): Iterable<ChartUse> {
  const plugin = devicePluginOf({ kubernetes, ollama, ...lab });
  if (plugin) {
    yield {
      chart: "nvidia-device-plugin",
      version: plugin.chart.version,
      values: plugin.values,
      path: ["kubernetes", "devicePlugin"],
      own: plugin.timeSlicing ? [own("config", "follows from timeSlicing")] : [],
    };
  }
  for (const [key, chart] of [
    ["nfs", "csi-driver-nfs"],
    ["certManager", "cert-manager"],
  ] as const) {
    const use = kubernetes?.[key];
    if (use) yield { chart, version: use.chart.version, values: use.values, path: ["kubernetes", key], own: [] };
  }
  for (const [key, release] of Object.entries(ollama?.releases ?? {})) {
    yield {
      chart: "ollama",
      version: ollama?.chart.version ?? "",
      values: release.values,
      path: ["ollama", "releases", key],
      own: ownOllamaValues(release, lab.airGapped ?? false),
    };
  }
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    values,
  );
}

/** Values that a chart would ignore, or that contradict what the lab says elsewhere. */
export const chartValues = rule([], function* (lab) {
  for (const { chart, version, values, path, own: taken } of chartUses(lab)) {
    const basis = checkedWith(chart, version);
    for (const fault of checkChartValues(chart, version, values)) {
      const at = [...path, "values", ...fault.key.split(".")];
      // Another version than the one whose keys are known may have keys of its own.
      if (fault.code === "unknown-chart-key" && !basis.exact) {
        yield warning(fault.code, at, `${fault.message} (as of version ${basis.version})`, fault.remedy);
      } else yield error(fault.code, at, fault.message, fault.remedy);
    }
    for (const [keys, reason] of taken) {
      if (valueAt(values, keys) === undefined) continue;
      yield error("chart-value-taken", [...path, "values", ...keys], `${keys.join(".")} ${reason}`, "Take it out of values.");
    }
  }
});

/** A chart comes from one place. */
export const chartSources = rule([], function* ({ kubernetes, ollama }) {
  const plugin = kubernetes?.devicePlugin || undefined;
  const charts: [Path, { repository?: string; oci?: string; file?: string } | undefined][] = [
    [["ollama", "chart"], ollama?.chart],
    [["kubernetes", "devicePlugin", "chart"], plugin?.chart],
    [["kubernetes", "nfs", "chart"], kubernetes?.nfs?.chart],
    [["kubernetes", "certManager", "chart"], kubernetes?.certManager?.chart],
  ];
  for (const [path, chart] of charts) {
    const given = (["repository", "oci", "file"] as const).filter((key) => chart?.[key] !== undefined);
    if (given.length < 2) continue;
    yield error("two-chart-sources", path, `the chart is to come from ${given.join(" and ")}`, "Keep one of them.");
  }
});

/** The oldest and newest Kubernetes minor version that each cert-manager line was tested with (cert-manager.io/docs/releases). */
const CERT_MANAGER_KUBERNETES: Readonly<Record<string, readonly [number, number]>> = {
  "1.18": [29, 33],
  "1.19": [31, 35],
  "1.20": [32, 35],
  "1.21": [33, 36],
};

/** The first Kubernetes minor version whose K3s brings Traefik 3. */
const TRAEFIK_3_MINOR = 32;

/** Versions of what the cluster has that were not made for each other. */
export const certManagerVersion = rule(["kubernetes", "cluster"], function* ({ kubernetes, cluster }) {
  const version = kubernetes.certManager?.chart.version;
  const line = version && /^v?(\d+\.\d+)\./.exec(version)?.[1];
  const range = line ? CERT_MANAGER_KUBERNETES[line] : undefined;
  const minor = minorOf(cluster.k3sVersion);
  if (!version || !range || (minor >= range[0] && minor <= range[1])) return;
  yield warning(
    "cert-manager-version",
    ["kubernetes", "certManager"],
    `cert-manager ${version} was tested with Kubernetes 1.${range[0]} to 1.${range[1]}, and the cluster has ${cluster.k3sVersion}`,
    minor < range[0]
      ? "Upgrade K3s, or set certManager.chart.version to an older line."
      : "Set certManager.chart.version to a newer line.",
  );
});

/** The first K3s that is known to bring Traefik 2.11, which has the middleware ipAllowList. */
const ALLOW_LIST_K3S = "v1.30.5+k3s1";

/** The routes are written for Traefik 3 and understood by 2.10 and later; before that their API group did not exist. */
export const traefikVersion = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  const routed = Object.entries(ollama.releases).filter(([, { host }]) => host);
  if (routed.length === 0) return;
  const version = cluster.k3sVersion;
  const listed = routed.find(([, { allowFrom }]) => allowFrom.length > 0);
  if (cluster.disable.includes("traefik")) {
    yield warning(
      "no-traefik",
      ["cluster", "disable"],
      `${routed.map(([, { host }]) => host).join(", ")} is to be served by Traefik, and the cluster is made without it`,
      "Take traefik out of cluster.disable, or install a Traefik of version 2.10 or later yourself.",
    );
  } else if (minorOf(version) < 28) {
    yield warning(
      "old-traefik",
      ["cluster", "k3sVersion"],
      `${version} brings a Traefik before 2.10, and the routes are of the API group traefik.io, which it does not have`,
      `Upgrade K3s; from 1.${TRAEFIK_3_MINOR} it brings Traefik 3.`,
    );
  } else if (listed && compareVersions(version, ALLOW_LIST_K3S) < 0) {
    yield warning(
      "old-traefik",
      ["ollama", "releases", listed[0], "allowFrom"],
      `${version} may bring a Traefik before 2.11, which does not know the middleware of allowFrom and then serves nothing`,
      `Upgrade K3s to ${ALLOW_LIST_K3S} or later.`,
    );
  }
});

/** Names of the internet that are none, or mean a private network. */
const PRIVATE_NAME = /(^|\.)(local|lan|home|internal|intranet|localdomain|home\.arpa|private|corp|test)$/;
const PRIVATE_NETWORK = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

/** A certificate authority that checks by HTTP must reach the host from the internet. */
export const reachableForHttp01 = rule(["ollama", "kubernetes"], function* ({ ollama, kubernetes, network }) {
  const { certManager } = kubernetes;
  if (!certManager || certManager.dns01) return;
  const clients = network?.clients ?? [];
  const closed = clients.length > 0 && clients.every((client) => PRIVATE_NETWORK.test(client));
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    if (!host || (!closed && !PRIVATE_NAME.test(host))) continue;
    yield warning(
      "http01-private-host",
      ["ollama", "releases", key, "host"],
      `the certificate of ${host} is to be checked by HTTP-01, and ${closed ? "network.clients lets only private networks in" : "its name is a private one"}`,
      "Set kubernetes.certManager.dns01, which needs no way in from the internet.",
    );
  }
});

/** Secrets of a solver that stand in the lab, and so in the output, instead of in a Secret of the cluster. */
function* literalSecrets(value: unknown, path: Path): Iterable<Finding> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (
      typeof item === "string" &&
      /(token|secret|password|secretaccesskey|apikey|key)$/i.test(key) &&
      !/Ref$/.test(String(path.at(-1)))
    ) {
      yield error(
        "credential-in-solver",
        [...path, key],
        `${key} is a credential, and what stands in the lab stands in the output`,
        "Put it into a Secret in the namespace cert-manager, and name that by the field that ends in SecretRef.",
      );
    } else yield* literalSecrets(item, [...path, key]);
  }
}

/** Solver secrets go by reference. */
export const solverSecrets = rule(["kubernetes"], function* ({ kubernetes }) {
  yield* literalSecrets(kubernetes.certManager?.dns01, ["kubernetes", "certManager", "dns01"]);
});

/** The DNS-01 solvers of cert-manager (its API, acme.cert-manager.io/v1). */
const SOLVERS = [
  "acmeDNS",
  "akamai",
  "azureDNS",
  "cloudDNS",
  "cloudflare",
  "digitalocean",
  "rfc2136",
  "route53",
  "webhook",
] as const;

/** The API drops a solver that it does not know without a word, and no certificate is ever issued. */
export const knownSolver = rule(["kubernetes"], function* ({ kubernetes }) {
  const { dns01 } = kubernetes.certManager ?? {};
  if (!dns01) return;
  const path: Path = ["kubernetes", "certManager", "dns01"];
  const given = Object.keys(dns01).filter((key) => key !== "cnameStrategy");
  for (const key of given) {
    if (SOLVERS.some((solver) => solver === key)) continue;
    const meant = nearest(key, SOLVERS);
    yield error(
      "unknown-solver",
      [...path, key],
      `cert-manager has no DNS-01 solver ${key}, and would ignore it without a word`,
      meant ? `Did you mean ${meant}?` : `It has ${SOLVERS.join(", ")}.`,
    );
  }
  if (given.length === 1) return;
  yield error(
    "one-solver",
    path,
    `dns01 names ${given.length === 0 ? "no solver" : given.join(" and ")}, and cert-manager takes exactly one`,
    "Name one, such as cloudflare.",
  );
});

/** Namespaces that every cluster has. */
const CLUSTER_NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** A namespace that is there already cannot be created: the plan passes, and the apply fails. */
export const namespaceTaken = rule(["ollama"], function* ({ ollama, ...lab }) {
  const { namespace } = ollama;
  const owner =
    (CLUSTER_NAMESPACES.includes(namespace) && "every cluster") ||
    (namespace === "cert-manager" && lab.kubernetes?.certManager && "kubernetes.certManager") ||
    (namespace === "nvidia-device-plugin" && devicePluginOf({ ...lab, ollama }) && "the device plugin") ||
    undefined;
  if (!owner) return;
  yield error(
    "namespace-taken",
    ["ollama", "namespace"],
    `the namespace ${namespace} is that of ${owner}, and Ollama's is made by this lab`,
    "Name one of its own, such as ml.",
  );
});

/** K3s' own StorageClass: folders of a node, for the pods of that node. */
const NODE_STORAGE = "local-path";

/** In a cluster that the lab makes, what the Ollama releases rely on is there only when the lab makes that as well. */
export const platformForOllama = rule(["ollama", "kubernetes", "cluster"], function* (lab) {
  const { ollama, kubernetes, cluster } = lab;
  const releases = Object.entries(ollama.releases);
  for (const [key, release] of lab.airGapped ? [] : releases) {
    const storageClass = release.storageClass ?? kubernetes.storageClass;
    const at: Path = release.storageClass
      ? ["ollama", "releases", key, "storageClass"]
      : kubernetes.storageClass === NODE_STORAGE
        ? ["kubernetes", "storageClass"]
        : ["kubernetes", "nfs"];
    if (storageClass === NODE_STORAGE && !cluster.disable.includes("local-storage")) {
      if (accessModeOf(release) === "ReadWriteOnce") continue;
      yield error(
        "node-storage-shared",
        at,
        `${key} wants a ReadWriteMany claim of ${NODE_STORAGE}, whose volumes are folders of one node`,
        "Use a StorageClass on shared storage, such as that of kubernetes.nfs.",
      );
    } else if (!kubernetes.nfs || storageClass !== kubernetes.storageClass) {
      yield warning(
        "storage-class-missing",
        at,
        `${key} takes its claim from the StorageClass ${storageClass}, which nothing in this lab makes for its new cluster`,
        `Set kubernetes.nfs, use ${NODE_STORAGE}, or make the class before the stack ollama is deployed.`,
      );
    }
  }
  const hosts = releases.flatMap(([, { host }]) => host ?? []);
  if (hosts.length > 0 && !kubernetes.certManager) {
    yield warning(
      "issuer-missing",
      ["kubernetes", "certManager"],
      `the certificate of ${hosts.join(", ")} is to come from the ClusterIssuer ${kubernetes.issuer}, which nothing in this lab makes for its new cluster`,
      "Set kubernetes.certManager, or install cert-manager and the issuer before the stack ollama is deployed.",
    );
  }
});

/** GPUs are schedulable only where a device plugin announces them. */
export const devicePluginForGpus = rule(["ollama", "kubernetes", "cluster"], function* ({ ollama, kubernetes }) {
  if (kubernetes.devicePlugin !== false) return;
  const [key] = Object.entries(ollama.releases).find(([, { gpus }]) => gpus > 0) ?? [];
  if (!key) return;
  yield warning(
    "no-device-plugin",
    ["kubernetes", "devicePlugin"],
    `${key} wants GPUs of the cluster that this lab makes, and devicePlugin is false, so nothing announces them`,
    "Take devicePlugin: false out, or install NVIDIA's device plugin before the stack ollama is deployed.",
  );
});
