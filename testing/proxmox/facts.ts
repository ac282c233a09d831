import { known } from "../../doctor/finding";
import type { ProxmoxPlan } from "../../doctor/plan";
import { type Device, type NodeFacts, type Permissions, type ProxmoxFacts, volumesKey } from "../../doctor/proxmox/facts";
import { rightsOf } from "../../doctor/rights";
import type { Lab } from "../../lab/lab";

const GIB = 1024 ** 3;

function deviceOf({ pciPath = "", id = "", subsystemId = "", iommuGroup }: ProxmoxPlan["cards"][number]): Device {
  const [vendor, device] = id.split(":");
  const [subsystemVendor, subsystemDevice] = subsystemId.split(":");
  return {
    id: /\.\d$/.test(pciPath) ? pciPath : `${pciPath}.0`,
    class: "0x030000",
    vendor: `0x${vendor}`,
    device: `0x${device}`,
    subsystem_vendor: `0x${subsystemVendor}`,
    subsystem_device: `0x${subsystemDevice}`,
    device_name: "Graphics card",
    iommugroup: iommuGroup ?? 1,
  };
}

function nodeFactsOf(node: string, plan: ProxmoxPlan): NodeFacts {
  const guests = plan.guests.filter((guest) => guest.node === node);
  const storages = new Set([
    ...guests.flatMap(({ disks }) => disks.map(({ storage }) => storage)),
    ...plan.volumes.filter((volume) => volume.node === node).map(({ storage }) => storage),
  ]);
  return {
    storages: known(
      [...storages].map((storage) => ({
        storage,
        type: "dir",
        content: "rootdir,images,vztmpl,import,snippets",
        active: true,
        enabled: true,
        shared: false,
        avail: 10_000 * GIB,
      })),
    ),
    bridges: known(
      [...new Set(guests.map(({ bridge }) => bridge))].map((iface) => ({ iface, active: true, bridge_vlan_aware: true })),
    ),
    devices: known(plan.cards.flatMap((card) => (card.node === node && card.pciPath ? deviceOf(card) : []))),
    time: known(1_800_000_000),
  };
}

/** The privileges that a lab needs, as Proxmox 9 answers them. */
export function permissionsFor(lab: Lab): Permissions {
  const result: Record<string, Record<string, boolean>> = {};
  for (const { path, privilege } of rightsOf(lab, 9)) result[path] = { ...result[path], [privilege]: true };
  return result;
}

/** A Proxmox cluster before the first apply of a lab, which lacks nothing for it. */
export function factsFor(lab: Lab, plan: ProxmoxPlan): ProxmoxFacts {
  const template = plan.template && {
    vmid: plan.template.vmId,
    type: "qemu" as const,
    node: plan.template.node ?? plan.nodes[0] ?? "",
    name: "template",
    status: "stopped",
    template: true,
    tags: "",
  };
  return {
    version: known({ version: "9.1.4" }),
    permissions: known(permissionsFor(lab)),
    nodes: known(plan.nodes.map((node) => ({ node, status: "online", maxcpu: 256, maxmem: 4096 * GIB }))),
    guests: known(template ? [template] : []),
    mappings: known(plan.cards.flatMap(({ mapping }) => (mapping ? [{ id: mapping, map: [] }] : []))),
    vnets: known([]),
    firewall: known({ enable: true }),
    pools: known(plan.pools),
    node: Object.fromEntries(plan.nodes.map((node) => [node, nodeFactsOf(node, plan)])),
    volumes: new Map(
      plan.volumes.map(({ node, storage, content, existing }) => [
        volumesKey(node, storage, content),
        known(existing ? [existing] : []),
      ]),
    ),
    taken: new Map(plan.guests.map(({ vmId }) => [vmId, known(false)])),
    configs: new Map(),
    live: new Map(),
    walls: new Map(),
    now: 1_800_000_000,
  };
}
