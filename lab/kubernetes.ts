import { workersOf } from "./cluster";
import type { Lab, PartialLab } from "./lab";
import { defaultDevicePlugin } from "./schema/kubernetes";

/** NVIDIA's device plugin, as the lab describes it. */
export type DevicePlugin = typeof defaultDevicePlugin;

/** One Ollama release, as the lab describes it. */
export type OllamaRelease = NonNullable<Lab["ollama"]>["releases"][string];

/** The device plugin of a lab: as it says, or by default when its own cluster has GPU workers. */
export function devicePluginOf({ kubernetes, cluster }: PartialLab): DevicePlugin | undefined {
  if (kubernetes?.devicePlugin !== undefined) return kubernetes.devicePlugin || undefined;
  const gpus = cluster ? workersOf(cluster).some((worker) => worker.gpus.length > 0) : false;
  return gpus ? defaultDevicePlugin : undefined;
}

/** Whether the lab has something for the stack `platform`. */
export function hasPlatform(lab: Lab): boolean {
  return Boolean(devicePluginOf(lab) || lab.kubernetes.nfs || lab.kubernetes.certManager);
}

/** How the models' claim is mounted: by several pods it must be possible on several nodes. */
export function accessModeOf(release: OllamaRelease): "ReadWriteOnce" | "ReadWriteMany" {
  return release.accessMode ?? (release.replicas > 1 ? "ReadWriteMany" : "ReadWriteOnce");
}
