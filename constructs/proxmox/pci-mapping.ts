import { Construct } from "constructs";
import { HardwareMappingPci } from "../../.gen/providers/proxmox/hardware-mapping-pci";
import { checkMappingName, checkPciId, checkPciPath, wholeCard } from "../../grammar/pci";
import { checkProps, prop } from "../props-error";
import type { OwnershipGuard } from "./ownership-guard";

export interface PciMappingProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** Name of the mapping in Proxmox. It cannot be changed: the provider's rename fails. */
  readonly name: string;
  readonly node: string;
  /** PCI path in lower case. */
  readonly path: string;
  /** Vendor and device of the card's first function. */
  readonly id: string;
  /** Vendor and device of the subsystem. Optional to the provider; Proxmox starts no VM when the hardware has one and the mapping lacks it. */
  readonly subsystemId: string;
  /** IOMMU group. As with the subsystem, Proxmox wants it as soon as the hardware has one. */
  readonly iommuGroup: number;
  /** Pass the whole card: the function in the path is dropped then. @default true */
  readonly allFunctions?: boolean;
  /** Keeps the mapping from being made before all guests are known to be the stack's own, and imports one that is there. @default none */
  readonly guard?: OwnershipGuard;
}

/** A PCI resource mapping: the one way in which a VM gets a card while Terraform authenticates by a token. */
export class PciMapping extends Construct {
  readonly resource: HardwareMappingPci;

  constructor(scope: Construct, id: string, props: PciMappingProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("name", props.name, checkMappingName),
      prop("path", props.path, checkPciPath),
      prop("id", props.id, checkPciId),
      prop("subsystemId", props.subsystemId, checkPciId),
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
