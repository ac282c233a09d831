import { checkAddress, parseHostAddress } from "../../grammar/address";
import type { Cluster } from "../cluster";
import type { PartialLab } from "../lab";
import { formatPath, type Path } from "../problem";
import { error, rule } from "./rule";

/** Something of which there is one, and who wants it. */
interface Claim {
  readonly kind: "vmid" | "name" | "address" | "mac" | "gpu";
  readonly value: string;
  readonly path: Path;
  /** Who it is, where the path alone does not tell: a member of a pool. */
  readonly member?: string;
  /** Several such claims agree with each other. */
  readonly shared?: boolean;
}

const NOUNS: Record<Claim["kind"], { noun: string; remedy: string }> = {
  vmid: { noun: "VMID", remedy: "Give one of them another VMID; containers and VMs share one range of numbers." },
  name: { noun: "The name", remedy: "Rename one of them: two guests of one name cannot be told apart in DNS or in Proxmox." },
  address: { noun: "The address", remedy: "Give one of them another address." },
  mac: { noun: "The MAC address", remedy: "Give one of them another MAC address, or none, and Proxmox picks one." },
  gpu: {
    noun: "The graphics card",
    remedy: "Give it to one of them: a card is either passed to one VM, or its driver runs on the node for containers.",
  },
};

function* claims(lab: PartialLab): Iterable<Claim> {
  for (const [name, node] of Object.entries(lab.proxmox?.nodes ?? {})) {
    yield { kind: "address", value: node.address, path: ["proxmox", "nodes", name, "address"] };
  }
  for (const [key, container] of Object.entries(lab.containers ?? {})) {
    const at = (...rest: string[]): Path => ["containers", key, ...rest];
    yield { kind: "vmid", value: String(container.vmId), path: at("vmId") };
    yield { kind: "name", value: container.name, path: at("name") };
    const address = parseHostAddress(container.address);
    if (address) yield { kind: "address", value: address.ip, path: at("address") };
    if (container.mac) yield { kind: "mac", value: container.mac, path: at("mac") };
    if (container.gpu?.card && container.node) {
      // Containers may share a card, since its driver runs on the node; a VM takes it whole.
      yield { kind: "gpu", value: `${container.gpu.card} of ${container.node}`, path: at("gpu"), shared: true };
    }
  }
  if (lab.cluster) yield* clusterClaims(lab.cluster);
}

function* clusterClaims({ nodes, template, registrationAddress }: Cluster): Iterable<Claim> {
  if (template) yield { kind: "vmid", value: String(template.vmId), path: ["cluster", "template", "vmId"] };
  const keys = new Set<string>();
  for (const { key, vmId, name, address, gpus, node, path } of nodes) {
    const pool = path[1] === "pools";
    const member = pool ? { member: key } : {};
    const at = (field: string, inPool: string): Path => [...path, pool ? inPool : field];
    yield { kind: "vmid", value: String(vmId), path: at("vmId", "firstVmId"), ...member };
    // Of one key for two nodes the rule poolKeys tells; that their names are one is no news then.
    if (!keys.has(key)) yield { kind: "name", value: name, path: pool ? path : at("name", ""), ...member };
    keys.add(key);
    yield { kind: "address", value: address, path: at("address", "addresses"), ...member };
    for (const gpu of gpus) yield { kind: "gpu", value: `${gpu} of ${node}`, path: at("gpus", "gpus"), ...member };
  }
  // That it is the address of a node of the cluster is the business of the rule registrationAddress.
  if (
    registrationAddress &&
    !checkAddress(registrationAddress) &&
    nodes.every(({ address }) => address !== registrationAddress)
  ) {
    yield { kind: "address", value: registrationAddress, path: ["cluster", "registrationAddress"] };
  }
}

function claimant({ path, member }: Claim): string {
  return member === undefined ? formatPath(path) : `${formatPath(path)} (${member})`;
}

/** No VMID, name, address, MAC address or card may be claimed twice. Reported at each claim after the first. */
export const uniqueClaims = rule([], function* (lab) {
  const owners = new Map<string, Claim>();
  for (const claim of claims(lab)) {
    const id = `${claim.kind} ${claim.value}`;
    const owner = owners.get(id);
    if (owner?.shared && claim.shared) continue;
    if (!owner) {
      owners.set(id, claim);
      continue;
    }
    const { noun, remedy } = NOUNS[claim.kind];
    yield error(
      `duplicate-${claim.kind}`,
      claim.path,
      `${noun} ${claim.value} is claimed by ${claimant(owner)} and by ${claimant(claim)}`,
      remedy,
    );
  }
});
