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
  readonly gid: number;
  readonly mode: string;
}

/**
 * The device nodes for CUDA: the cards, the control device and unified memory.
 * Not nvidia-modeset: CUDA does not open it, it is absent on a node without the display module, and a container whose device is absent
 * does not start. The uvm nodes appear only once something on the node has loaded the module (docs/containers.md).
 */
export function nvidiaDevices({ indexes, gid, mode }: NvidiaDevicesProps): ContainerDevice[] {
  const cards = [...indexes].sort((a, b) => a - b).map((index) => `/dev/nvidia${index}`);
  return [...cards, "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"].map((path) => ({ path, gid, mode }));
}
