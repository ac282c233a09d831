import { z } from "zod";
import { type Known, known, valueOr } from "../finding";
import { configuredAddresses, liveAddresses } from "../proxmox/addresses";
import type { Questions } from "../proxmox/api";
import { asker } from "../proxmox/ask";
import { functionsOf, holderOf, idOf, isDisplay, othersInGroup } from "../proxmox/devices";
import { type Bridge, type Device, isTaken, SHAPES, type Storage } from "../proxmox/facts";

/** Who makes a card, as far as a lab can use it. */
export type CardType = "nvidia" | "intel" | "amd";

/** The vendors of graphics cards by their PCI vendor id (pci-ids.ucw.cz). */
const VENDORS: Readonly<Record<string, CardType>> = { "10de": "nvidia", "8086": "intel", "1002": "amd" };

/** A graphics card of a node, with the four facts that a mapping of it takes. */
export interface SurveyedCard {
  /** Of the whole card, without a function. */
  readonly path: string;
  readonly id: string;
  readonly subsystemId: string;
  readonly iommuGroup: number;
  /** What Proxmox calls it. */
  readonly name: string;
  /** Absent for a card that no lab can use, such as that of a board's remote console. */
  readonly type?: CardType;
  /** Why it cannot be passed to a VM. @default it can */
  readonly obstacle?: string;
}

/** What one node has. */
export interface SurveyedNode {
  readonly name: string;
  /** Its own address, as far as the API says it. */
  readonly address?: string;
  readonly cores?: number;
  readonly memoryGiB?: number;
  readonly bridges: Known<readonly Bridge[]>;
  readonly storages: Known<readonly Storage[]>;
  readonly cards: Known<readonly SurveyedCard[]>;
  /** Its name servers; none where the credential may not read them. */
  readonly dns: readonly string[];
}

/** What Proxmox says that a new lab can build on. */
export interface Survey {
  /** The nodes that are online. */
  readonly nodes: readonly SurveyedNode[];
  /** IPv4 addresses that guests and nodes have, as far as the API says. */
  readonly held: ReadonlySet<string>;
  /** The first free VMID from a number on. A VMID of a guest that the credential may not see is not free. */
  readonly freeVmId: (from: number) => Promise<number>;
}

const dns = z.object({ dns1: z.string().optional(), dns2: z.string().optional(), dns3: z.string().optional() });
const members = z.array(z.object({ type: z.string(), name: z.string(), ip: z.string().optional() }));

const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

function withoutPrefix(cidr: string | undefined): string | undefined {
  const address = cidr?.split("/")[0];
  return address && IPV4.test(address) ? address : undefined;
}

function cardOf(first: Device, devices: readonly Device[], holder: string | undefined): SurveyedCard {
  const path = first.id.replace(/\.\d$/, "");
  const functions = functionsOf(path, true, devices);
  const others = othersInGroup(functions, devices).map(({ id, device_name }) => `${id}${device_name ? ` (${device_name})` : ""}`);
  const obstacle =
    first.iommugroup < 0
      ? "it has no IOMMU group: switch on VT-d or AMD-Vi in the firmware"
      : others.length > 0
        ? `it shares IOMMU group ${first.iommugroup} with ${others.join(", ")}`
        : holder && `${holder} runs with it`;
  const type = VENDORS[first.vendor.replace(/^0x/, "")];
  return {
    path,
    id: idOf(first.vendor, first.device),
    subsystemId: idOf(first.subsystem_vendor, first.subsystem_device),
    iommuGroup: first.iommugroup,
    name: [first.vendor_name, first.device_name].filter(Boolean).join(" ") || "graphics card",
    ...(type && { type }),
    ...(obstacle && { obstacle }),
  };
}

/** Asks a Proxmox, read-only, for everything that a new lab can build on. What it does not say is left open. */
export async function surveyProxmox(api: Questions): Promise<Survey> {
  const ask = asker(api);
  const [nodes, guests, mappings, status] = await Promise.all([
    ask(SHAPES.nodes, "/nodes"),
    ask(SHAPES.guests, "/cluster/resources", { type: "vm" }),
    ask(SHAPES.mappings, "/cluster/mapping/pci"),
    ask(members, "/cluster/status"),
  ]);
  const online = valueOr(nodes, []).filter(({ status: state }) => state === "online");
  const there = valueOr(guests, []);
  const [configs, live] = await Promise.all([
    Promise.all(
      there.map(
        async (guest) =>
          [guest.vmid, await ask(SHAPES.config, `/nodes/${guest.node}/${guest.type}/${guest.vmid}/config`)] as const,
      ),
    ),
    Promise.all(there.filter((guest) => guest.status === "running").map((guest) => liveAddresses(ask, guest))),
  ]);
  const byVmId = new Map(configs);
  const surveyed = await Promise.all(
    online.map(async ({ node: name, maxcpu, maxmem }): Promise<SurveyedNode> => {
      const [bridges, storages, devices, servers] = await Promise.all([
        ask(SHAPES.bridges, `/nodes/${name}/network`, { type: "any_bridge" }),
        ask(SHAPES.storages, `/nodes/${name}/storage`),
        ask(SHAPES.devices, `/nodes/${name}/hardware/pci`, { "pci-class-blacklist": "" }),
        ask(dns, `/nodes/${name}/dns`),
      ]);
      const addressed = valueOr(bridges, []).filter(({ cidr }) => withoutPrefix(cidr) !== undefined);
      const member = valueOr(status, []).find((one) => one.type === "node" && one.name === name)?.ip;
      const address = withoutPrefix((addressed.find(({ gateway }) => gateway) ?? addressed[0])?.cidr) ?? withoutPrefix(member);
      const holder = (pciPath: string) => holderOf({ node: name, pciPath }, { guests, mappings, configs: byVmId })?.name;
      const all = valueOr(devices, []);
      // The first display function of each card.
      const displays = all.filter((device, index) => {
        const path = device.id.replace(/\.\d$/, "");
        return isDisplay(device) && all.findIndex((one) => isDisplay(one) && one.id.startsWith(`${path}.`)) === index;
      });
      return {
        name,
        ...(address && { address }),
        ...(maxcpu !== undefined && { cores: maxcpu }),
        ...(maxmem !== undefined && { memoryGiB: maxmem / 1024 ** 3 }),
        bridges,
        storages,
        cards: devices.known ? known(displays.map((device) => cardOf(device, all, holder(device.id)))) : devices,
        dns: servers.known ? Object.values(servers.value).filter((server) => IPV4.test(server)) : [],
      };
    }),
  );
  const held = new Set([
    ...[...byVmId.values()].flatMap((config) => (config.known ? configuredAddresses(config.value) : [])),
    ...live.flatMap((addresses) => valueOr(addresses, [])),
    ...surveyed.flatMap(({ bridges }) =>
      valueOr(bridges, []).flatMap(({ cidr, gateway }) => [withoutPrefix(cidr) ?? "", gateway ?? ""]),
    ),
    ...valueOr(status, []).flatMap(({ ip }) => ip ?? []),
  ]);
  const freeVmId = async (from: number): Promise<number> => {
    for (let id = from; ; id += 1) {
      if (there.some(({ vmid }) => vmid === id)) continue;
      const taken = await isTaken(api, id);
      if (!taken.known || !taken.value) return id;
    }
  };
  return { nodes: surveyed, held, freeVmId };
}
