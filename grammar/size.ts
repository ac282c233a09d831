import { type Check, quote } from "./fault";

/** The least and the most that a number may be, both included. */
export type Bounds = readonly [least: number, most: number];

/** What a VM of Proxmox can have. Memory and disk are in GiB; memory need not be a whole number. */
export const VM_BOUNDS = { cores: [1, 512], memoryGiB: [1, 16_384], diskGiB: [4, 65_536] } as const;

/** What a container can have. Memory and disk are in GiB; memory need not be a whole number. */
export const CONTAINER_BOUNDS = {
  cores: [1, 128],
  memoryGiB: [0.0625, 4096],
  swapMiB: [0, 1_048_576],
  diskGiB: [1, 65_536],
} as const;

/** The size of an Ollama container, where nobody says another. */
export const CONTAINER_SIZE = { cores: 8, memoryGiB: 16, swapMiB: 0, diskGiB: 50 } as const;

/** The features of a container, where nobody says others. */
export const CONTAINER_FEATURES = { nesting: true, keyctl: false } as const;

/** The size of a K3s server, where nobody says another. */
export const SERVER_SIZE = { cores: 2, memoryGiB: 4, diskGiB: 40 } as const;

/** The size of a K3s worker, where nobody says another. */
export const WORKER_SIZE = { cores: 8, memoryGiB: 32, diskGiB: 100 } as const;

/** The tags that IEEE 802.1Q has for VLANs. */
export const VLAN_BOUNDS: Bounds = [1, 4094];

/** The ids of Linux groups that an unprivileged container has. */
export const GID_BOUNDS: Bounds = [0, 65_535];

/** IOMMU groups, as the hardware list of a Proxmox node shows them. */
export const IOMMU_GROUP_BOUNDS: Bounds = [0, 9999];

/** Memory of a graphics card, in GiB. */
export const CARD_MEMORY_GIB_BOUNDS: Bounds = [0.5, 1024];

/** TCP and UDP ports. */
export const PORT_BOUNDS: Bounds = [1, 65_535];

/** How many PCI devices a VM takes: Proxmox names them hostpci0 to hostpci15. */
export const MOST_PCI_DEVICES = 16;

/** How many minutes a deploy may wait for the nodes of a cluster. */
export const WAIT_MINUTES_BOUNDS: Bounds = [1, 240];

/** How many minutes that is, where nobody says another number. */
export const WAIT_MINUTES = 60;

/** How many minutes Helm waits for the pods of an Ollama release, where nobody says another number. The image has several GB. */
export const RELEASE_MINUTES = 20;

/** How many minutes the models of a release may take to be pulled, where nobody says another number. */
export const PULL_MINUTES = 360;

/** Size of a claim for models, in Gi. */
export const CLAIM_GI_BOUNDS: Bounds = [1, 65_536];

/** Size of a claim in Gi, where nobody says another. */
export const CLAIM_GI = 50;

/** How many pods an Ollama release may have. */
export const REPLICAS_BOUNDS: Bounds = [0, 100];

/** How many GPUs a pod may get. */
export const POD_GPUS_BOUNDS: Bounds = [0, 16];

/** Into how many shares the device plugin may split a GPU. */
export const TIME_SLICING_BOUNDS: Bounds = [2, 64];

/** How many staged releases stay on the share: one to go back to is the least. */
export const KEEP_BOUNDS: Bounds = [2, 1000];

/** Seconds of a Job: up to a week. */
export const TIMEOUT_SECONDS_BOUNDS: Bounds = [1, 7 * 24 * 60 * 60];

/** How many seconds Helm may wait: for the longest Job, and a minute for its start. */
export const HELM_WAIT_SECONDS_BOUNDS: Bounds = [1, TIMEOUT_SECONDS_BOUNDS[1] + 60];

function fault(value: number, [least, most]: Bounds, what: string) {
  return {
    code: "out-of-range",
    message: `${quote(value)} is not ${what} from ${least} to ${most}`,
    remedy: `Write ${what} from ${least} to ${most}.`,
  };
}

/** Refuses what is not a whole number within the bounds. */
export function checkWhole(bounds: Bounds): Check<number> {
  const [least, most] = bounds;
  return (value) =>
    Number.isInteger(value) && value >= least && value <= most ? undefined : fault(value, bounds, "a whole number");
}

/** Refuses what is not a number within the bounds. */
export function checkNumber(bounds: Bounds): Check<number> {
  const [least, most] = bounds;
  return (value) => (value >= least && value <= most ? undefined : fault(value, bounds, "a number"));
}
