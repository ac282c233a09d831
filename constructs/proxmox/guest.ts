import { type ITerraformDependable, type TerraformResource, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { PoolMembership } from "../../.gen/providers/proxmox/pool-membership";
import type { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkAddress, checkHostAddress, contains, networkOf, parseHostAddress } from "../../grammar/address";
import { checkSearchDomain } from "../../grammar/domain-name";
import type { Check } from "../../grammar/fault";
import {
  checkAdopt,
  checkBridge,
  checkGuestName,
  checkKey,
  checkNodeName,
  checkPoolName,
  checkTag,
  checkVmId,
} from "../../grammar/guest";
import { type Bounds, checkNumber, checkWhole, VLAN_BOUNDS } from "../../grammar/size";
import { checkDatastore } from "../../grammar/storage";
import { type PropCheck, prop } from "../props-error";
import { verbatim } from "../terraform-text";
import type { GuardedGuest, OwnershipGuard } from "./ownership-guard";

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
  /** An existing pool that it is made in, so that rights on the pool are enough. Later changes are ignored: move it in Proxmox. @default none */
  readonly pool?: string;
  /** Keeps the guest from taking over another. @default none: the VMID is not checked against Proxmox, and the guest has no mark */
  readonly guard?: OwnershipGuard;
  /**
   * Take over the guest that has this VMID and this mark. The guard prints the mark; a guest without one is `unmarked`. The prop has no
   * effect once the guest has this state's mark. It needs `guard`. @default a VMID that is in use stops the plan
   */
  readonly adopt?: string;
  /** The name of the resources until now. They are moved in the state, and the guest stays. @default they had no other name */
  readonly formerName?: string;
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
    prop("adopt", props.adopt, checkAdopt),
    prop("formerName", props.formerName, checkKey),
  ];
}

/** The arguments that both kinds of guest call the same. */
export function guestArguments(kind: GuardedGuest["kind"], props: GuestProps) {
  const { node, vmId, description, tags = [], protect, dependsOn, guard, pool } = props;
  const own = [...new Set(tags)].sort();
  return {
    nodeName: node,
    vmId,
    // At the creation, so that rights on the pool are enough for it.
    poolId: pool,
    description: description && verbatim(description),
    tags: guard ? guard.tags(own, guarded(kind, props)) : own,
    started: true,
    protection: protect ?? false,
    dependsOn,
  };
}

/** The DNS block of a guest's initialization. It is left out where the settings of the node count. */
export function dnsBlock({ dns, searchDomain }: GuestNetwork) {
  if (!dns?.length && !searchDomain) return {};
  return { dns: { ...(dns?.length && { servers: [...dns] }), ...(searchDomain && { domain: searchDomain }) } };
}

/** The guest as its guard knows it. */
function guarded(kind: GuardedGuest["kind"], props: GuestProps): GuardedGuest {
  const { resourceName, vmId, name, node, protect = false, adopt, formerName } = props;
  return { kind, resourceName, vmId, name, node, protect, adopt, formerName };
}

/** What protects a guest from Terraform. */
export function guestLifecycle({ protect }: GuestProps) {
  return { ...(protect && { preventDestroy: true }) };
}

/** Puts a guest under its guard, if it has one, and moves the resource that it had under a former name. */
export function guardGuest(
  scope: Construct,
  props: GuestProps,
  kind: GuardedGuest["kind"],
  guest: VirtualEnvironmentContainer | VirtualEnvironmentVm,
): void {
  const { guard, vmId } = props;
  moved(scope, guest, props);
  guard?.add(guarded(kind, props));
  guard?.import(guarded(kind, props), guest, `NODE/${vmId}`);
}

/** Moves a resource in the state from the former name of its guest, if there was one. `suffix`: what follows that name. */
export function moved(
  scope: Construct,
  resource: TerraformResource,
  { formerName }: Pick<GuestProps, "formerName">,
  suffix = "",
): void {
  if (!formerName) return;
  const stack = TerraformStack.of(scope);
  const moves = MOVES.get(stack) ?? [];
  const type = resource.terraformResourceType;
  moves.push({ from: `${type}.${formerName}${suffix}`, to: `${type}.${resource.friendlyUniqueId}` });
  MOVES.set(stack, moves);
  stack.addOverride("moved", moves);
}

/** The moves of each stack: an override replaces the whole list. */
const MOVES = new WeakMap<TerraformStack, { from: string; to: string }[]>();

/**
 * Forgets the membership that earlier versions kept as a resource of its own: a guest is made in its pool now. The guest stays in the pool.
 * An address that is not in the state does no harm.
 */
export function forgetMembership(scope: Construct, { pool, resourceName, formerName }: GuestProps): void {
  if (!pool) return;
  const stack = TerraformStack.of(scope);
  const names = [resourceName, ...(formerName ? [formerName] : [])];
  const removed = names.map((name) => ({ from: `${PoolMembership.tfResourceType}.${name}`, lifecycle: { destroy: false } }));
  FORGOTTEN.set(stack, [...(FORGOTTEN.get(stack) ?? []), ...removed]);
  stack.addOverride("removed", FORGOTTEN.get(stack));
}

/** What each stack forgets: an override replaces the whole list. */
const FORGOTTEN = new WeakMap<TerraformStack, readonly object[]>();

/**
 * The id of a guest, for `replace_triggered_by`. Proxmox drops rules and memberships with their guest, so they are made again when the guest
 * is replaced. With the whole resource instead of its id, any edit of the guest would have that effect.
 */
export function idOf(guest: VirtualEnvironmentContainer | VirtualEnvironmentVm): string {
  return `${guest.terraformResourceType}.${guest.friendlyUniqueId}.id`;
}
