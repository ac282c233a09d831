import { PciMapping, type PciMappingProps } from "../../../constructs/proxmox/pci-mapping";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: PciMappingProps = {
  resourceName: "pve1_rtx",
  name: "lab-pve1-rtx",
  node: "pve1",
  path: "0000:01:00",
  id: "10de:2684",
  subsystemId: "1043:88e2",
  iommuGroup: 12,
};

testRejectedProps<PciMappingProps>(props, (stack, changed) => new PciMapping(stack, "mapping", changed), [
  ["a resource's name with a space", { resourceName: "pve1 rtx" }, "resourceName: invalid-resource-name"],
  ["a mapping's name that begins with a digit", { name: "1" }, "name: invalid-mapping"],
  ["a node that is no host name", { node: "pve_1" }, "node: invalid-node-name"],
  ["a path without its domain", { path: "01:00" }, "path: invalid-pci-path"],
  ["an id without its device", { id: "10de" }, "id: invalid-pci-id"],
  ["a subsystem in capitals", { subsystemId: "1043:88E2" }, "subsystemId: invalid-pci-id"],
  ["a negative IOMMU group", { iommuGroup: -1 }, "iommuGroup: out-of-range"],
  ["half an IOMMU group", { iommuGroup: 1.5 }, "iommuGroup: out-of-range"],
]);
