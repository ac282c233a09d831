import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import { PoolMembership } from "../../.gen/providers/proxmox/pool-membership";
import type { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkAddress, checkHostAddress, contains, networkOf, parseHostAddress } from "../../grammar/address";
import { checkSearchDomain } from "../../grammar/domain-name";
import type { Check } from "../../grammar/fault";
import { checkBridge, checkGuestName, checkKey, checkNodeName, checkPoolName, checkTag, checkVmId } from "../../grammar/guest";
import { type Bounds, checkNumber, checkWhole, VLAN_BOUNDS } from "../../grammar/size";
import { checkDatastore } from "../../grammar/storage";
import { type PropCheck, prop } from "../props-error";
import { verbatim } from "../terraform-text";
import type { OwnershipGuard } from "./ownership-guard";

/** How a guest is in its network. */
export interface GuestNetwork {
  /** Bridge on the node. @default vmbr0 */
  readonly bridge?: string;
  /** VLAN tag, 1 to 4094. @default untagged */
  readonly vlan?: number;
  /** IPv4 address with its prefix, such as `192.0.2.21/24`. */
  readonly address: string;
  /** Address of the default gateway, in the address's own network. @default none */
  readonly gateway?: string;
  /** Addresses of the name servers. @default those of the node */
  readonly dns?: readonly string[];
  /** DNS search domain. @default that of the node */
  readonly searchDomain?: string;
}

/** What containers and VMs have in common. */
export interface GuestProps {
  /** Name of the resources in Terraform. Changing it replaces the guest, unless the state is moved with it. */
  readonly resourceName: string;
  /** The Proxmox node. */
  readonly node: string;
  /** VMID, from 100 to 999999999, unique in the Proxmox cluster. Changing it replaces the guest. */
  readonly vmId: number;
  /** Host name: one DNS label. */
  readonly name: string;
  /** Notes shown in Proxmox. @default none */
  readonly description?: string;
  /** Proxmox tags in lower case. They are sorted and made unique here, because Proxmox stores them so. @default none */
  readonly tags?: readonly string[];
  /** CPU cores. */
  readonly cores: number;
  /** Memory in GiB, sent as whole MiB. Changing it restarts the guest. */
  readonly memoryGiB: number;
  /** Size of the root disk in GiB. */
  readonly diskGiB: number;
  /** Datastore of the disks. @default local-lvm */
  readonly disks?: string;
  /** How it is in its network. */
  readonly network: GuestNetwork;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
  /** Start with the node. @default true */
  readonly startOnBoot?: boolean;
  /** Refuse to destroy it: Proxmox's protection, and Terraform's prevent_destroy. @default false */
  readonly protect?: boolean;
  /** An existing pool that it becomes a member of. @default none */
  readonly pool?: string;
  /** @default none: the VMID is not checked against Proxmox */
  readonly guard?: OwnershipGuard;
}

/** What a kind of guest can have. */
interface GuestBounds {
  readonly cores: Bounds;
  readonly memoryGiB: Bounds;
  readonly diskGiB: Bounds;
}

/** Refuses an address without the prefix of its network. */
const checkPrefix: Check<string> = (address) =>
  address === "dhcp" || address.includes("/")
    ? undefined
    : {
        code: "prefix-missing",
        message: `the address ${address} has no prefix`,
        remedy: "Write it with the prefix of its network, such as 192.0.2.21/24.",
      };

/** Refuses a gateway that the guest cannot reach directly. */
function checkGatewayOf(address: string): Check<string> {
  return (gateway) => {
    if (checkHostAddress(address) || checkAddress(gateway)) return undefined;
    const { ip, prefix } = parseHostAddress(address) ?? {};
    if (ip === undefined || prefix === undefined || contains(networkOf(ip, prefix), gateway)) return undefined;
    return {
      code: "gateway-outside-network",
      message: `the gateway ${gateway} is outside the network of ${address}`,
      remedy: "Give a gateway inside the network, or correct the prefix.",
    };
  };
}

/** The checks of what guests have in common. */
export function guestChecks({ network, ...props }: GuestProps, bounds: GuestBounds): PropCheck[] {
  return [
    prop("resourceName", props.resourceName, checkKey),
    prop("node", props.node, checkNodeName),
    prop("vmId", props.vmId, checkVmId),
    prop("name", props.name, checkGuestName),
    ...(props.tags ?? []).map((tag) => prop("tags", tag, checkTag)),
    prop("cores", props.cores, checkWhole(bounds.cores)),
    prop("memoryGiB", props.memoryGiB, checkNumber(bounds.memoryGiB)),
    prop("diskGiB", props.diskGiB, checkWhole(bounds.diskGiB)),
    prop("network.vlan", network.vlan, checkWhole(VLAN_BOUNDS)),
    prop("network.searchDomain", network.searchDomain, checkSearchDomain),
    prop("disks", props.disks, checkDatastore),
    prop("network.bridge", network.bridge, checkBridge),
    prop("network.address", network.address, checkHostAddress),
    prop("network.address", network.address, checkPrefix),
    prop("network.gateway", network.gateway, checkAddress),
    prop("network.gateway", network.gateway, checkGatewayOf(network.address)),
    ...(network.dns ?? []).map((server) => prop("network.dns", server, checkAddress)),
    prop("pool", props.pool, checkPoolName),
  ];
}

/** The arguments that both kinds of guest call the same. */
export function guestArguments({ node, vmId, description, tags = [], protect, dependsOn }: GuestProps) {
  return {
    nodeName: node,
    vmId,
    description: description && verbatim(description),
    tags: [...new Set(tags)].sort(),
    started: true,
    protection: protect ?? false,
    dependsOn,
  };
}

/** The DNS block of a guest's initialization; nothing when the node's own settings are to hold. */
export function dnsBlock({ dns, searchDomain }: GuestNetwork) {
  if (!dns?.length && !searchDomain) return {};
  return { dns: { ...(dns?.length && { servers: [...dns] }), ...(searchDomain && { domain: searchDomain }) } };
}

/** What protects a guest from Terraform, and others' guests from this one. */
export function guestLifecycle({ protect, guard, vmId, name }: GuestProps) {
  return {
    ...(protect && { preventDestroy: true }),
    ...(guard && { precondition: [guard.precondition(vmId, name)] }),
  };
}

/** Makes a guest a member of its pool, if it has one. By its own pool_id, a container would be replaced when that changes. */
export function addPoolMembership(
  scope: Construct,
  { pool, resourceName }: GuestProps,
  guest: VirtualEnvironmentContainer | VirtualEnvironmentVm,
): void {
  if (!pool) return;
  const membership = new PoolMembership(scope, "Pool", {
    poolId: pool,
    vmId: guest.vmId,
    lifecycle: { replaceTriggeredBy: [idOf(guest)] },
  });
  membership.overrideLogicalId(resourceName);
}

/**
 * The guest's id, for `replace_triggered_by`: Proxmox drops a guest's rules and memberships with the guest, so they are made anew when it is
 * replaced. The id alone: by the whole resource, any edit of the guest would count.
 */
export function idOf(guest: VirtualEnvironmentContainer | VirtualEnvironmentVm): string {
  return `${guest.terraformResourceType}.${guest.friendlyUniqueId}.id`;
}
