import { type Cluster, type Lab, nodesOf, type ProxmoxLab } from "../lab/lab";
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

function containersOf(lab: ProxmoxLab): PlannedGuest[] {
  return Object.entries(lab.containers).map(([key, spec]) => {
    const { network, modelVolume: volume } = spec;
    return {
      key,
      path: ["containers", key],
      kind: "lxc",
      vmId: spec.vmId,
      name: spec.name,
      node: spec.node,
      ...(network.address.kind === "static" && { address: network.address.ip }),
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      disks: [
        { storage: spec.disks, sizeGiB: spec.diskGiB },
        ...(volume ? [{ storage: volume.datastore, sizeGiB: volume.sizeGiB }] : []),
      ],
      bridge: network.bridge,
      vlan: network.vlan,
      pool: spec.pool,
    };
  });
}

function machinesOf(cluster: Cluster): PlannedGuest[] {
  return nodesOf(cluster).map((spec) => ({
    key: spec.key,
    path: spec.path,
    kind: "qemu",
    vmId: spec.vmId,
    name: spec.name,
    node: spec.node,
    address: spec.address,
    cores: spec.cores,
    memoryGiB: spec.memoryGiB,
    disks: [{ storage: spec.disks, sizeGiB: spec.diskGiB }],
    bridge: cluster.network.bridge,
    vlan: cluster.network.vlan,
    pool: cluster.pool,
  }));
}

function cardsOf(cluster: Cluster): PlannedCard[] {
  return nodesOf(cluster).flatMap(({ node, vmId, cards }) =>
    cards.map((card): PlannedCard => {
      const { name, allFunctions } = card;
      const common = { node, name, path: ["proxmox", "nodes", node, "gpus", name], vmId, allFunctions };
      if (card.kind === "mapping") return { ...common, mapping: card.mapping };
      return { ...common, pciPath: card.path, id: card.id, subsystemId: card.subsystemId, iommuGroup: card.iommuGroup };
    }),
  );
}

function volumesOf(lab: ProxmoxLab): PlannedVolume[] {
  const templates = Object.entries(lab.containers).map(([key, { node, files, template }]): PlannedVolume => {
    const path = ["containers", key, "template"];
    if ("download" in template) return { node, storage: files.name, content: "vztmpl", path };
    return { node, storage: template.volume.replace(/:.*$/, ""), content: "vztmpl", path, existing: template.volume };
  });
  const machines = lab.cluster ? volumesOfMachines(lab.cluster) : [];
  const unique = new Map(
    [...templates, ...machines].map((one) => [`${one.node}/${one.storage}/${one.content}/${one.existing}`, one]),
  );
  return [...unique.values()];
}

function volumesOfMachines(cluster: Cluster): PlannedVolume[] {
  const { source } = cluster;
  return nodesOf(cluster).flatMap(({ node, files, path }): PlannedVolume[] => {
    const snippets: PlannedVolume = { node, storage: files.name, content: "snippets", path };
    if (source.kind === "template") return [snippets];
    const storage = source.kind === "volume" ? source.volume.replace(/:.*$/, "") : files.name;
    return [snippets, { node, storage, content: "import", path: ["cluster", "image"] }];
  });
}

/** What Proxmox has to be asked about for a lab; undefined for a lab without guests on Proxmox. */
export function proxmoxPlan(lab: Lab): ProxmoxPlan | undefined {
  if (!lab.proxmox) return undefined;
  const { cluster } = lab;
  const guests = [...containersOf(lab), ...(cluster ? machinesOf(cluster) : [])];
  return {
    nodes: [...new Set(guests.map(({ node }) => node))].sort(),
    guests,
    cards: cluster ? cardsOf(cluster) : [],
    volumes: volumesOf(lab),
    pools: [...new Set(guests.flatMap(({ pool }) => pool ?? []))].sort(),
    ...(cluster?.source.kind === "template" && { template: { vmId: cluster.source.vmId, node: cluster.source.node } }),
  };
}
