import { clusterLab, ollamaLab } from "../../testing/lab";
import { accepted, cluster, gpu, RELEASE, refused, release, worker } from "./rules/rejected";

refused(clusterLab, [
  {
    fact: "a volume id that is not of an imported image",
    lab: cluster({ image: "local:iso/noble.img" }),
    code: "invalid-image-volume",
    path: "cluster.image",
    names: ["local:iso/noble.img"],
  },
  {
    fact: "an image under a name that Proxmox does not import",
    lab: cluster({ image: { fileName: "noble.img" } }),
    code: "invalid-image-name",
    path: "cluster.image.fileName",
    names: ["noble.img"],
  },
  {
    fact: "a PCI path in upper case",
    lab: gpu({ path: "0000:0A:00" }),
    code: "invalid-pci-path",
    path: "proxmox.nodes.pve1.gpus.rtx.path",
    names: ["0000:0A:00"],
  },
  {
    fact: "a K3s version that is not the name of a release",
    lab: cluster({ k3sVersion: "v1.36.3" }),
    code: "invalid-k3s-version",
    path: "cluster.k3sVersion",
    names: ["v1.36.3"],
  },
  {
    fact: "a K3s version that is the name of a release candidate",
    lab: cluster({ k3sVersion: "1.36.3-rc1+k3s1" }),
    code: "invalid-k3s-version",
    path: "cluster.k3sVersion",
    names: ["1.36.3-rc1+k3s1"],
  },
  {
    fact: "a label of kubernetes.io that a node may not give itself",
    lab: worker({ labels: { "node-role.kubernetes.io/gpu": "true" } }),
    code: "reserved-label",
    path: "cluster.workers.gpu-1.labels.node-role.kubernetes.io/gpu",
    names: ["node-role.kubernetes.io"],
  },
  {
    fact: "a label of k8s.io in the defaults",
    lab: { defaults: { worker: { labels: { "k8s.io/disk": "ssd" } } } },
    code: "reserved-label",
    path: "defaults.worker.labels.k8s.io/disk",
    names: ["k8s.io"],
  },
  {
    fact: "a label whose value Kubernetes refuses",
    lab: worker({ labels: { disk: "very fast" } }),
    code: "invalid-label",
    path: "cluster.workers.gpu-1.labels.disk",
    names: ["very fast"],
  },
  {
    fact: "a taint without an effect",
    lab: worker({ taints: ["gpu=yes"] }),
    code: "invalid-taint",
    path: "cluster.workers.gpu-1.taints[0]",
    names: ["gpu=yes"],
  },
]);

refused(ollamaLab, [
  {
    fact: "a host that is not a DNS name",
    lab: release({ host: "https://ollama.home.example" }),
    code: "invalid-host",
    path: `${RELEASE}.host`,
    names: ["https://ollama.home.example"],
  },
  ...["~> 1.36", "1.36", "latest"].map((version) => ({
    fact: `the chart version ${version}`,
    lab: { ollama: { chart: { version } } },
    code: "chart-version-not-exact" as const,
    path: "ollama.chart.version",
    names: [version],
  })),
  {
    fact: "the image latest",
    lab: release({ image: "ollama/ollama:latest" }),
    code: "invalid-image",
    path: `${RELEASE}.image`,
    names: ["latest"],
  },
  {
    fact: "a keep-alive that Ollama does not take",
    lab: release({ keepAlive: "half an hour" }),
    code: "invalid-keep-alive",
    path: `${RELEASE}.keepAlive`,
    names: ["half an hour"],
  },
  {
    fact: "a variable that follows from the lab",
    lab: release({ environment: { OLLAMA_MODELS: "/models" } }),
    code: "invalid-environment",
    path: `${RELEASE}.environment.OLLAMA_MODELS`,
    names: ["OLLAMA_MODELS"],
  },
]);

accepted(clusterLab, [
  ["the label of a zone, which a node may give itself,", worker({ labels: { "topology.kubernetes.io/zone": "pve1" } })],
]);

accepted(ollamaLab, [["an image by its digest", release({ image: `ollama/ollama:0.32.15@sha256:${"a".repeat(64)}` })]]);
