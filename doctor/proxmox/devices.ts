import { type Known, valueOr } from "../finding";
import type { Device, Guest, Mapping } from "./facts";

/** "10de:2684", from Proxmox's two numbers. */
export function idOf(vendor: string | undefined, device: string | undefined): string {
  return [vendor, device].map((part) => (part ?? "").replace(/^0x/, "")).join(":");
}

/** The functions of a card: `0000:01:00` stands for all that are there, `0000:01:00.0` for one unless all are asked for. */
export function functionsOf(path: string, all: boolean, devices: readonly Device[]): Device[] {
  return devices.filter(({ id }) => (/\.\d$/.test(path) && !all ? id === path : id.startsWith(`${path.replace(/\.\d$/, "")}.`)));
}

/** Whether a device is a display controller (class 03 of the PCI code and ID assignment specification). */
export function isDisplay({ class: code }: Device): boolean {
  return code.startsWith("0x03");
}

/** Bridges between PCI buses share a group with what is behind them and stay with the host. */
function isBridge(device: Device): boolean {
  return device.class.startsWith("0x06");
}

/** The devices in the IOMMU group of a card that a VM would take from the host with it. */
export function othersInGroup(functions: readonly Device[], devices: readonly Device[]): Device[] {
  return devices.filter(
    (device) =>
      device.iommugroup === functions[0]?.iommugroup && !isBridge(device) && !functions.some(({ id }) => id === device.id),
  );
}

/** A card of a node, and the guest that may have it. */
interface Held {
  readonly node: string;
  readonly pciPath: string;
  /** VMID of the guest that may have it. @default nobody may */
  readonly owner?: number;
}

/** What is known of the guests that may hold a card. */
interface Guests {
  readonly guests: Known<readonly Guest[]>;
  readonly mappings: Known<readonly Mapping[]>;
  readonly configs: ReadonlyMap<number, Known<Readonly<Record<string, unknown>>>>;
}

/** Another guest of the node that runs with the card, as its configuration says: by the path, or by a mapping of it. */
export function holderOf({ node: on, pciPath, owner }: Held, { guests, mappings, configs }: Guests): Guest | undefined {
  // Proxmox takes a path with and without the domain 0000.
  const short = pciPath.replace(/\.\d$/, "").replace(/^0000:/, "");
  const device = new RegExp(`(?:^|[;,=]|0000:)${short}(?![0-9a-f])`);
  const ofCard = valueOr(mappings, []).filter(({ map }) =>
    map.some((entry) => entry.split(",").includes(`node=${on}`) && device.test(entry)),
  );
  return valueOr(guests, []).find(({ vmid, node, status }) => {
    const config = configs.get(vmid);
    if (vmid === owner || node !== on || status !== "running" || !config?.known) return false;
    return Object.entries(config.value).some(([key, value]) => {
      if (!key.startsWith("hostpci")) return false;
      const parts = String(value).split(",");
      return device.test(String(value)) || ofCard.some(({ id }) => parts.includes(`mapping=${id}`));
    });
  });
}
