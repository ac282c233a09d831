import { type ITerraformDependable, type TerraformResource, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { PoolMembership } from "../../.gen/providers/proxmox/pool-membership";
import type { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkAddress, checkHostAddress } from "../../grammar/address";
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
import { checkDatastore } from "../../grammar/storage";
import { type PropCheck, prop, required } from "../props-error";
import { verbatim } from "../terraform-text";
import type { GuardedGuest, OwnershipGuard } from "./ownership-guard";

/** How a guest is in its network. */
export interface GuestNetwork {
  readonly bridge: string;
  /** @default untagged */
  readonly vlan?: number;
  /** With its prefix: `192.0.2.21/24`. */
  readonly address: string;
  readonly gateway?: string;
  /** @default those of the node */
  readonly dns?: readonly string[];
  readonly searchDomain?: string;
}

/** What containers and VMs have in common. */
export interface GuestProps {
  /** Name of the resources in Terraform. */
  readonly resourceName: string;
  readonly node: string;
  /** From 100. Changing it replaces the guest. */
  readonly vmId: number;
  /** Host name, one DNS label. */
  readonly name: string;
  readonly description?: string;
  /** Lower-case; sorted and made unique here, because Proxmox stores them so. */
  readonly tags: readonly string[];
  readonly cores: number;
  /** Whole MiB are sent. Changing it restarts the guest. */
  readonly memoryGiB: number;
  /** Datastore of its disks. */
  readonly disks: string;
  readonly network: GuestNetwork;
  /** What must be there before. */
  readonly dependsOn?: ITerraformDependable[];
  /** @default true */
  readonly startOnBoot?: boolean;
  /** Refuse to destroy it: Proxmox's protection, and Terraform's prevent_destroy. @default false */
  readonly protect?: boolean;
  /** An existing pool it becomes a member of. */
  readonly pool?: string;
  /** @default none: the VMID is not checked against Proxmox, and the guest bears no mark */
  readonly guard?: OwnershipGuard;
  /**
   * Take over the guest that has this VMID: the state's part of the mark that it bears, as the guard prints it, or `unmarked`. It means
   * nothing once the guest bears this state's mark. Needs `guard`.
   */
  readonly adopt?: string;
  /** The resources' name until now: they are moved, and the guest is not made anew. */
  readonly formerName?: string;
}

/** The checks of what guests have in common. */
export function guestChecks({ network, ...props }: GuestProps): PropCheck[] {
  return [
    prop("resourceName", props.resourceName, checkKey),
    prop("node", props.node, checkNodeName),
    prop("vmId", props.vmId, checkVmId),
    prop("name", props.name, checkGuestName),
    ...props.tags.map((tag) => prop("tags", tag, checkTag)),
    prop("disks", props.disks, checkDatastore),
    prop("network.bridge", network.bridge, checkBridge),
    prop("network.address", network.address, checkHostAddress),
    prop("network.gateway", network.gateway, checkAddress),
    ...(network.dns ?? []).map((server) => prop("network.dns", server, checkAddress)),
    required("network.address", network.address === "dhcp" || network.address.includes("/"), {
      code: "prefix-missing",
      message: `the address ${network.address} has no prefix`,
      remedy: "Write it with the prefix of its network, such as 192.0.2.21/24.",
    }),
    prop("pool", props.pool, checkPoolName),
    prop("adopt", props.adopt, checkAdopt),
    prop("formerName", props.formerName, checkKey),
  ];
}

/** The arguments that both kinds of guest call the same. */
export function guestArguments(kind: GuardedGuest["kind"], props: GuestProps) {
  const { node, vmId, description, tags, protect, dependsOn, guard } = props;
  const own = [...new Set(tags)].sort();
  return {
    nodeName: node,
    vmId,
    description: description && verbatim(description),
    tags: guard ? guard.tags(own, guarded(kind, props)) : own,
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

/** The guest as its guard knows it. */
function guarded(kind: GuardedGuest["kind"], props: GuestProps): GuardedGuest {
  const { resourceName, vmId, name, node, protect = false, adopt, formerName } = props;
  return { kind, resourceName, vmId, name, node, protect, adopt, formerName };
}

/** What protects a guest from Terraform. */
export function guestLifecycle({ protect }: GuestProps) {
  return { ...(protect && { preventDestroy: true }) };
}

/** Puts a guest under its guard, if it has one, and names what became of its former resource. */
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

/** Moves a resource in the state from the name that its guest had; nothing for a guest that had no other. `suffix`: what follows that name. */
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
  MOVES.set(stack, [...moves, { from: `${type}.${formerName}${suffix}`, to: `${type}.${resource.friendlyUniqueId}` }]);
  stack.addOverride("moved", MOVES.get(stack));
}

/** The moves of each stack: an override replaces the whole list. */
const MOVES = new WeakMap<TerraformStack, readonly { from: string; to: string }[]>();

/** Makes a guest a member of its pool, if it has one. By its own pool_id, a container would be replaced when that changes. */
export function addPoolMembership(
  scope: Construct,
  props: GuestProps,
  kind: GuardedGuest["kind"],
  guest: VirtualEnvironmentContainer | VirtualEnvironmentVm,
): void {
  const { pool, resourceName, guard } = props;
  if (!pool) return;
  const membership = new PoolMembership(scope, "Pool", {
    poolId: pool,
    vmId: guest.vmId,
    lifecycle: { replaceTriggeredBy: [idOf(guest)] },
  });
  membership.overrideLogicalId(resourceName);
  moved(scope, membership, props);
  guard?.importMembership(guarded(kind, props), membership, pool);
}

/**
 * The guest's id, for `replace_triggered_by`: Proxmox drops a guest's rules and memberships with the guest, so they are made anew when it is
 * replaced. The id alone: by the whole resource, any edit of the guest would count.
 */
export function idOf(guest: VirtualEnvironmentContainer | VirtualEnvironmentVm): string {
  return `${guest.terraformResourceType}.${guest.friendlyUniqueId}.id`;
}
