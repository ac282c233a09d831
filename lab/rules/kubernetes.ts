import { checkChartValues, checkedWith, type KnownChart } from "../../grammar/chart-values";
import { minorOf } from "../../grammar/k3s-version";
import { devicePluginOf } from "../kubernetes";
import type { PartialLab } from "../lab";
import type { Path } from "../problem";
import { error, type Finding, rule, warning } from "./rule";

/** A chart of the lab: its version, the values given to it, and where the lab says so. */
interface ChartUse {
  readonly chart: KnownChart;
  readonly version: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly path: Path;
}

/** Values that this project sets for itself, and what in the lab they follow from. */
const OWN_VALUES: Readonly<Partial<Record<KnownChart, Readonly<Record<string, string>>>>> = {
  ollama: {
    fullnameOverride: "the key of the release",
    namespaceOverride: "ollama.namespace",
    persistentVolume: "storageGi, storageClass and accessMode: the claim is kept apart from the release",
    replicaCount: "replicas",
    "ollama.models": "models: a pull inside the release fails silently and keeps pods from ending",
    "ollama.port": "nothing; the port is 11434",
    "ollama.gpu.enabled": "gpus",
    "ollama.gpu.number": "gpus",
  },
  "nvidia-device-plugin": { "config.map": "timeSlicing" },
};

function* chartUses({ kubernetes, ollama, ...lab }: PartialLab): Iterable<ChartUse> {
  const plugin = devicePluginOf({ kubernetes, ollama, ...lab });
  if (plugin) {
    yield {
      chart: "nvidia-device-plugin",
      version: plugin.chart.version,
      values: plugin.values,
      path: ["kubernetes", "devicePlugin"],
    };
  }
  for (const [key, chart] of [
    ["nfs", "csi-driver-nfs"],
    ["certManager", "cert-manager"],
  ] as const) {
    const use = kubernetes?.[key];
    if (use) yield { chart, version: use.chart.version, values: use.values, path: ["kubernetes", key] };
  }
  for (const [key, { values }] of Object.entries(ollama?.releases ?? {})) {
    yield { chart: "ollama", version: ollama?.chart.version ?? "", values, path: ["ollama", "releases", key] };
  }
}

/** Values that a chart would ignore, or that contradict what the lab says elsewhere. */
export const chartValues = rule([], function* (lab) {
  for (const { chart, version, values, path } of chartUses(lab)) {
    const basis = checkedWith(chart, version);
    for (const fault of checkChartValues(chart, version, values)) {
      const at = [...path, "values", ...fault.key.split(".")];
      // Another version than the one whose keys are known may have keys of its own.
      if (fault.code === "unknown-chart-key" && !basis.exact) {
        yield warning(fault.code, at, `${fault.message} (as of version ${basis.version})`, fault.remedy);
      } else yield error(fault.code, at, fault.message, fault.remedy);
    }
    for (const [key, from] of Object.entries(OWN_VALUES[chart] ?? {})) {
      const parts = key.split(".");
      const given = parts.reduce<unknown>(
        (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
        values,
      );
      if (given === undefined) continue;
      yield error("chart-value-taken", [...path, "values", ...parts], `${key} follows from ${from}`, "Take it out of values.");
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

/** The routes are written for Traefik 3 and understood by 2.10 and later; before that their API group did not exist. */
export const traefikVersion = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  const hosts = Object.values(ollama.releases).filter(({ host }) => host);
  if (hosts.length === 0) return;
  const minor = minorOf(cluster.k3sVersion);
  if (cluster.disable.includes("traefik")) {
    yield warning(
      "no-traefik",
      ["cluster", "disable"],
      `${hosts.map(({ host }) => host).join(", ")} is to be served by Traefik, and the cluster is made without it`,
      "Take traefik out of cluster.disable, or install a Traefik of version 2.10 or later yourself.",
    );
  } else if (minor < 28) {
    yield warning(
      "old-traefik",
      ["cluster", "k3sVersion"],
      `${cluster.k3sVersion} brings a Traefik before 2.10, and the routes are of the API group traefik.io, which it does not have`,
      `Upgrade K3s; from 1.${TRAEFIK_3_MINOR} it brings Traefik 3.`,
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
