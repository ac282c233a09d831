import { CERT_MANAGER_KUBERNETES, CERT_MANAGER_RELEASES } from "../../catalog/cert-manager";
import {
  API_SERVER_SKEW,
  KUBELET_SKEW,
  KUBERNETES_ENDED,
  OLDEST_KUBERNETES_ENDED,
  SIDECAR_MINOR,
} from "../../catalog/kubernetes";
import {
  ALLOW_LIST_K3S,
  ALLOW_LIST_VERSION,
  TRAEFIK_3_MINOR,
  TRAEFIK_API_GROUP,
  TRAEFIK_API_MINOR,
  TRAEFIK_API_VERSION,
} from "../../catalog/traefik";
import { NODE_RELEASE, ubuntuReleaseOf } from "../../catalog/ubuntu";
import { minorOf } from "../../grammar/k3s-version";
import { compareVersions } from "../../grammar/version";
import { serversOf, workersOf } from "../cluster";
import { finder } from "../finding";
import { formatPath } from "../problem";
import { rule } from "./rule";

const kinds = {
  "k3s-ended": {
    severity: "warning",
    stacks: ["cluster"],
    meaning:
      "This Kubernetes version gets no more patches. The dates are in a table, so the answer does not depend on the clock.",
    example: `
      cluster:
        k3sVersion: v1.30.5+k3s1
    `,
    remedy: "Plan an upgrade, one minor version after another: docs/upgrades.md.",
  },
  "server-skew": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The servers differ by more than one Kubernetes minor version. API servers may differ by one (version skew policy).",
    example: `
      cluster:
        k3sVersion: v1.36.3+k3s1
        firstServer: k3s-1
        servers:
          k3s-1: { vmId: 301, address: 192.0.2.31 }
          k3s-2: { vmId: 302, address: 192.0.2.32, k3sVersion: v1.38.0+k3s1 }
          k3s-3: { vmId: 303, address: 192.0.2.33 }
    `,
    remedy: "Upgrade the older ones first.",
  },
  "worker-skew": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "A worker is newer than a server, or more than three Kubernetes minor versions older (version skew policy), so it may not join.",
    example: `
      cluster:
        k3sVersion: v1.36.3+k3s1
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, k3sVersion: v1.36.4+k3s1 }
    `,
    remedy: "Upgrade the servers first, then the workers.",
  },
  "k3s-without-sidecars": {
    severity: "error",
    stacks: ["model-staging", "ollama"],
    meaning: `In an air-gapped lab a sidecar checks that the staged models are there. Sidecars count for a pod's readiness from Kubernetes 1.${SIDECAR_MINOR} on.`,
    example: `
      airGapped: true
      cluster:
        k3sVersion: v1.28.15+k3s1
    `,
    remedy: "Use a newer K3s.",
  },
  "cert-manager-version": {
    severity: "warning",
    stacks: ["platform"],
    meaning: `cert-manager was not tested with the Kubernetes version of the cluster (${CERT_MANAGER_RELEASES}).`,
    example: `
      kubernetes:
        certManager: { email: operator@lab.example, chart: { version: v1.18.2 } }
    `,
    remedy: "Choose a line of cert-manager that was tested with it.",
  },
  "old-traefik": {
    severity: "warning",
    stacks: ["cluster", "ollama"],
    meaning: `This K3s brings a Traefik that does not know what the routes need: the API group ${TRAEFIK_API_GROUP} (from ${TRAEFIK_API_VERSION}) or the middleware of allowFrom (from ${ALLOW_LIST_VERSION}).`,
    example: `
      cluster:
        k3sVersion: v1.27.9+k3s1
      ollama:
        releases:
          ollama: { host: ollama.home.example }
    `,
    remedy: "Upgrade K3s.",
  },
  "untried-ubuntu": {
    severity: "warning",
    stacks: ["cluster"],
    meaning: `The nodes of a cluster are set up, and their NVIDIA driver is installed, as Ubuntu ${NODE_RELEASE} needs it. Nobody has tried it with this release.`,
    example: `
      cluster:
        image: { url: https://images.lab.example/jammy/20250805/jammy-server-cloudimg-amd64.img }
    `,
    remedy: `Choose an image of Ubuntu ${NODE_RELEASE}.`,
  },
} as const;
const found = finder(kinds);

/** The image is of the release that the set-up of nodes is made for. */
const imageRelease = rule(["cluster"], function* ({ cluster: { image } }) {
  if (image === undefined) return;
  const release = ubuntuReleaseOf(typeof image === "string" ? image : image.url);
  if (release === undefined || release === NODE_RELEASE) return;
  yield found(
    "untried-ubuntu",
    ["cluster", "image"],
    `the image is Ubuntu ${release}, but the set-up of the cluster's nodes is tried with Ubuntu ${NODE_RELEASE}`,
  );
});

/** Nobody patches a version that has ended. */
const endedVersions = rule(["cluster"], function* ({ cluster }) {
  const used = new Map(cluster.nodes.map(({ k3sVersion }) => [minorOf(k3sVersion), k3sVersion]));
  for (const [minor, version] of used) {
    const ended =
      KUBERNETES_ENDED[minor] ??
      (minor < OLDEST_KUBERNETES_ENDED ? `before ${KUBERNETES_ENDED[OLDEST_KUBERNETES_ENDED]}` : undefined);
    if (!ended) continue;
    yield found(
      "k3s-ended",
      ["cluster", "k3sVersion"],
      `${version} is Kubernetes 1.${minor}, which got its last patches ${ended.startsWith("before") ? ended : `on ${ended}`}`,
    );
  }
});

/** The versions of the nodes go together. */
const skew = rule(["cluster"], function* ({ cluster }) {
  const servers = serversOf(cluster);
  const minors = servers.map(({ k3sVersion }) => minorOf(k3sVersion));
  const [oldest, newest] = [Math.min(...minors), Math.max(...minors)];
  if (newest - oldest > API_SERVER_SKEW) {
    yield found(
      "server-skew",
      ["cluster", "servers"],
      `the servers have Kubernetes 1.${oldest} to 1.${newest}, but API servers may differ by one minor version`,
    );
  }
  const [oldestServer] = servers.map(({ k3sVersion }) => k3sVersion).sort(compareVersions);
  if (oldestServer === undefined) return;
  for (const { k3sVersion, path } of workersOf(cluster)) {
    const minor = minorOf(k3sVersion);
    if (newest - minor <= KUBELET_SKEW && compareVersions(k3sVersion, oldestServer) <= 0) continue;
    yield found(
      "worker-skew",
      [...path, "k3sVersion"],
      `${formatPath(path)} has ${k3sVersion}, but the oldest server has ${oldestServer}: a worker may be up to ${KUBELET_SKEW} minor versions older, and never newer`,
    );
  }
});

/** Production is ready only when its models are there. A sidecar checks that. */
const sidecars = rule(["airGapped", "cluster"], function* ({ airGapped, cluster }) {
  if (!airGapped) return;
  const old = cluster.nodes.find(({ k3sVersion }) => minorOf(k3sVersion) < SIDECAR_MINOR);
  if (!old) return;
  yield found(
    "k3s-without-sidecars",
    ["cluster", "k3sVersion"],
    `${old.key} has ${old.k3sVersion}, but the check that the staged models are there needs Kubernetes 1.${SIDECAR_MINOR}`,
  );
});

/** cert-manager was tested with the Kubernetes version of the cluster. */
const certManagerVersion = rule(["kubernetes", "cluster"], function* ({ kubernetes, cluster }) {
  const version = kubernetes.certManager?.chart.version;
  const line = version && /^v?(\d+\.\d+)\./.exec(version)?.[1];
  const range = line ? CERT_MANAGER_KUBERNETES[line] : undefined;
  const minor = minorOf(cluster.k3sVersion);
  if (!version || !range || (minor >= range[0] && minor <= range[1])) return;
  yield found(
    "cert-manager-version",
    ["kubernetes", "certManager"],
    `cert-manager ${version} was tested with Kubernetes 1.${range[0]} to 1.${range[1]}, but the cluster has ${cluster.k3sVersion}`,
    {
      remedy:
        minor < range[0]
          ? "Upgrade K3s, or set certManager.chart.version to an older line."
          : "Set certManager.chart.version to a newer line.",
    },
  );
});

/** The routes are written for Traefik 3. Traefik 2.10 and later understand them. Before 2.10 their API group did not exist. */
const traefikVersion = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  const routed = Object.entries(ollama.releases).filter(([, { host }]) => host);
  const version = cluster.k3sVersion;
  const listed = routed.find(([, { allowFrom }]) => allowFrom.length > 0);
  if (routed.length === 0 || cluster.disable.includes("traefik")) return;
  if (minorOf(version) < TRAEFIK_API_MINOR) {
    yield found(
      "old-traefik",
      ["cluster", "k3sVersion"],
      `the routes use the API group ${TRAEFIK_API_GROUP}, but ${version} brings a Traefik before ${TRAEFIK_API_VERSION}, which does not have it`,
      { remedy: `Upgrade K3s; from 1.${TRAEFIK_3_MINOR} on it brings Traefik 3.` },
    );
  } else if (listed && compareVersions(version, ALLOW_LIST_K3S) < 0) {
    yield found(
      "old-traefik",
      ["ollama", "releases", listed[0], "allowFrom"],
      `allowFrom needs Traefik ${ALLOW_LIST_VERSION}, but ${version} may bring an older one, which would serve nothing on this host`,
      { remedy: `Upgrade K3s to ${ALLOW_LIST_K3S} or later.` },
    );
  }
});

export const versions = {
  title: "Versions",
  kinds,
  rules: [imageRelease, endedVersions, skew, sidecars, certManagerVersion, traefikVersion],
};
