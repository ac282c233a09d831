import { type Changes, clusterLab, gpuLab, labWith, problemsOf } from "../../../testing/lab";
import { accepted, certManager, cluster, locked, pool, RELEASE, refused, release, servers, warned, worker } from "./rejected";

refused(clusterLab, [
  {
    fact: "servers two minor versions apart",
    lab: servers(3, {
      servers: {
        ...servers(3).cluster.servers,
        "k3s-2": { vmId: 302, address: "192.0.2.32", node: "pve2", k3sVersion: "v1.38.0+k3s1" },
      },
    }),
    code: "server-skew",
    path: "cluster.servers",
    names: ["1.36", "1.38"],
  },
  {
    fact: "a worker newer than the servers",
    lab: worker({ k3sVersion: "v1.36.4+k3s1" }),
    code: "worker-skew",
    path: "cluster.workers.gpu-1.k3sVersion",
    names: ["v1.36.4+k3s1", "v1.36.3+k3s1"],
  },
  {
    fact: "a pool four minor versions older than the servers, in one problem for all members,",
    lab: {
      ...pool({ k3sVersion: "v1.35.1+k3s1" }),
      cluster: { ...pool({ k3sVersion: "v1.35.1+k3s1" }).cluster, k3sVersion: "v1.39.0+k3s1" },
    },
    code: "worker-skew",
    path: "cluster.pools.cpu.k3sVersion",
    names: ["v1.35.1+k3s1", "v1.39.0+k3s1", "3 minor"],
  },
]);

warned(clusterLab, [
  ...(
    [
      ["https://images.lab.example/jammy/20250805/jammy-server-cloudimg-amd64.img", "22.04"],
      ["https://images.lab.example/release-20250805/ubuntu-22.04-server-cloudimg-amd64.img", "22.04"],
      ["https://images.lab.example/focal/20250805/disk.img", "20.04"],
    ] as const
  ).map(([url, ubuntu]) => ({
    fact: `an image of Ubuntu ${ubuntu} at ${url}`,
    lab: { cluster: { image: { url } } },
    code: "untried-ubuntu" as const,
    stacks: ["cluster"] as const,
    path: "cluster.image",
    names: [`Ubuntu ${ubuntu}`, "Ubuntu 24.04"],
    remedy: "Choose an image of Ubuntu 24.04.",
  })),
  {
    fact: "a volume that is an image of Ubuntu 22.04",
    lab: { cluster: { image: "local:import/jammy-server-cloudimg-amd64.qcow2" } },
    code: "untried-ubuntu",
    stacks: ["cluster"],
    path: "cluster.image",
    names: ["Ubuntu 22.04", "Ubuntu 24.04"],
  },
  {
    fact: "a K3s version that gets no more patches, whatever the clock says,",
    lab: cluster({ k3sVersion: "v1.30.5+k3s1" }),
    code: "k3s-ended",
    stacks: ["cluster"],
    path: "cluster.k3sVersion",
    names: ["1.30", "2025-06-28"],
  },
  {
    fact: "a K3s version older than the table of dates",
    lab: cluster({ k3sVersion: "v1.24.17+k3s1" }),
    code: "k3s-ended",
    stacks: ["cluster"],
    path: "cluster.k3sVersion",
    names: ["1.24", "before 2024-10-28"],
  },
]);

warned(gpuLab, [
  {
    fact: "a cert-manager too new for the cluster",
    lab: { cluster: { k3sVersion: "v1.30.5+k3s1" } },
    code: "cert-manager-version",
    stacks: ["platform"],
    path: "kubernetes.certManager",
    names: ["v1.21.1", "v1.30.5+k3s1", "1.33 to 1.36"],
    beside: "k3s-ended",
    remedy: "Upgrade K3s, or set certManager.chart.version to an older line.",
  },
  {
    fact: "a cert-manager too old for the cluster",
    lab: certManager({ chart: { version: "v1.18.2" } }),
    code: "cert-manager-version",
    stacks: ["platform"],
    path: "kubernetes.certManager",
    names: ["v1.18.2", "v1.36.3+k3s1", "1.29 to 1.33"],
    remedy: "Set certManager.chart.version to a newer line.",
  },
  {
    fact: "a K3s whose Traefik does not know the API group of the routes",
    lab: {
      cluster: { k3sVersion: "v1.27.9+k3s1" },
      ...certManager({ chart: { version: "v1.13.0" } }),
      ...release(locked("ollama.home.example")),
    },
    code: "old-traefik",
    stacks: ["cluster", "ollama"],
    path: "cluster.k3sVersion",
    names: ["v1.27.9+k3s1", "traefik.io"],
    beside: "k3s-ended",
  },
  {
    fact: "allowFrom with a K3s whose Traefik may not know it",
    lab: {
      cluster: { k3sVersion: "v1.29.4+k3s1" },
      ...certManager({ chart: { version: "v1.18.2" } }),
      ...release({ host: "ollama.home.example", allowFrom: ["192.0.2.0/24"] }),
    },
    code: "old-traefik",
    stacks: ["cluster", "ollama"],
    path: `${RELEASE}.allowFrom`,
    names: ["v1.29.4+k3s1", "allowFrom"],
    beside: "k3s-ended",
  },
]);

accepted(clusterLab, [
  [
    "a worker three minor versions older than the servers",
    cluster({ k3sVersion: "v1.38.1+k3s1", workers: { "gpu-1": { k3sVersion: "v1.35.1+k3s1" } } }),
  ],
]);

test("an old Traefik is no problem where no release has a host", () => {
  const old = (changes: Changes) =>
    problemsOf(labWith({ cluster: { k3sVersion: "v1.24.17+k3s1" }, ...release(changes) }, gpuLab)).map(({ code }) => code);
  expect([old({}).includes("old-traefik"), old({ ...locked("ollama.home.example") }).includes("old-traefik")]).toEqual([
    false,
    true,
  ]);
});
