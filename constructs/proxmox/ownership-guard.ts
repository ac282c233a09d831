import { TerraformLocal, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { DataProxmoxVirtualEnvironmentContainers } from "../../.gen/providers/proxmox/data-proxmox-virtual-environment-containers";
import { DataProxmoxVirtualEnvironmentVms } from "../../.gen/providers/proxmox/data-proxmox-virtual-environment-vms";

/** A Terraform precondition, in the form that `lifecycle` takes. */
export interface Precondition {
  readonly condition: string;
  readonly errorMessage: string;
}

/**
 * Keeps a stack from adopting guests that are not its own.
 *
 * The provider does not refuse a VMID that is in use: its retry takes "already exists" for success, the stranger's guest
 * gets into the state, and a later destroy deletes it (seen with 0.111.1). So the stack asks Proxmox once which guests there
 * are, and every guest carries the precondition that its VMID is free or already bears its name. One guard per stack.
 */
export class OwnershipGuard extends Construct {
  readonly vms: DataProxmoxVirtualEnvironmentVms;
  readonly containers: DataProxmoxVirtualEnvironmentContainers;
  private readonly owners: string;

  constructor(scope: TerraformStack, id: string) {
    super(scope, id);
    this.vms = new DataProxmoxVirtualEnvironmentVms(this, "vms");
    this.vms.overrideLogicalId("all");
    this.containers = new DataProxmoxVirtualEnvironmentContainers(this, "containers");
    this.containers.overrideLogicalId("all");
    // A map that each guest looks itself up in, not a loop for each guest.
    const owners = new TerraformLocal(
      this,
      "owners",
      `\${{ for guest in concat(${this.vms.fqn}.vms, ${this.containers.fqn}.containers) : tostring(guest.vm_id) => guest.name... }}`,
    );
    owners.overrideLogicalId("guest_names_by_vm_id");
    this.owners = "local.guest_names_by_vm_id";
  }

  /** The precondition of the guest that is to have this VMID and name. */
  precondition(vmId: number, name: string): Precondition {
    const owner = `join(", ", lookup(${this.owners}, "${vmId}", []))`;
    return {
      condition: `\${alltrue([for owner in lookup(${this.owners}, "${vmId}", []) : owner == "${name}"])}`,
      errorMessage:
        `VMID ${vmId} belongs to another guest, \${${owner}}, and ${name} would take it over and destroy it later. ` +
        `Choose a free VMID. If it is this guest under a former name, rename it in Proxmox to ${name} first.`,
    };
  }
}
