import type { Chart } from "./chart";
import keys0200 from "./chart-keys/nvidia-device-plugin-0.20.0.json";

/** The chart nvidia-device-plugin (github.com/NVIDIA/k8s-device-plugin, folder deployments/helm). */
export const DEVICE_PLUGIN_CHART = {
  name: "nvidia-device-plugin",
  repository: "https://nvidia.github.io/k8s-device-plugin",
  version: "0.20.0",
  keys: { "0.20.0": keys0200 },
  // `affinity: null` takes away the plugin's own, which selects nodes by labels that the cluster may not use.
  moreKeys: { affinity: "null" },
  images: (version) => [`nvcr.io/nvidia/k8s-device-plugin:v${version}`],
} as const satisfies Chart;

/** Namespace that the device plugin is installed in, as its own instructions do it. */
export const DEVICE_PLUGIN_NAMESPACE = "nvidia-device-plugin";

/** Image whose nvidia-smi is run to see that a pod gets a GPU; on Docker Hub (hub.docker.com/r/nvidia/cuda). */
export const CUDA_IMAGE = "nvidia/cuda:12.4.1-base-ubuntu22.04";

/** Branch of the driver that GPU workers get: a production branch with open kernel modules (docs.nvidia.com/datacenter/tesla/drivers). */
export const DRIVER_BRANCH = "580";

/** A version of the driver as an example of how its versions are named (nvidia.com/en-us/drivers/unix). */
export const DRIVER_EXAMPLE = "580.95.05";

/** The last branch whose driver knows GPUs from before Turing, with closed kernel modules (docs.nvidia.com/datacenter/tesla/drivers). */
export const LAST_CLOSED_BRANCH = "580";

/**
 * The generations of NVIDIA's cards before Turing by their ranges of device ids, and the last branch of the driver that knows them. Ranges: the names
 * of chips in the PCI ID database (github.com/pciutils/pciids); branches: docs.nvidia.com/datacenter/tesla/drivers. Open kernel modules begin with Turing, and
 * its first device id is 1e02 (README of github.com/NVIDIA/open-gpu-kernel-modules, "Compatible GPUs").
 */
const BEFORE_TURING: readonly {
  readonly from: number;
  readonly to: number;
  readonly generation: string;
  readonly lastBranch: string;
}[] = [
  { from: 0x0fc0, to: 0x12bf, generation: "Kepler", lastBranch: "470" },
  { from: 0x1340, to: 0x15ef, generation: "Maxwell", lastBranch: LAST_CLOSED_BRANCH },
  { from: 0x15f0, to: 0x15ff, generation: "Pascal", lastBranch: LAST_CLOSED_BRANCH },
  { from: 0x1600, to: 0x17ff, generation: "Maxwell", lastBranch: LAST_CLOSED_BRANCH },
  { from: 0x1b00, to: 0x1d7f, generation: "Pascal", lastBranch: LAST_CLOSED_BRANCH },
  { from: 0x1d80, to: 0x1dff, generation: "Volta", lastBranch: LAST_CLOSED_BRANCH },
];

/** The generation of a card that has no open kernel module, by its vendor and device id, such as `10de:1b80`; `undefined` for others. */
export function generationBeforeTuring(id: string): { readonly generation: string; readonly lastBranch: string } | undefined {
  const [, device] = /^10de:([0-9a-f]{4})$/.exec(id) ?? [];
  if (device === undefined) return undefined;
  const number = Number.parseInt(device, 16);
  return BEFORE_TURING.find(({ from, to }) => number >= from && number <= to);
}

/** Host of the driver's installers, which the role gpu_setup takes them from (nvidia.com/en-us/drivers/unix). */
export const DRIVER_INSTALLER_HOST = "us.download.nvidia.com";

/** Host of the repository of the NVIDIA container toolkit, and of its signing key (docs.nvidia.com/datacenter/cloud-native/container-toolkit). */
export const CONTAINER_TOOLKIT_HOST = "nvidia.github.io";

/** The RuntimeClass of pods with a GPU; K3s makes it where it finds the container toolkit (docs.k3s.io/advanced). */
export const GPU_RUNTIME_CLASS = "nvidia";

/**
 * The least that a GPU worker needs, in GiB: an estimate. Its driver is built on it, and the images of Ollama, the device plugin and CUDA take more
 * than 10 GB unpacked. The kubelet removes images on a disk that is 85 % full (kubernetes.io/docs/concepts/architecture/garbage-collection).
 */
export const GPU_WORKER_LEAST = { memoryGiB: 4, diskGiB: 30 } as const;

/** The resource by which pods ask for GPUs (the device plugin's README). */
export const GPU_RESOURCE = "nvidia.com/gpu";

/** The label of nodes with a GPU, as NVIDIA's own feature discovery sets it (its README). */
const PRESENT = "nvidia.com/gpu.present";

/**
 * The label and the taint that GPU workers join with. Without the label the plugin's default affinity selects no node (its values.yaml,
 * `affinity`). The taint's value is the only one that NFD's worker tolerates (node-feature-discovery, values.yaml of its chart).
 */
export const GPU_NODE = {
  labels: { [PRESENT]: "true", accelerator: "nvidia" },
  taint: { key: GPU_RESOURCE, value: "present", effect: "NoSchedule" },
} as const;

/** The label of `GPU_NODE` that the device plugin and pods with GPUs select nodes by. */
export const GPU_SELECTOR = { [PRESENT]: GPU_NODE.labels[PRESENT] } as const;

/** The same as `key=value`. */
export const GPU_LABEL = `${PRESENT}=${GPU_SELECTOR[PRESENT]}`;

/** The taint of `GPU_NODE` as `key=value:Effect`, the form in which K3s takes it. */
export const GPU_TAINT = `${GPU_NODE.taint.key}=${GPU_NODE.taint.value}:${GPU_NODE.taint.effect}`;

/** What tolerates that taint, in Kubernetes' form. */
export const GPU_TOLERATION = { key: GPU_NODE.taint.key, operator: "Exists", effect: GPU_NODE.taint.effect } as const;
