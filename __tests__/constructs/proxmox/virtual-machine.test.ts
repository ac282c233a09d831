import { VirtualMachine, type VirtualMachineProps } from "../../../constructs/proxmox/virtual-machine";
import { guestProps, rejectedGuestProps } from "../../../testing/guest-props";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: VirtualMachineProps = {
  ...guestProps,
  cores: 2,
  memoryGiB: 4,
  diskGiB: 40,
  source: { cloneOf: 9000 },
  cloudInit: { userData: "local:snippets/user.yaml", metaData: "local:snippets/meta.yaml" },
};

testRejectedProps<VirtualMachineProps>(props, (stack, changed) => new VirtualMachine(stack, "vm", changed), [
  ...rejectedGuestProps({ cores: 513, memoryGiB: 16_385, diskGiB: 65_537 }),
  ["less than a GiB of memory", { memoryGiB: 0.5 }, "memoryGiB: out-of-range"],
  ["a disk smaller than Ubuntu's image", { diskGiB: 3 }, "diskGiB: out-of-range"],
  ["a template with a VMID that Proxmox keeps", { source: { cloneOf: 9 } }, "source.cloneOf: invalid-vmid"],
  ["a template on a node that is none", { source: { cloneOf: 9000, node: "-" } }, "source.node: invalid-node-name"],
  [
    "an image under Ubuntu's name",
    { source: { importFrom: "local:import/noble.img" } },
    "source.importFrom: invalid-image-volume",
  ],
  ["an address by DHCP", { network: { address: "dhcp", gateway: "192.0.2.1" } }, "network.address: static-address"],
  ["a mapping whose name is none", { devices: [{ mapping: "1" }] }, "devices.mapping: invalid-mapping"],
  ["a PCI path in capitals", { devices: [{ path: "0000:0A:00" }] }, "devices.path: invalid-pci-path"],
  ["17 PCI devices", { devices: Array.from({ length: 17 }, () => ({ mapping: "gpu" })) }, "devices: too-many-devices"],
]);
