import * as z from "zod";
import { type Known, known, unknown } from "../finding";
import type { ProxmoxPlan } from "../plan";
import { liveAddresses } from "./addresses";
import { ApiFault, type Questions } from "./api";
import { asker } from "./ask";

/** Proxmox answers numbers as numbers or as text, by endpoint and release. */
const number = z.coerce.number();
const flag = z.union([z.boolean(), z.coerce.number().transform((value) => value !== 0)]);

const version = z.object({ version: z.string(), release: z.string().optional() });
/** A privilege that is listed is held; the flag says whether it holds below the path too. */
const permissions = z.record(z.string(), z.record(z.string(), flag));
const node = z.object({ node: z.string(), status: z.string(), maxcpu: number.optional(), maxmem: number.optional() });
const storage = z.object({
  storage: z.string(),
  type: z.string(),
  content: z.string().default(""),
  active: flag.default(true),
  enabled: flag.default(true),
  shared: flag.default(false),
  avail: number.optional(),
});
const volume = z.object({ volid: z.string(), vmid: number.optional() });
const bridge = z.object({
  iface: z.string(),
  active: flag.default(true),
  bridge_vlan_aware: flag.default(false),
  cidr: z.string().optional(),
  gateway: z.string().optional(),
});
const vnet = z.object({ vnet: z.string() });
const device = z.object({
  id: z.string(),
  class: z.string().default(""),
  vendor: z.string().default(""),
  device: z.string().default(""),
  subsystem_vendor: z.string().optional(),
  subsystem_device: z.string().optional(),
  vendor_name: z.string().optional(),
  device_name: z.string().optional(),
  iommugroup: number.default(-1),
});
const guest = z.object({
  vmid: number,
  type: z.enum(["qemu", "lxc"]),
  node: z.string(),
  name: z.string().default(""),
  status: z.string().default("unknown"),
  template: flag.default(false),
  tags: z.string().default(""),
  maxmem: number.optional(),
});
const mapping = z.object({ id: z.string(), map: z.array(z.string()).default([]) });
const firewall = z.object({ enable: flag.default(false) });
const pool = z.object({ poolid: z.string() });
const time = z.object({ time: number });
const guestConfig = z.record(z.string(), z.unknown());

/** A storage of a node. Free space is in bytes. */
export type Storage = z.infer<typeof storage>;
/** A PCI device of a node. */
export type Device = z.infer<typeof device>;
/** A bridge of a node. `cidr` is the node's own address in it, with the prefix. */
export type Bridge = z.infer<typeof bridge>;
/** A resource mapping of PCI devices: for each node an entry such as `node=pve1,path=0000:01:00,id=10de:2684`. */
export type Mapping = z.infer<typeof mapping>;
/** A guest that the caller may see. */
export type Guest = z.infer<typeof guest>;
/** The caller's privileges by path, each with whether it holds below the path too. */
export type Permissions = z.infer<typeof permissions>;

/** What one node is asked about. */
export interface NodeFacts {
  readonly storages: Known<readonly Storage[]>;
  readonly bridges: Known<readonly Bridge[]>;
  /** Asked only where the lab passes a card of the node. */
  readonly devices: Known<readonly Device[]>;
  /** The node's clock, in seconds since 1970. */
  readonly time: Known<number>;
}

/** What Proxmox said, or why it said nothing, to every question that a lab raises. */
export interface ProxmoxFacts {
  readonly version: Known<z.infer<typeof version>>;
  readonly permissions: Known<Permissions>;
  readonly nodes: Known<readonly z.infer<typeof node>[]>;
  readonly guests: Known<readonly Guest[]>;
  readonly mappings: Known<readonly Mapping[]>;
  readonly vnets: Known<readonly string[]>;
  readonly firewall: Known<z.infer<typeof firewall>>;
  readonly pools: Known<readonly string[]>;
  /** By the name of a node that the lab uses. */
  readonly node: Readonly<Record<string, NodeFacts>>;
  /** By the node and the storage, as in `pve1/local`: the volumes of a content type. */
  readonly volumes: ReadonlyMap<string, Known<readonly string[]>>;
  /** VMIDs of the plan that Proxmox says are taken, seen or not. */
  readonly taken: ReadonlyMap<number, Known<boolean>>;
  /** By VMID: the configuration of every guest that the caller may see. */
  readonly configs: ReadonlyMap<number, Known<Readonly<Record<string, unknown>>>>;
  /** By VMID: the addresses that running guests of others have now. */
  readonly live: ReadonlyMap<number, Known<readonly string[]>>;
  /** By VMID: whether the firewall is on, of guests of the plan that are there already. */
  readonly walls: ReadonlyMap<number, Known<boolean>>;
  /** When the answers came, in seconds since 1970, by this machine's clock. */
  readonly now: number;
}

/** The key of `volumes`. */
export function volumesKey(on: string, at: string, content: string): string {
  return `${on}/${at}/${content}`;
}

/** The shapes of Proxmox's answers that other questions share. */
export const SHAPES = {
  nodes: z.array(node),
  storages: z.array(storage),
  bridges: z.array(bridge),
  devices: z.array(device),
  guests: z.array(guest),
  mappings: z.array(mapping),
  config: guestConfig,
} as const;

/** Asks everything at once; the client limits how many questions are under way. Throws nothing: a fact that cannot be had says why. */
export async function askProxmox(api: Questions, plan: ProxmoxPlan): Promise<ProxmoxFacts> {
  const ask = asker(api);
  const nodeFacts = async (name: string): Promise<NodeFacts> => {
    const [storages, bridges, devices, clock] = await Promise.all([
      ask(z.array(storage), `/nodes/${name}/storage`),
      ask(z.array(bridge), `/nodes/${name}/network`, { type: "any_bridge" }),
      plan.cards.some((card) => card.node === name)
        ? ask(z.array(device), `/nodes/${name}/hardware/pci`, { "pci-class-blacklist": "" })
        : known<Device[]>([]),
      ask(time, `/nodes/${name}/time`),
    ]);
    return { storages, bridges, devices, time: clock.known ? known(clock.value.time) : clock };
  };
  const ids = plan.guests.map(({ vmId }) => vmId);
  const [release, rights, nodes, guests, mappings, vnets, wall, pools, perNode, volumes] = await Promise.all([
    ask(version, "/version"),
    ask(permissions, "/access/permissions"),
    ask(z.array(node), "/nodes"),
    ask(z.array(guest), "/cluster/resources", { type: "vm" }),
    ask(z.array(mapping), "/cluster/mapping/pci"),
    ask(z.array(vnet), "/cluster/sdn/vnets"),
    ask(firewall, "/cluster/firewall/options"),
    plan.pools.length > 0 ? ask(z.array(pool), "/pools") : known<z.infer<typeof pool>[]>([]),
    Promise.all(plan.nodes.map(async (name) => [name, await nodeFacts(name)] as const)),
    Promise.all(
      plan.volumes.map(async ({ node: on, storage: at, content }) => {
        const found = await ask(z.array(volume), `/nodes/${on}/storage/${at}/content`, { content });
        return [volumesKey(on, at, content), found.known ? known(found.value.map(({ volid }) => volid)) : found] as const;
      }),
    ),
  ]);
  const seen = new Map(guests.known ? guests.value.map((one) => [one.vmid, one]) : []);
  const [taken, configs, live, walls] = await Promise.all([
    Promise.all(ids.filter((id) => !seen.has(id)).map(async (id) => [id, await isTaken(api, id)] as const)),
    Promise.all(
      [...seen.values()].map(async ({ vmid, node: on, type }) => {
        return [vmid, await ask(guestConfig, `/nodes/${on}/${type}/${vmid}/config`)] as const;
      }),
    ),
    Promise.all(
      [...seen.values()]
        .filter(({ vmid, status }) => !ids.includes(vmid) && status === "running")
        .map(async (one) => [one.vmid, await liveAddresses(ask, one)] as const),
    ),
    Promise.all(
      [...seen.values()]
        .filter(({ vmid }) => ids.includes(vmid))
        .map(async ({ vmid, node: on, type }) => {
          const options = await ask(firewall, `/nodes/${on}/${type}/${vmid}/firewall/options`);
          return [vmid, options.known ? known(options.value.enable) : options] as const;
        }),
    ),
  ]);
  return {
    version: release,
    permissions: rights,
    nodes,
    guests,
    mappings,
    vnets: vnets.known ? known(vnets.value.map((one) => one.vnet)) : vnets,
    firewall: wall,
    pools: pools.known ? known(pools.value.map(({ poolid }) => poolid)) : pools,
    node: Object.fromEntries(perNode),
    volumes: new Map(volumes),
    taken: new Map(taken),
    configs: new Map(configs),
    live: new Map(live),
    walls: new Map(walls),
    now: Date.now() / 1000,
  };
}

/** Whether a VMID is taken, also by a guest that the caller may not see: Proxmox then refuses to call it the next free one. */
export async function isTaken(api: Questions, vmId: number): Promise<Known<boolean>> {
  try {
    await api.get("/cluster/nextid", { vmid: vmId });
    return known(false);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return error.kind === "refused" && error.message.includes("already exists") ? known(true) : unknown(error.message);
  }
}
