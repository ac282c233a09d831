import { Construct } from "constructs";
import { HardwareMappingPci } from "../../.gen/providers/proxmox/hardware-mapping-pci";
import { checkNodeName } from "../../grammar/guest";
import { checkMappingName, checkPciId, checkPciPath, wholeCard } from "../../grammar/pci";
import { checkWhole, IOMMU_GROUP_BOUNDS } from "../../grammar/size";
import { checkProps, prop } from "../props-error";
import { checkResourceName } from "../terraform-text";
import type { OwnershipGuard } from "./ownership-guard";

/** Which card is mapped: what `lspci -nn` and the IOMMU groups of its node say. */
export interface PciMappingProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** Name of the mapping in Proxmox. It cannot be changed later: the provider's rename fails. */
  readonly name: string;
  /** The node that has the card. */
  readonly node: string;
  /** PCI path in lower case, such as `0000:01:00`. */
  readonly path: string;
  /** Vendor and device of the card's first function, such as `10de:2684`. */
  readonly id: string;
  /** Vendor and device of the subsystem. The provider takes a mapping without it, but Proxmox starts no VM then if the card has one. */
  readonly subsystemId: string;
  /** IOMMU group, 0 to 9999. As with the subsystem, Proxmox starts no VM without it if the card has one. */
  readonly iommuGroup: number;
  /** Pass the whole card. The function in the path, if there is one, is left out then. @default true */
  readonly allFunctions?: boolean;
  /** Keeps the mapping from being made before all guests are known to be the stack's own, and imports one that is there. @default none */
  readonly guard?: OwnershipGuard;
}

/** A PCI resource mapping. By no other way does a VM get a card while Terraform authenticates by a token. */
export class PciMapping extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: HardwareMappingPci;

  constructor(scope: Construct, id: string, props: PciMappingProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("resourceName", props.resourceName, checkResourceName),
      prop("name", props.name, checkMappingName),
      prop("node", props.node, checkNodeName),
      prop("path", props.path, checkPciPath),
      prop("id", props.id, checkPciId),
      prop("subsystemId", props.subsystemId, checkPciId),
      prop("iommuGroup", props.iommuGroup, checkWhole(IOMMU_GROUP_BOUNDS)),
    ]);
    this.resource = new HardwareMappingPci(this, "Resource", {
      name: props.name,
      mediatedDevices: false,
      // A mapping that goes, goes after the VM that had the card has let go of it.
      lifecycle: { createBeforeDestroy: true },
      ...(props.guard && { dependsOn: [props.guard.checked] }),
      map: [
        {
          nodeAttribute: props.node,
          path: (props.allFunctions ?? true) ? wholeCard(props.path) : props.path,
          id: props.id,
          subsystemId: props.subsystemId,
          iommuGroup: props.iommuGroup,
        },
      ],
    });
    this.resource.overrideLogicalId(props.resourceName);
    props.guard?.importMapping(this.resource, props.name);
  }
}
