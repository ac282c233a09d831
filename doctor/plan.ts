import type { Lab, ProxmoxLab } from "../lab/lab";
import type { Path } from "../lab/problem";

/** A disk that a guest gets. */
export interface PlannedDisk {
  readonly storage: string;
  readonly sizeGiB: number;
}

/** A guest that an apply of the lab makes, as far as Proxmox has a say in it. */
export interface PlannedGuest {
  readonly key: string;
  /** Where the lab describes it. */
  readonly path: Path;
  readonly kind: "lxc" | "qemu";
  readonly vmId: number;
  readonly name: string;
  readonly node: string;
  /** Absent for a guest that leases its address. */
  readonly address?: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly disks: readonly PlannedDisk[];
  readonly bridge: string;
  readonly vlan?: number;
  readonly pool?: string;
}

/** A graphics card that the lab passes to a VM or shares with a container. */
export interface PlannedCard {
  readonly node: string;
  /** The lab's name for it. */
  readonly name: string;
  readonly path: Path;
  /** PCI path, as the lab has it; absent where the lab names a mapping that is there already. */
  readonly pciPath?: string;
  readonly id?: string;
  readonly subsystemId?: string;
  readonly iommuGroup?: number;
  /** The whole card, every function of it. */
  readonly allFunctions: boolean;
  /** The mapping that must be there already. */
  readonly mapping?: string;
  /** VMID of the guest that gets it. */
  readonly vmId: number;
}

/** A volume that has to be there, or that the apply downloads there. */
export interface PlannedVolume {
  readonly node: string;
  readonly storage: string;
  readonly content: "vztmpl" | "import" | "snippets";
  readonly path: Path;
  /** Volume id that must be there already. @default none: the apply makes it */
  readonly existing?: string;
}

/** Everything of a lab that Proxmox has a say in. */
export interface ProxmoxPlan {
  readonly nodes: readonly string[];
  readonly guests: readonly PlannedGuest[];
  readonly cards: readonly PlannedCard[];
  readonly volumes: readonly PlannedVolume[];
  readonly pools: readonly string[];
  /** The VM template that the cluster's VMs are cloned from. */
  readonly template?: { readonly vmId: number; readonly node: string | undefined };
}

/** The datastore for a node's guests' disks, or for its files. */
function datastoreOf(lab: ProxmoxLab, node: string, kind: "disks" | "files"): string {
  return lab.proxmox.nodes[node]?.storage?.[kind] ?? lab.storage[kind];
}

function containersOf(lab: ProxmoxLab): PlannedGuest[] {
  return Object.entries(lab.containers ?? {}).map(([key, spec]) => {
    const node = spec.node ?? "";
    const storage = spec.disks ?? datastoreOf(lab, node, "disks");
    const volume = spec.modelVolume;
    return {
      key,
      path: ["containers", key],
      kind: "lxc",
      vmId: spec.vmId,
      name: spec.name,
      node,
      ...(spec.address !== "dhcp" && { address: spec.address.split("/")[0] }),
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      disks: [
        { storage, sizeGiB: spec.diskGiB },
        ...(volume ? [{ storage: volume.datastore ?? storage, sizeGiB: volume.sizeGiB }] : []),
      ],
      bridge: spec.bridge ?? lab.network.bridge,
      vlan: spec.vlan ?? lab.network.vlan,
      pool: spec.pool,
    };
  });
}

function machinesOf(lab: ProxmoxLab): PlannedGuest[] {
  const { cluster, network } = lab;
  return (cluster?.nodes ?? []).map((spec) => {
    const node = spec.node ?? "";
    return {
      key: spec.key,
      path: spec.path,
      kind: "qemu",
      vmId: spec.vmId,
      name: spec.name,
      node,
      address: spec.address,
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      disks: [{ storage: spec.disks ?? datastoreOf(lab, node, "disks"), sizeGiB: spec.diskGiB }],
      bridge: cluster?.bridge ?? network.bridge,
      vlan: cluster?.vlan ?? network.vlan,
      pool: cluster?.pool,
    };
  });
}

function cardsOf(lab: ProxmoxLab): PlannedCard[] {
  return (lab.cluster?.nodes ?? []).flatMap((spec) =>
    spec.gpus.flatMap((name): PlannedCard[] => {
      const node = spec.node ?? "";
      const card = lab.proxmox.nodes[node]?.gpus[name];
      if (!card) return [];
      const path = ["proxmox", "nodes", node, "gpus", name];
      const common = { node, name, path, vmId: spec.vmId, allFunctions: card.allFunctions };
      if (card.mapping) return [{ ...common, mapping: card.mapping }];
      return [{ ...common, pciPath: card.path, id: card.id, subsystemId: card.subsystemId, iommuGroup: card.iommuGroup }];
    }),
  );
}

function volumesOf(lab: ProxmoxLab): PlannedVolume[] {
  const templates = Object.entries(lab.containers ?? {}).map(([key, spec]): PlannedVolume => {
    const node = spec.node ?? "";
    const path = ["containers", key, "template"];
    if (typeof spec.template !== "string") return { node, storage: datastoreOf(lab, node, "files"), content: "vztmpl", path };
    return { node, storage: spec.template.split(":")[0] ?? "", content: "vztmpl", path, existing: spec.template };
  });
  const machines = (lab.cluster?.nodes ?? []).flatMap((spec): PlannedVolume[] => {
    const node = spec.node ?? "";
    const storage = datastoreOf(lab, node, "files");
    return [
      { node, storage, content: "snippets", path: spec.path },
      ...(lab.cluster?.image ? [{ node, storage, content: "import", path: ["cluster", "image"] } as const] : []),
    ];
  });
  const unique = new Map(
    [...templates, ...machines].map((one) => [`${one.node}/${one.storage}/${one.content}/${one.existing}`, one]),
  );
  return [...unique.values()];
}

/** What Proxmox has to be asked about for a lab; undefined for a lab without guests on Proxmox. */
export function proxmoxPlan(lab: Lab & Partial<Pick<ProxmoxLab, "proxmox" | "network">>): ProxmoxPlan | undefined {
  if (!lab.proxmox || !lab.network) return undefined;
  const full: ProxmoxLab = { ...lab, proxmox: lab.proxmox, network: lab.network };
  const guests = [...containersOf(full), ...machinesOf(full)];
  const template = full.cluster?.template;
  return {
    nodes: [...new Set(guests.map(({ node }) => node))].sort(),
    guests,
    cards: cardsOf(full),
    volumes: volumesOf(full),
    pools: [...new Set(guests.flatMap(({ pool }) => pool ?? []))].sort(),
    ...(template && { template: { vmId: template.vmId, node: template.node } }),
  };
}
