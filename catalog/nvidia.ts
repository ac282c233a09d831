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
