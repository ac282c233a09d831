import { TerraformLocal, type TerraformResource, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { DataProxmoxHardwareMappings } from "../../.gen/providers/proxmox/data-proxmox-hardware-mappings";
import { DataProxmoxVirtualEnvironmentContainers } from "../../.gen/providers/proxmox/data-proxmox-virtual-environment-containers";
import { DataProxmoxVirtualEnvironmentNodes } from "../../.gen/providers/proxmox/data-proxmox-virtual-environment-nodes";
import { DataProxmoxVirtualEnvironmentVms } from "../../.gen/providers/proxmox/data-proxmox-virtual-environment-vms";
import { checkNodeName } from "../../grammar/guest";
import { checkProps, prop } from "../props-error";
import { TerraformData } from "../terraform-data";

/** What a guard has to know of a guest. */
export interface GuardedGuest {
  /** Name of the guest's resources in Terraform. Its mark holds it. */
  readonly resourceName: string;
  /** Which of the two it is. Containers and VMs share one range of VMIDs. */
  readonly kind: "container" | "vm";
  /** Its VMID. */
  readonly vmId: number;
  /** Host name. */
  readonly name: string;
  /** The node that it shall be on. */
  readonly node: string;
  /** Whether it refuses to be destroyed. */
  readonly protect: boolean;
  /** Take over the guest that has this VMID and this mark, or with `unmarked` one without a mark. Ignored once the guest has ours. @default take over none */
  readonly adopt?: string;
  /** The name that its resources had before. @default it had no other */
  readonly formerName?: string;
}

/** Tags that begin with this are marks. No other tag may begin with it. */
const MARK_PREFIX = "tf.";

/** The parts of a mark: tf.STATE.NODE.NAME, with `.protected` at the end of a protected guest's. */
const MARK = "^tf\\\\.([0-9a-f]{8})\\\\.([0-9a-z-]+)\\\\.([0-9a-z-]+?)(\\\\.protected)?$";

/** The value of `adopt` for a guest that has no mark. */
export const UNMARKED = "unmarked";

export interface OwnershipGuardProps {
  /**
   * The only node whose guests the stack has. States that were split by node bear one mark together, so a stack must not miss the guests that
   * are the others'. @default the stack has guests of every node
   */
  readonly node?: string;
}

/**
 * Keeps a stack from taking over guests that are not its own. A stack has one guard.
 *
 * The provider does not refuse a VMID that is in use: its retry takes "already exists" for success, the other guest gets into the state,
 * and a later destroy deletes it (seen with 0.111.1). So every guest has a mark: a tag with the state that it is in, the node that this
 * state put it on, and its name in this state. The stack asks Proxmox once which guests and nodes there are, and compares.
 *
 * The state's part of the mark is made with the state and kept in it. So every other state has another, also one that replaces a lost state.
 * It is made from the time of the first plan and the folder that it ran in. It cannot be the id of a resource, because the provider plans no
 * tags when one of them is unknown, and fails in the apply.
 *
 * The guard imports guests that have this stack's mark but are not in the state, and guests that the stack adopts.
 */
export class OwnershipGuard extends Construct {
  /** The VMs that Proxmox has. */
  readonly vms: DataProxmoxVirtualEnvironmentVms;
  /** The containers that Proxmox has. */
  readonly containers: DataProxmoxVirtualEnvironmentContainers;
  /** The nodes of Proxmox, online or not. */
  readonly nodes: DataProxmoxVirtualEnvironmentNodes;
  /** Its input marks the state. */
  readonly state: TerraformData;
  /** It has the conditions for all guests, and comes before every guest: while a condition does not hold, no guest is touched. */
  readonly checked: TerraformData;
  private mappings?: DataProxmoxHardwareMappings;
  private readonly wanted: TerraformLocal;
  private readonly downloaded: TerraformLocal;
  private readonly guests: Record<string, object> = {};
  /** What this stack downloads: volume ids, and what to write to have a file without downloading it. */
  private readonly files: Record<string, string> = {};
  private readonly imports: { to: string; id: string; for_each: string }[] = [];

  constructor(
    private readonly stack: TerraformStack,
    id: string,
    { node }: OwnershipGuardProps = {},
  ) {
    super(stack, id);
    checkProps(stack, id, [prop("node", node, checkNodeName)]);
    this.vms = new DataProxmoxVirtualEnvironmentVms(this, "vms");
    this.vms.overrideLogicalId("all");
    this.containers = new DataProxmoxVirtualEnvironmentContainers(this, "containers");
    this.containers.overrideLogicalId("all");
    this.nodes = new DataProxmoxVirtualEnvironmentNodes(this, "nodes");
    this.nodes.overrideLogicalId("all");
    this.state = new TerraformData(this, "state");
    // No guest can have these names, because keys of guests have no underscore.
    this.state.overrideLogicalId("this_state");
    this.checked = new TerraformData(this, "checked");
    this.checked.overrideLogicalId("guests_checked");
    this.state.addOverride("input", '${substr(sha256("${plantimestamp()} ${abspath(path.root)}"), 0, 8)}');
    this.state.addOverride("lifecycle.ignore_changes", ["input"]);
    this.checked.addOverride("input", `\${${OUR_STATE}}`);
    this.local(
      "guests_found",
      '${concat([for guest in data.proxmox_virtual_environment_vms.all.vms : { kind = "vm", guest = guest }], ' +
        '[for guest in data.proxmox_virtual_environment_containers.all.containers : { kind = "container", guest = guest }])}',
    );
    // Maps that each guest is looked up in, not a loop for each guest.
    this.local("guests_by_vm_id", BY_VM_ID);
    this.local(
      "nodes_offline",
      "${[for i, name in data.proxmox_virtual_environment_nodes.all.names : name if !data.proxmox_virtual_environment_nodes.all.online[i]]}",
    );
    this.wanted = this.local("guests_wanted", {});
    this.downloaded = this.local("files_downloaded", {});
    this.local(
      "guests_present",
      "${{ for key, wanted in local.guests_wanted : key => merge(wanted, { found = local.guests_by_vm_id[wanted.vm_id] }) " +
        "if can(local.guests_by_vm_id[wanted.vm_id]) }}",
    );
    this.local(
      "guests_importable",
      `\${{ for key, guest in local.guests_present : key => guest.found.node if ${BEARS_ITS_NAME} }}`,
    );
    const refusals = [
      `[for key, wanted in local.guests_wanted : "${NOT_LOOKED_UP}" if !can(local.guests_by_vm_id[wanted.vm_id]) && length(local.nodes_offline) > 0]`,
      `[for key, guest in local.guests_present : "${STRANGER}" if guest.found.kind != guest.kind || ` +
        `guest.found.mark.state == "" && !${BEARS_ITS_NAME}]`,
      `[for key, guest in local.guests_present : guest.kind == "vm" ? "${VM_MOVED}" : "${CONTAINER_MOVED}" if ${BEARS_ITS_NAME} && ` +
        // The lab may send a VM to another node from the one that this state put it on. It cannot send a container.
        '!(guest.found.node == guest.node || guest.kind == "vm" && lower(guest.found.node) == guest.found.mark.node)]',
      `[for key, guest in local.guests_present : "${STRANGER}" if ${MARKED} && guest.found.mark.state != ${OUR_STATE} && ` +
        `!(guest.found.mark.state == guest.adopt && ${BEARS_ITS_NAME})]`,
      `[for volume_id, instead in local.files_downloaded : "${FILE_THERE}" if anytrue([for key, guest in local.guests_present : ` +
        `${MARKED} && guest.found.mark.state != ${OUR_STATE} && guest.found.mark.state != guest.adopt && ${BEARS_ITS_NAME}])]`,
      `[for key, guest in local.guests_present : "${RENAMED}" if ${MARKED} && guest.found.mark.state == ${OUR_STATE} && !${BEARS_ITS_NAME}]`,
      `[for vm_id, found in local.guests_by_vm_id : "${LEAVING}" if found.mark.protected && found.mark.state == ${OUR_STATE} && ` +
        (node === undefined ? "" : `found.mark.node == "${node.toLowerCase()}" && `) +
        "!contains(flatten([for wanted in local.guests_wanted : wanted.names]), found.mark.name)]",
    ];
    this.local("guests_refused", `\${concat(${refusals.join(", ")})}`);
    this.checked.addOverride("lifecycle.precondition", [
      { condition: "${length(local.guests_refused) == 0}", error_message: '${join("\\n", local.guests_refused)}' },
    ]);
  }

  /** The tags of a guest and its mark, in the order in which Proxmox stores them. They depend on the checks of all guests. */
  tags(tags: readonly string[], { resourceName, node, protect }: GuardedGuest): string[] {
    const mark = `${MARK_PREFIX}\${terraform_data.guests_checked.input}.${node.toLowerCase()}.${resourceName}${protect ? ".protected" : ""}`;
    const after = tags.findIndex((tag) => tag > MARK_PREFIX);
    return after < 0 ? [...tags, mark] : [...tags.slice(0, after), mark, ...tags.slice(after)];
  }

  /** Takes a guest into the stack's check. */
  add({ resourceName, kind, vmId, name, node, adopt = "", formerName }: GuardedGuest): void {
    const names = [resourceName, ...(formerName ? [formerName] : [])];
    this.guests[resourceName] = { kind, vm_id: String(vmId), name, node, adopt, names };
    this.wanted.expression = this.guests;
  }

  /** Takes a file that the stack downloads into what the plan says of a lost state: no state takes over a file that is there. */
  downloads(content: "vztmpl" | "import", volumeId: string): void {
    this.files[volumeId] =
      content === "vztmpl" ? `defaults: { container: { template: "${volumeId}" } }` : `cluster: { image: "${volumeId}" }`;
    this.downloaded.expression = this.files;
  }

  /**
   * Imports a resource of a guest that exists when the resource is not in the state: after the state was lost, or when an apply ended
   * between the guest and its firewall. `id` is the import's id, with NODE for the node that the guest is on.
   */
  import({ resourceName }: Pick<GuardedGuest, "resourceName">, resource: TerraformResource, id: string): void {
    const filled = id.replace("NODE", () => `\${local.guests_importable["${resourceName}"]}`);
    this.imports.push({
      // A guest that is not to be imported is not in the map.
      for_each: `\${toset(try(["${filled}"], []))}`,
      to: `${resource.terraformResourceType}.${resource.friendlyUniqueId}`,
      id: "${each.value}",
    });
    this.stack.addOverride("import", this.imports);
  }

  /** Imports a PCI mapping that exists in Proxmox but not in the state. */
  importMapping(resource: TerraformResource, name: string): void {
    if (!this.mappings) {
      this.mappings = new DataProxmoxHardwareMappings(this, "mappings", { type: "pci" });
      this.mappings.overrideLogicalId("all");
    }
    this.imports.push({
      for_each: `\${toset([for name in ${this.mappings.fqn}.ids : name if name == "${name}"])}`,
      to: `${resource.terraformResourceType}.${resource.friendlyUniqueId}`,
      id: "${each.value}",
    });
    this.stack.addOverride("import", this.imports);
  }

  private local(name: string, expression: unknown): TerraformLocal {
    const local = new TerraformLocal(this, name, expression);
    local.overrideLogicalId(name);
    return local;
  }
}

const OUR_STATE = "terraform_data.this_state.input";
const MARKED = 'guest.found.kind == guest.kind && guest.found.mark.state != ""';

/** Whether the mark has the name of this guest, in any state. For a guest that is adopted without a mark: whether it has the host name. */
const BEARS_ITS_NAME =
  "(guest.found.kind == guest.kind && (contains(guest.names, guest.found.mark.name) || " +
  `guest.adopt == "${UNMARKED}" && guest.found.mark.state == "" && guest.found.name == guest.name))`;

/** Guests by VMID, with the parts of their marks. The parts are empty for a guest without a mark. */
const BY_VM_ID =
  "${{ for one in local.guests_found : tostring(one.guest.vm_id) => { kind = one.kind, name = one.guest.name, " +
  "node = one.guest.node_name, mark = concat([for mark in " +
  `[for tag in one.guest.tags : regex("${MARK}", tag) if can(regex("${MARK}", tag))] : ` +
  "{ state = mark[0], node = mark[1], name = mark[2], protected = mark[3] != null }], " +
  '[{ state = "", node = "", name = "", protected = false }])[0] } }}';

// The messages: what is wrong, and what to write or to run. They are Terraform's templates. `key` is the guest's name in the lab.
const NOT_LOOKED_UP =
  'VMID ${wanted.vm_id} of ${key} can\'t be looked up, because a node does not answer: ${join(", ", local.nodes_offline)}. A guest there ' +
  "may have it, and would be taken over. Deploy when the node is back, or leave ${key} out of the lab until then.";
const STRANGER =
  'VMID ${guest.vm_id} of ${key} belongs to another guest: ${guest.found.name}, a ${guest.found.kind == "vm" ? "VM" : "container"} on ' +
  '${guest.found.node}, which bears ${guest.found.mark.state == "" ? "no mark of a state" : ' +
  '"the mark of another state, ${guest.found.mark.state} (${guest.found.mark.name})"}. It would be taken over, and destroyed later. Give ' +
  "${key} another vmId. Or, if it is ${key} all the same, because the state was lost, is kept elsewhere or is older than marks, then write " +
  `at \${key} in the lab, and deploy: adopt: \\"\${guest.found.mark.state == "" ? "${UNMARKED}" : guest.found.mark.state}\\"`;
const FILE_THERE =
  "The file ${volume_id} is there already, if the state was lost: it downloaded the file, and no other state takes a file over. Together " +
  "with adopt, write in the lab, so that the file is used as it is: ${instead}";
const RENAMED =
  "VMID ${guest.vm_id} of ${key} belongs to this state's guest ${guest.found.mark.name}, which this plan would destroy while it makes " +
  "${key}. If only the key is another, write at ${key} in the lab, and deploy: formerKey: ${guest.found.mark.name}. If ${key} is to be " +
  "another guest, deploy without it first, or give it another vmId.";
const VM_MOVED =
  "${key} (VMID ${guest.vm_id}) is on the node ${guest.found.node}, but the lab says ${guest.node}. Somebody moved it, and this plan would " +
  "stop it and move it back. Write at ${key} in the lab: node: ${guest.found.node}";
const CONTAINER_MOVED =
  "${key} (VMID ${guest.vm_id}) is on the node ${guest.found.node}, but the lab says ${guest.node}. Terraform moves no container: it would " +
  "make another, and wait for half an hour. Write at ${key} in the lab: node: ${guest.found.node}, and run in this stack's folder, so that " +
  "it is imported from there: terraform state rm proxmox_virtual_environment_container.${key}. Or move it to ${guest.node}, then run the " +
  "same; run on ${guest.found.node}: pct migrate ${guest.vm_id} ${guest.node} --restart";
const LEAVING =
  "${found.mark.name} (VMID ${vm_id}) is protected, and no longer in the lab. This plan would delete its firewall rules, take it out of its " +
  "pool, shut it down, and only then be refused. Put it back with protect: false, deploy, and then take it out.";
