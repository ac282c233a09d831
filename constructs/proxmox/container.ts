import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { PoolMembership } from "../../.gen/providers/proxmox/pool-membership";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { checkAddress, checkHostAddress, parseHostAddress } from "../../grammar/address";
import { checkAbsolutePath, checkDevicePath, checkMode } from "../../grammar/device";
import { checkBridge, checkGuestName, checkKey, checkNodeName, checkPoolName, checkTag, checkVmId } from "../../grammar/guest";
import { checkMac } from "../../grammar/mac";
import { checkSshPublicKey } from "../../grammar/ssh";
import { checkDatastore, checkTemplateVolume } from "../../grammar/storage";
import { checkProps, prop, required } from "../props-error";
import { verbatim } from "../terraform-text";
import { idOf } from "./guest-firewall";
import type { OwnershipGuard } from "./ownership-guard";

/** A device of the node that a container gets. Proxmox lets only root@pam, logged in by password, pass one. */
export interface ContainerDevice {
  /** Path on the node, under /dev. */
  readonly path: string;
  /** Group of the device inside the container. */
  readonly gid: number;
  /** Mode of the device inside the container, four octal digits. */
  readonly mode: string;
}

/** A volume beside the root disk. Adding, growing or moving one later replaces the container. */
export interface ContainerVolume {
  readonly datastore: string;
  /** Where it is mounted. */
  readonly path: string;
  readonly sizeGiB: number;
  /** @default false */
  readonly backup?: boolean;
}

export interface ContainerProps {
  /** Name of the resources in Terraform. */
  readonly resourceName: string;
  /** Changing it replaces the container: the provider moves none. */
  readonly node: string;
  /** From 100. Changing it replaces the container. */
  readonly vmId: number;
  /** Host name, one DNS label. Changing it restarts the container. */
  readonly name: string;
  readonly description?: string;
  /** Lower-case; sorted and made unique here, because Proxmox stores them so. */
  readonly tags: readonly string[];
  /** Volume id of the template, such as `local:vztmpl/NAME.tar.zst`. Later changes are ignored. */
  readonly template: string;
  /** What must be there before, such as the download of the template. */
  readonly dependsOn?: ITerraformDependable[];
  readonly cores: number;
  /** Whole MiB are sent. Changing it restarts the container. */
  readonly memoryGiB: number;
  /** @default 0 */
  readonly swapMiB?: number;
  /** Datastore of the root disk. Changing it replaces the container. */
  readonly disks: string;
  /** Size of the root disk. It can grow; a smaller one replaces the container. */
  readonly diskGiB: number;
  readonly volumes?: readonly ContainerVolume[];
  readonly network: {
    readonly bridge: string;
    /** @default untagged */
    readonly vlan?: number;
    /** `dhcp`, or an address with its prefix: `192.0.2.21/24`. */
    readonly address: string;
    /** Required with a static address, refused with `dhcp`. */
    readonly gateway?: string;
    /** @default one that Proxmox picks */
    readonly mac?: string;
    /** @default those of the node */
    readonly dns?: readonly string[];
    readonly searchDomain?: string;
  };
  /** Keys that may log in as root. Trimmed here; later changes are ignored, since they would replace the container. */
  readonly sshPublicKeys: readonly string[];
  /** @default nesting only */
  readonly features?: { readonly nesting: boolean; readonly keyctl: boolean };
  readonly devices?: readonly ContainerDevice[];
  /** @default true */
  readonly startOnBoot?: boolean;
  /** Refuse to destroy it: Proxmox's protection, and Terraform's prevent_destroy. @default false */
  readonly protect?: boolean;
  /** An existing pool it becomes a member of. */
  readonly pool?: string;
  /** @default none: the VMID is not checked against Proxmox */
  readonly guard?: OwnershipGuard;
}

/** Seconds that a container gets to shut down before it is destroyed; the provider's 60 is short for a busy one. */
const DELETE_TIMEOUT_SECONDS = 300;

/**
 * An unprivileged LXC container on Proxmox, with every default written out that is dangerous to leave to the provider:
 * it would make a privileged container on `local`, with its network card outside the firewall.
 */
export class Container extends Construct {
  readonly resource: VirtualEnvironmentContainer;
  /** The static address without its prefix, or an expression for the leased one: null while there is no lease. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: ContainerProps) {
    super(scope, id);
    const { network, devices = [], volumes = [] } = props;
    checkProps(scope, id, [
      prop("resourceName", props.resourceName, checkKey),
      prop("node", props.node, checkNodeName),
      prop("vmId", props.vmId, checkVmId),
      prop("name", props.name, checkGuestName),
      ...props.tags.map((tag) => prop("tags", tag, checkTag)),
      prop("template", props.template, checkTemplateVolume),
      prop("disks", props.disks, checkDatastore),
      prop("network.bridge", network.bridge, checkBridge),
      prop("network.address", network.address, checkHostAddress),
      prop("network.gateway", network.gateway, checkAddress),
      prop("network.mac", network.mac, checkMac),
      ...(network.dns ?? []).map((server) => prop("network.dns", server, checkAddress)),
      required("network.gateway", (network.address === "dhcp") === (network.gateway === undefined), {
        code: "gateway",
        message: `the address is ${network.address} and the gateway ${network.gateway ?? "absent"}`,
        remedy: "Give a gateway with a static address, and none with dhcp.",
      }),
      required("network.address", network.address === "dhcp" || network.address.includes("/"), {
        code: "prefix-missing",
        message: `the address ${network.address} has no prefix`,
        remedy: "Write it with the prefix of its network, such as 192.0.2.21/24.",
      }),
      ...props.sshPublicKeys.map((key) => prop("sshPublicKeys", key, checkSshPublicKey)),
      ...devices.flatMap(({ path, mode }) => [
        prop("devices.path", path, checkDevicePath),
        prop("devices.mode", mode, checkMode),
      ]),
      ...volumes.flatMap(({ path, datastore }) => [
        prop("volumes.path", path, checkAbsolutePath),
        prop("volumes.datastore", datastore, checkDatastore),
      ]),
      prop("pool", props.pool, checkPoolName),
    ]);

    const { nesting, keyctl } = props.features ?? { nesting: true, keyctl: false };
    const dhcp = network.address === "dhcp";
    this.resource = new VirtualEnvironmentContainer(this, "Resource", {
      nodeName: props.node,
      vmId: props.vmId,
      description: props.description && verbatim(props.description),
      tags: [...new Set(props.tags)].sort(),
      // The provider's default is a privileged container, in which root is the node's root.
      unprivileged: true,
      startOnBoot: props.startOnBoot ?? true,
      started: true,
      protection: props.protect ?? false,
      timeoutDelete: DELETE_TIMEOUT_SECONDS,
      operatingSystem: { templateFileId: props.template, type: "ubuntu" },
      cpu: { cores: props.cores },
      memory: { dedicated: Math.round(props.memoryGiB * 1024), swap: props.swapMiB ?? 0 },
      disk: { datastoreId: props.disks, size: props.diskGiB },
      mountPoint: volumes.map((volume) => ({
        volume: volume.datastore,
        path: volume.path,
        size: `${volume.sizeGiB}G`,
        backup: volume.backup ?? false,
      })),
      // Only what is on is written: under a token Proxmox takes nesting at creation, and nothing beside it.
      features: { ...(nesting && { nesting }), ...(keyctl && { keyctl }) },
      devicePassthrough: devices.map(({ path, gid, mode }) => ({ path, gid, mode })),
      networkInterface: [
        {
          name: "eth0",
          bridge: network.bridge,
          // Off by default, and then the guest's rules mean nothing.
          firewall: true,
          vlanId: network.vlan,
          macAddress: network.mac,
        },
      ],
      initialization: {
        hostname: props.name,
        ipConfig: [{ ipv4: { address: network.address, gateway: network.gateway } }],
        ...((network.dns?.length || network.searchDomain) && {
          dns: {
            ...(network.dns?.length && { servers: [...network.dns] }),
            ...(network.searchDomain && { domain: network.searchDomain }),
          },
        }),
        // Untrimmed keys come back trimmed, and would differ in every plan.
        ...(props.sshPublicKeys.length > 0 && { userAccount: { keys: props.sshPublicKeys.map((key) => verbatim(key.trim())) } }),
      },
      // Without it an IPv6 address ends the wait, and the IPv4 address stays unknown.
      ...(dhcp && { waitForIp: { ipv4: true } }),
      dependsOn: props.dependsOn,
      lifecycle: {
        // Both would replace the container: another template is for new ones, and keys are delivered by Ansible.
        ignoreChanges: ["operating_system[0].template_file_id", "initialization[0].user_account"],
        ...(props.protect && { preventDestroy: true }),
        ...(props.guard && { precondition: [props.guard.precondition(props.vmId, props.name)] }),
      },
    });
    this.resource.overrideLogicalId(props.resourceName);
    // By lookup, never by index: the map is empty while there is no lease, and an index would stop every plan.
    this.address =
      parseHostAddress(network.address)?.ip ??
      `\${lookup(${VirtualEnvironmentContainer.tfResourceType}.${props.resourceName}.ipv4, "eth0", null)}`;

    if (props.pool) {
      // The container's own pool_id would replace it when it changes.
      const membership = new PoolMembership(this, "Pool", {
        poolId: props.pool,
        vmId: this.resource.vmId,
        lifecycle: { replaceTriggeredBy: [idOf(this.resource)] },
      });
      membership.overrideLogicalId(props.resourceName);
    }
  }
}
