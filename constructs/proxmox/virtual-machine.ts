import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { INSTALLED } from "../../catalog/proxmox";
import { checkNodeName, checkVmId } from "../../grammar/guest";
import { checkMappingName, checkPciPath } from "../../grammar/pci";
import { MOST_PCI_DEVICES, VM_BOUNDS } from "../../grammar/size";
import { checkImageVolume } from "../../grammar/storage";
import { checkProps, prop, required } from "../props-error";
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

/** A PCI device of the node: by a resource mapping or, for root@pam with its password alone, by its path. */
export type PassedDevice =
  | {
      /** Name of the mapping. */
      readonly mapping: string;
    }
  | {
      /** PCI path in lower case, such as `0000:01:00`. */
      readonly path: string;
    };

/** Where a VM's disk comes from. */
export type DiskSource =
  | {
      /** Volume id of a disk image on a datastore with the content type `import`, such as `local:import/NAME.qcow2`. */
      readonly importFrom: string;
    }
  | {
      /** VMID of a template to clone. It must have q35, OVMF and an EFI disk of its own. */
      readonly cloneOf: number;
      /** The node that the template is on. @default the VM's node */
      readonly node?: string;
    };

/**
 * A change of `cores` or `memoryGiB` restarts the VM. All of its memory is reserved, because there is no ballooning with a PCI device. `node`
 * migrates the VM. `diskGiB` can grow; a smaller one passes the plan but fails in the apply.
 */
export interface VirtualMachineProps extends GuestProps {
  /** Where the disk comes from. Later changes are ignored. */
  readonly source: DiskSource;
  /**
   * The address reaches the guest at its first boot only, so a change stops the plan until the VM is rebuilt. Later changes of the name
   * servers are ignored, as is all that cloud-init reads.
   */
  readonly network: GuestNetwork & {
    /** Address of the default gateway. */
    readonly gateway: string;
  };
  /** Volume ids of the cloud-init snippets: literals, later changes of which are ignored, with a warning in each plan. */
  readonly cloudInit: {
    /** Such as `local:snippets/NAME.yaml`. */
    readonly userData: string;
    /** With a stable `instance-id`: otherwise any edit of the user data makes cloud-init run again at the next cold start. */
    readonly metaData: string;
  };
  /** PCI devices that are passed to it, at most 16. A change restarts the VM. @default none */
  readonly devices?: readonly PassedDevice[];
  /** Resources whose replacement replaces the VM. @default none */
  readonly replaceTriggeredBy?: readonly string[];
}

/** How long a refresh waits for a guest agent that does not answer. The provider's default is 15 minutes, for each VM and each plan. */
const AGENT_TIMEOUT = "3m";

/** A UEFI virtual machine on Proxmox, set up by cloud-init, with PCI devices passed through. */
export class VirtualMachine extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: VirtualEnvironmentVm;

  /** The command that destroys a VM and makes it anew. It runs in the stack's folder. */
  static rebuildCommand(resourceName: string): string {
    return `terraform apply -replace=${VirtualEnvironmentVm.tfResourceType}.${resourceName}`;
  }

  constructor(scope: Construct, id: string, props: VirtualMachineProps) {
    super(scope, id);
    const { network, devices = [], source, disks = INSTALLED.disks } = props;
    const bridge = network.bridge ?? INSTALLED.bridge;
    checkProps(scope, id, [
      ...guestChecks(props, VM_BOUNDS),
      ...("cloneOf" in source
        ? [prop("source.cloneOf", source.cloneOf, checkVmId), prop("source.node", source.node, checkNodeName)]
        : [prop("source.importFrom", source.importFrom, checkImageVolume)]),
      required("network.address", network.address !== "dhcp", {
        code: "static-address",
        message: "the address is dhcp, but this VM needs an address that is known before it starts",
        remedy: "Give it a static address with its prefix, such as 192.0.2.31/24.",
      }),
      ...devices.map((device) =>
        "mapping" in device
          ? prop("devices.mapping", device.mapping, checkMappingName)
          : prop("devices.path", device.path, checkPciPath),
      ),
      required("devices", devices.length <= MOST_PCI_DEVICES, {
        code: "too-many-devices",
        message: `there are ${devices.length} PCI devices, but a VM takes ${MOST_PCI_DEVICES}`,
        remedy: "Spread them over several VMs.",
      }),
    ]);

    const clone = "cloneOf" in source ? source : undefined;
    this.resource = new VirtualEnvironmentVm(this, "Resource", {
      ...guestArguments("vm", props),
      name: props.name,
      // Some of these look like defaults, but the provider's own defaults are others.
      machine: "q35",
      bios: "ovmf",
      cpu: { cores: props.cores, type: "host" },
      memory: { dedicated: Math.round(props.memoryGiB * 1024), floating: 0 },
      operatingSystem: { type: "l26" },
      scsiHardware: "virtio-scsi-single",
      ...(clone
        ? // One try: a second try takes "already exists" for success, and would reconfigure another VM.
          { clone: { vmId: clone.cloneOf, nodeName: clone.node, datastoreId: disks, full: true, retries: 1 } }
        : // Without pre-enrolled keys Secure Boot is off, so drivers install unattended. A template brings an EFI disk of its own.
          { efiDisk: { datastoreId: disks, type: "4m", preEnrolledKeys: false } }),
      disk: [
        {
          interface: "scsi0",
          datastoreId: disks,
          size: props.diskGiB,
          importFromAttribute: "importFrom" in source ? source.importFrom : undefined,
          iothread: true,
          discard: "on",
          ssd: true,
        },
      ],
      // Ubuntu's images panic when their disk is resized and there is no serial console.
      serialDevice: [{ device: "socket" }],
      vga: { type: "serial0" },
      agent: {
        enabled: true,
        timeout: AGENT_TIMEOUT,
        // The addresses are known. A wait for the agent's answer would hold up every plan while the agent is down.
        waitForIp: { disabled: true },
      },
      hostpci: devices.map((device, i) => ({
        device: `hostpci${i}`,
        ...("mapping" in device ? { mapping: device.mapping } : { id: device.path }),
        pcie: true,
        // The provider's page says that it is on by default, but an absent value is sent as off.
        rombar: true,
        xvga: false,
      })),
      initialization: {
        datastoreId: disks,
        userDataFileId: props.cloudInit.userData,
        metaDataFileId: props.cloudInit.metaData,
        ipConfig: [{ ipv4: { address: network.address, gateway: network.gateway } }],
        ...dnsBlock(network),
      },
      onBoot: props.startOnBoot ?? true,
      // An ACPI shutdown of a guest that hangs takes half an hour.
      stopOnDestroy: true,
      purgeOnDestroy: true,
      // A disk that somebody attached by hand is not this project's to delete.
      deleteUnreferencedDisksOnDestroy: false,
      migrate: true,
      lifecycle: {
        // The image and the template count only at creation, but a change from a template to an image would replace the VM, and one from an
        // image to a template would remove its EFI disk and restart it. What cloud-init reads counts only at the first boot, but a change
        // of the snippets would replace the VM, and any other change there would restart it. A VM is moved to another pool in Proxmox.
        ignoreChanges: ["disk[0].import_from", "initialization", "clone", "efi_disk", "pool_id"],
        ...(props.replaceTriggeredBy?.length && { replaceTriggeredBy: [...props.replaceTriggeredBy] }),
        ...guestLifecycle(props),
        postcondition: [addressAsSetUp(props)],
      },
    });
    this.resource.overrideLogicalId(props.resourceName);
    TerraformStack.of(this).addOverride(`check.${props.resourceName}_cloud_init`, { assert: [snippetsWhereTheyAre(props)] });
    // In JSON the provider requires every key of this attribute, with null for what is not set. The bindings leave such keys out.
    this.resource.addOverride("network_device", [
      {
        bridge,
        disconnected: null,
        enabled: null,
        // Off by default. The guest's rules have no effect then.
        firewall: true,
        mac_address: null,
        model: null,
        mtu: null,
        queues: null,
        rate_limit: null,
        trunks: null,
        vlan_id: network.vlan ?? null,
      },
    ]);
    guardGuest(this, props, "vm", this.resource);
    forgetMembership(this, props);
  }
}

/** Cloud-init sets the address at the first boot only, so a later change of the prop does not reach the guest. */
function addressAsSetUp({ resourceName, name, network }: VirtualMachineProps) {
  const current = "self.initialization[0].ip_config[0].ipv4[0].address";
  return {
    condition: `\${try(${current}, "${network.address}") == "${network.address}"}`,
    errorMessage:
      `${name} was set up with the address \${try(${current}, "unknown")} and keeps it, but the lab now says ${network.address}. ` +
      `Put the former address back, or rebuild it with this one: ${VirtualMachine.rebuildCommand(resourceName)}`,
  };
}

/**
 * A change of the snippet's volume id is ignored, because the provider would replace the VM. But Proxmox starts no VM whose snippet is
 * missing. This happens when the datastore of the snippets changes, or when the VM moves to a node with another datastore.
 */
function snippetsWhereTheyAre({ resourceName, name, vmId, cloudInit }: VirtualMachineProps) {
  const vm = `${VirtualEnvironmentVm.tfResourceType}.${resourceName}.initialization[0]`;
  const { userData, metaData } = cloudInit;
  return {
    condition: `\${try(${vm}.user_data_file_id == "${userData}" && ${vm}.meta_data_file_id == "${metaData}", true)}`,
    error_message:
      `${name} looks for its cloud-init snippets where they no longer are, and will not start again once it is stopped. ` +
      `Run on its node: qm set ${vmId} --cicustom user=${userData},meta=${metaData}`,
  };
}
