import { posix } from "node:path";
import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { INSTALLED } from "../../catalog/proxmox";
import { CONTAINER_TEMPLATE } from "../../catalog/ubuntu";
import { parseHostAddress } from "../../grammar/address";
import { checkDevicePath, checkMode, DEVICE_DEFAULTS } from "../../grammar/device";
import { checkAbsolutePath } from "../../grammar/file-path";
import { checkMac } from "../../grammar/mac";
import { CONTAINER_BOUNDS, CONTAINER_FEATURES, CONTAINER_SIZE, checkWhole, GID_BOUNDS } from "../../grammar/size";
import { checkSshPublicKey } from "../../grammar/ssh";
import { checkDatastore, checkTemplateVolume } from "../../grammar/storage";
import { checkProps, prop, required } from "../props-error";
import { verbatim } from "../terraform-text";
import { DownloadedFile } from "./downloaded-file";
import {
  dnsBlock,
  forgetMembership,
  type GuestNetwork,
  type GuestProps,
  guardGuest,
  guestArguments,
  guestChecks,
  guestLifecycle,
} from "./guest";

/** A device of the node that a container gets. Proxmox lets only root@pam, logged in by password, pass one. */
export interface ContainerDevice {
  /** Path on the node, under /dev. */
  readonly path: string;
  /** Group of the device inside the container, by its number. @default 44: `video` in every Debian and Ubuntu */
  readonly gid?: number;
  /** Mode of the device inside the container: four octal digits. @default 0660 */
  readonly mode?: string;
}

/** A volume beside the root disk. Adding, growing or moving one later replaces the container. */
export interface ContainerVolume {
  /** Datastore of the volume. @default that of the container's disks */
  readonly datastore?: string;
  /** Absolute path in the container that it is mounted at. */
  readonly path: string;
  /** Size in GiB. */
  readonly sizeGiB: number;
  /** Include it in Proxmox's backups. @default false */
  readonly backup?: boolean;
}

/** A change of `node` replaces the container, because the provider moves none. A change of `cores` needs no restart. */
export interface ContainerProps extends Omit<GuestProps, "name" | "cores" | "memoryGiB" | "diskGiB"> {
  /** Host name: one DNS label. @default `resourceName` */
  readonly name?: string;
  /** CPU cores, 1 to 128. @default 8 */
  readonly cores?: number;
  /** Memory in GiB, 0.0625 to 4096. Changing it restarts the container. @default 16 */
  readonly memoryGiB?: number;
  /**
   * Volume id of the template, such as `local:vztmpl/NAME.tar.zst`. Later changes are ignored.
   * @default Ubuntu 22.04, which the node downloads to `local`, once for all containers of the stack; its checksum is verified
   */
  readonly template?: string;
  /** Swap in MiB. @default 0: no swap */
  readonly swapMiB?: number;
  /** Size of the root disk in GiB. It can grow; a smaller one replaces the container. @default 50 */
  readonly diskGiB?: number;
  /** Volumes beside the root disk. @default none */
  readonly volumes?: readonly ContainerVolume[];
  /** The address may be `dhcp`. A gateway is required with a static address, and refused with `dhcp`. */
  readonly network: GuestNetwork & {
    /** MAC address in capitals. @default one that Proxmox picks */
    readonly mac?: string;
  };
  /** Keys that may log in as root: one line of a .pub file each. Later changes are ignored, since they would replace the container. @default none */
  readonly sshPublicKeys?: readonly string[];
  /** Features of the container. `keyctl` needs root@pam's password. Under an API token Proxmox refuses a later change. @default nesting alone */
  readonly features?: {
    /** systemd of recent distributions needs it. @default true */
    readonly nesting?: boolean;
    /** Docker in the container needs it. @default false */
    readonly keyctl?: boolean;
  };
  /** Devices of the node. @default none */
  readonly devices?: readonly ContainerDevice[];
}

/** A container with everything that was left out. */
interface SettledContainer extends ContainerProps {
  readonly name: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly diskGiB: number;
  readonly disks: string;
  readonly devices: readonly Required<ContainerDevice>[];
  readonly volumes: readonly Required<ContainerVolume>[];
}

function settled(props: ContainerProps): SettledContainer {
  const { cores, memoryGiB, diskGiB } = CONTAINER_SIZE;
  const { disks = INSTALLED.disks, devices = [], volumes = [] } = props;
  return {
    ...props,
    name: props.name ?? props.resourceName,
    cores: props.cores ?? cores,
    memoryGiB: props.memoryGiB ?? memoryGiB,
    diskGiB: props.diskGiB ?? diskGiB,
    disks,
    devices: devices.map(({ path, gid = DEVICE_DEFAULTS.gid, mode = DEVICE_DEFAULTS.mode }) => ({ path, gid, mode })),
    volumes: volumes.map(({ path, sizeGiB, datastore = disks, backup = false }) => ({ path, sizeGiB, datastore, backup })),
  };
}

/** How many seconds a container gets to shut down before it is destroyed. The provider's 60 are too few for a busy one. */
const DELETE_TIMEOUT_SECONDS = 300;

/**
 * An unprivileged LXC container on Proxmox. The dangerous defaults of the provider are overridden: it would make a privileged container on
 * `local`, with its network card outside the firewall.
 */
export class Container extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: VirtualEnvironmentContainer;
  /** The static address without its prefix. With dhcp, an expression for the leased one, which is null while there is no lease. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: ContainerProps) {
    super(scope, id);
    const guest = settled(props);
    const { network, devices, volumes, sshPublicKeys = [] } = guest;
    checkProps(scope, id, [
      ...guestChecks(guest, CONTAINER_BOUNDS),
      prop("swapMiB", props.swapMiB, checkWhole(CONTAINER_BOUNDS.swapMiB)),
      prop("template", props.template, checkTemplateVolume),
      prop("network.mac", network.mac, checkMac),
      required("network.gateway", (network.address === "dhcp") === (network.gateway === undefined), {
        code: "gateway",
        message: network.gateway
          ? `the gateway ${network.gateway} is given, but the address is dhcp: DHCP brings its own gateway`
          : `the address ${network.address} is static, but there is no gateway`,
        remedy: "Give a gateway with a static address, and none with dhcp.",
      }),
      ...sshPublicKeys.map((key) => prop("sshPublicKeys", key, checkSshPublicKey)),
      ...devices.flatMap(({ path, gid, mode }) => [
        prop("devices.path", path, checkDevicePath),
        prop("devices.gid", gid, checkWhole(GID_BOUNDS)),
        prop("devices.mode", mode, checkMode),
      ]),
      ...volumes.flatMap(({ path, datastore, sizeGiB }) => [
        prop("volumes.path", path, checkAbsolutePath),
        prop("volumes.datastore", datastore, checkDatastore),
        prop("volumes.sizeGiB", sizeGiB, checkWhole(CONTAINER_BOUNDS.diskGiB)),
      ]),
    ]);

    const { nesting, keyctl } = { ...CONTAINER_FEATURES, ...props.features };
    const { volumeId, dependsOn } = this.template(props);
    const dhcp = network.address === "dhcp";
    this.resource = new VirtualEnvironmentContainer(this, "Resource", {
      ...guestArguments("container", { ...guest, dependsOn }),
      // The provider's default is a privileged container, in which root is the node's root.
      unprivileged: true,
      startOnBoot: props.startOnBoot ?? true,
      timeoutDelete: DELETE_TIMEOUT_SECONDS,
      operatingSystem: { templateFileId: volumeId, type: "ubuntu" },
      cpu: { cores: guest.cores },
      memory: { dedicated: Math.round(guest.memoryGiB * 1024), swap: props.swapMiB ?? CONTAINER_SIZE.swapMiB },
      disk: { datastoreId: guest.disks, size: guest.diskGiB },
      mountPoint: volumes.map((volume) => ({
        volume: volume.datastore,
        path: volume.path,
        size: `${volume.sizeGiB}G`,
        backup: volume.backup,
      })),
      // Only features that are on are written: under a token Proxmox accepts nesting at creation, and no other feature.
      features: { ...(nesting && { nesting }), ...(keyctl && { keyctl }) },
      devicePassthrough: devices.map(({ path, gid, mode }) => ({ path, gid, mode })),
      networkInterface: [
        {
          name: "eth0",
          bridge: network.bridge ?? INSTALLED.bridge,
          // Off by default. The guest's rules have no effect then.
          firewall: true,
          vlanId: network.vlan,
          macAddress: network.mac,
        },
      ],
      initialization: {
        hostname: guest.name,
        ipConfig: [{ ipv4: { address: network.address, gateway: network.gateway } }],
        ...dnsBlock(network),
        // Proxmox returns keys trimmed, so an untrimmed key would be a difference in every plan.
        ...(sshPublicKeys.length > 0 && { userAccount: { keys: sshPublicKeys.map((key) => verbatim(key.trim())) } }),
      },
      // Without it an IPv6 address would end the wait, and the IPv4 address would stay unknown.
      ...(dhcp && { waitForIp: { ipv4: true } }),
      lifecycle: {
        // A change of these would replace the container. Another template is for new containers, Ansible brings other keys, and volumes are
        // added, grown and moved in Proxmox. The provider adds devices but cannot remove one: every later apply would fail. A guest is moved to another pool in Proxmox.
        ignoreChanges: [
          "operating_system[0].template_file_id",
          "initialization[0].user_account",
          "disk[0].datastore_id",
          "mount_point",
          "device_passthrough",
          "pool_id",
        ],
        ...guestLifecycle(guest),
        postcondition: [devicesAsWanted(guest), volumesAsWanted(guest)],
      },
    });
    this.resource.overrideLogicalId(props.resourceName);
    // lookup() because the map is empty while there is no lease: an index would stop every plan.
    this.address =
      parseHostAddress(network.address)?.ip ??
      `\${lookup(${VirtualEnvironmentContainer.tfResourceType}.${props.resourceName}.ipv4, "eth0", null)}`;

    guardGuest(this, guest, "container", this.resource);
    forgetMembership(this, guest);
  }

  /** The volume id of the template, and what must be there before the container: without a template of its own, the download of one. */
  private template({ template, node, guard, dependsOn }: ContainerProps) {
    if (template !== undefined) return { volumeId: template, dependsOn };
    const { url, sha512 } = CONTAINER_TEMPLATE;
    const { volumeId, resource } = DownloadedFile.once(TerraformStack.of(this), {
      content: "vztmpl",
      node,
      datastore: INSTALLED.files,
      url,
      fileName: posix.basename(url),
      checksum: { algorithm: "sha512", value: sha512 },
      guard,
    });
    return { volumeId, dependsOn: [...(dependsOn ?? []), resource] };
  }
}

/** A postcondition: it compares the container in Proxmox with the props, and says what to run where they differ. */
interface Postcondition {
  readonly condition: string;
  readonly errorMessage: string;
}

/**
 * A container gets its devices when it is made. Later only root@pam can change them, in Proxmox. Terraform evaluates both texts of each container
 * in each plan, so a container without devices, as most are, has short ones.
 */
function devicesAsWanted({ resourceName, name, vmId, node, devices }: SettledContainer): Postcondition {
  const has = "self.device_passthrough";
  const begin = `The devices of ${name} are others in Proxmox than in the lab, and Terraform can't change them. Run on ${node}, as root: `;
  if (devices.length === 0) {
    return {
      condition: `\${length(${has}) == 0}`,
      // The provider keeps the former devices in the state then (0.111.1). Only an import reads them anew.
      errorMessage:
        `${begin}pct set ${vmId} --delete \${join(",", [for i, device in ${has} : "dev${"$"}{i}"])} && pct reboot ${vmId}. Then run in this ` +
        `stack's folder, so that the container is imported anew: terraform state rm proxmox_virtual_environment_container.${resourceName}`,
    };
  }
  const wanted = JSON.stringify(devices.map(({ path, gid, mode }) => [path, `gid=${gid},mode=${mode}`]));
  const surplus = `[for i, device in ${has} : "dev${"$"}{i}" if !contains(${wanted}, [device.path, "gid=${"$"}{device.gid},mode=${"$"}{device.mode}"])]`;
  const missing =
    `[for i, device in [for device in ${wanted} : device if !contains([for one in ${has} : [one.path, "gid=${"$"}{one.gid},mode=${"$"}{one.mode}"]], device)] : ` +
    `"--dev${"$"}{length(${has}) + i} ${"$"}{device[0]},${"$"}{device[1]}"]`;
  return {
    condition: `\${length(${surplus}) + length(${missing}) == 0}`,
    errorMessage:
      `${begin}\${join(" && ", concat(length(${missing}) > 0 ? ["pct set ${vmId} ${"$"}{join(" ", ${missing})}"] : [], ` +
      `length(${surplus}) > 0 ? ["pct set ${vmId} --delete ${"$"}{join(",", ${surplus})}"] : []))} && pct reboot ${vmId}`,
  };
}

/** Proxmox moves and grows volumes, but Terraform would make the container anew. A volume may be larger than the props say. */
function volumesAsWanted({ name, vmId, node, disks, volumes }: SettledContainer): Postcondition {
  const inPlace = `self.disk[0].datastore_id == "${disks}"`;
  const move = `pct move-volume ${vmId} rootfs ${disks} --delete 1`;
  const begin =
    `The volumes of ${name} are others in Proxmox than in the lab, and Terraform would make the container anew to change them. Run on ` +
    `${node}, as root: `;
  if (volumes.length === 0) return { condition: `\${${inPlace}}`, errorMessage: `${begin}${move}` };
  const gib = 'tonumber(trimsuffix(volume.size, "G"))';
  const commands = volumes.map(({ path, sizeGiB, datastore, backup }, index) => {
    const there = `[for i, volume in self.mount_point : i if volume.path == "${path}"]`;
    const small = `[for i, volume in self.mount_point : i if volume.path == "${path}" && try(${gib} < ${sizeGiB}, false)]`;
    const add = `pct set ${vmId} --mp${index} ${datastore}:${sizeGiB},mp=${path},backup=${backup ? 1 : 0}`;
    return `length(${there}) == 0 ? ["${add}"] : [for i in ${small} : "pct resize ${vmId} mp${"$"}{i} ${sizeGiB}G"]`;
  });
  const all = `concat(${[`${inPlace} ? [] : ["${move}"]`, ...commands].join(", ")})`;
  return { condition: `\${length(${all}) == 0}`, errorMessage: `${begin}\${join(" && ", ${all})}` };
}
