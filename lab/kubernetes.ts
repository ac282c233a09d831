import { workersOf } from "./cluster";
import type { DraftLab } from "./draft";
import { defaultDevicePlugin } from "./schema/kubernetes";

/** NVIDIA's device plugin, as the lab describes it. */
export type DevicePlugin = typeof defaultDevicePlugin;

/** One Ollama release, as the lab describes it. */
export type OllamaRelease = NonNullable<DraftLab["ollama"]>["releases"][string];

/** The device plugin of a lab: as it says, or by default when its own cluster has GPU workers. */
export function devicePluginOf({ kubernetes, cluster }: DraftLab): DevicePlugin | undefined {
  if (kubernetes?.devicePlugin !== undefined) return kubernetes.devicePlugin || undefined;
  const gpus = cluster ? workersOf(cluster).some((worker) => worker.gpus.length > 0) : false;
  return gpus ? defaultDevicePlugin : undefined;
}

/** How the claim of the models is mounted. It does not follow from the number of pods, because a claim keeps its mode for good. */
export function accessModeOf(release: OllamaRelease): "ReadWriteOnce" | "ReadWriteMany" {
  return release.accessMode ?? "ReadWriteOnce";
}
