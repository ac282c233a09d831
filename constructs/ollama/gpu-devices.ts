import type { ContainerDevice } from "../proxmox/container";

/** What a container needs of an AMD card whose driver runs on the node. */
export interface AmdDevicesProps {
  /** The card's render node, such as `/dev/dri/renderD128`. */
  readonly path: string;
  /** Group of the devices inside the container. */
  readonly gid: number;
  /** Mode of the devices inside the container, four octal digits. */
  readonly mode: string;
}

/** The device nodes for ROCm: the compute device, which all AMD cards of the node share, and the card's render node. */
export function amdDevices({ path, gid, mode }: AmdDevicesProps): ContainerDevice[] {
  return ["/dev/kfd", path].map((device) => ({ path: device, gid, mode }));
}

/** What a container needs of NVIDIA cards whose driver runs on the node. */
export interface NvidiaDevicesProps {
  /** The N of each /dev/nvidiaN. */
  readonly indexes: readonly number[];
  /** Group of the devices inside the container, by its number. @default 44: `video` in every Debian and Ubuntu */
  readonly gid?: number;
  /** Mode of the devices inside the container: four octal digits. @default 0666 */
  readonly mode?: string;
}

/**
 * The device nodes for CUDA: the cards, the control device and unified memory. nvidia-modeset is not among them: CUDA does not open it, a
 * node without the display module does not have it, and a container does not start without each of its devices. The uvm nodes appear only
 * when something on the node has loaded the module (docs/containers.md).
 */
export function nvidiaDevices({ indexes, gid, mode = "0666" }: NvidiaDevicesProps): ContainerDevice[] {
  const cards = [...indexes].sort((a, b) => a - b).map((index) => `/dev/nvidia${index}`);
  return [...cards, "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"].map((path) => ({ path, gid, mode }));
}
