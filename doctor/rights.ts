import { wholeCard } from "../grammar/pci";
import { type Lab, mappingName, nodesOf } from "../lab/lab";
import { type ProxmoxPlan, proxmoxPlan } from "./plan";

/** Releases of Proxmox VE whose privileges differ. */
export type Release = 8 | 9;

/** One privilege on one path, and why the lab needs it. */
export interface Right {
  /** The path in Proxmox's tree of permissions, such as `/vms`. */
  readonly path: string;
  readonly privilege: string;
  /** What would fail without it, in one sentence. */
  readonly reason: string;
}

/** The path of a guest's network bridge; a VLAN tag has one of its own below it (pve-guest-common, `check_bridge_access`). */
function bridgePath(bridge: string, vlan: number | undefined, vnets: readonly string[]): string {
  const zone = vnets.includes(bridge) ? "" : "localnetwork/";
  return `/sdn/zones/${zone}${bridge}${vlan === undefined ? "" : `/${vlan}`}`;
}

/** Where the rights on a guest are: on its pool, which it is made in, or else on every guest. */
function baseOf(pool: string | undefined): string {
  return pool === undefined ? "/vms" : `/pool/${pool}`;
}

function guestRights({ guests, template, cards }: ProxmoxPlan, release: Release): Right[] {
  if (guests.length === 0) return [];
  const on = (path: string, privilege: string, reason: string): Right => ({ path, privilege, reason });
  const machines = guests.filter(({ kind }) => kind === "qemu");
  const bases = (some: ProxmoxPlan["guests"]) => [...new Set(some.map(({ pool }) => baseOf(pool)))];
  return [
    // A pool would not do: its rights reach its members alone, and who else may have a VMID is the question.
    on("/vms", "VM.Audit", "Without it guests are invisible: the ownership guard cannot see that a VMID is taken."),
    ...bases(guests).flatMap((base) => [
      on(base, "VM.Audit", "Reads the guests."),
      on(base, "VM.Allocate", "Creates and removes guests."),
      on(base, "VM.PowerMgmt", "Starts and stops guests."),
      on(base, "VM.Config.CPU", "Sets the cores of a guest."),
      on(base, "VM.Config.Memory", "Sets the memory of a guest."),
      on(base, "VM.Config.Disk", "Gives a guest its disks, and lets them grow."),
      on(base, "VM.Config.Network", "Sets the network of a guest, and its firewall."),
      on(base, "VM.Config.Options", "Sets name, tags, start with the node and protection."),
    ]),
    ...bases(machines).flatMap((base) => [
      on(base, "VM.Config.HWType", "Sets machine type, display, serial console and passed cards of a VM."),
      on(base, "VM.Config.Cloudinit", "Gives a VM its cloud-init drive and its snippets."),
      on(base, "VM.Config.CDROM", "Proxmox asks for it when a VM gets its cloud-init drive."),
      on(base, "VM.Migrate", "Moves a VM when the lab names another node."),
      on(
        base,
        release === 8 ? "VM.Monitor" : "VM.GuestAgent.Audit",
        "Reads what the guest agent says, which the provider waits for.",
      ),
    ]),
    ...(template
      ? [
          on(`/vms/${template.vmId}`, "VM.Clone", "Clones the template."),
          // An entry on a path takes the place of those above it.
          on(`/vms/${template.vmId}`, "VM.Audit", "Reads the template."),
        ]
      : []),
    // Proxmox lists HA resources to nobody without it (pve-ha-manager, API2/HA/Resources.pm).
    ...(machines.length > 0 ? [on("/", "Sys.Audit", "Moving a VM: the provider asks first whether the VM is under HA.")] : []),
    // Mappings are created with a privilege on the folder of all of them (pve-manager, API2/Cluster/Mapping/PCI.pm).
    ...(cards.some(({ mapping }) => mapping === undefined)
      ? [
          on("/mapping/pci", "Mapping.Modify", "Makes the mapping of a graphics card."),
          // Each of Mapping.Use, .Modify and .Audit lets a mapping be read, so Mapping.Audit adds nothing (same file).
          on("/mapping/pci", "Mapping.Use", "Passes a mapped graphics card to a VM, and reads the mapping back."),
        ]
      : []),
    ...cards.flatMap(({ mapping }) =>
      mapping === undefined
        ? []
        : [on(`/mapping/pci/${mapping}`, "Mapping.Use", "Passes a mapped graphics card to a VM, and reads the mapping back.")],
    ),
  ];
}

/**
 * Every privilege that an apply of the lab needs, and on which path. Computed from the features that the lab uses. A lab whose `auth` is
 * `rootPassword` needs none: root may do everything.
 * @param vnets names of SDN networks, whose paths differ from those of bridges. @default none
 */
export function rightsOf(lab: Lab, release: Release, vnets: readonly string[] = []): readonly Right[] {
  const plan = proxmoxPlan(lab);
  if (!plan || lab.proxmox?.auth === "rootPassword") return [];
  const rights: Right[] = [...guestRights(plan, release)];
  for (const { disks, bridge, vlan } of plan.guests) {
    for (const { storage } of disks) {
      rights.push(
        { path: `/storage/${storage}`, privilege: "Datastore.AllocateSpace", reason: "Makes the disks of guests." },
        { path: `/storage/${storage}`, privilege: "Datastore.Audit", reason: "Reads which disks are there." },
      );
    }
    rights.push({ path: bridgePath(bridge, vlan, vnets), privilege: "SDN.Use", reason: "Attaches a guest to the bridge." });
  }
  for (const { node, storage, content, existing } of plan.volumes) {
    if (existing) {
      rights.push({
        path: `/storage/${storage}`,
        privilege: "Datastore.Audit",
        reason: "Reads the template that containers are made from.",
      });
      continue;
    }
    rights.push(
      {
        path: `/storage/${storage}`,
        privilege: "Datastore.Allocate",
        reason: `${content === "snippets" ? "Finds the folder that snippets are uploaded to." : "Removes a downloaded file."} It removes backups on the datastore as well, so keep them elsewhere.`,
      },
      // Files are listed to whoever has Datastore.Audit or Datastore.AllocateSpace; only disks need the latter (pve-storage,
      // API2/Storage/Content.pm).
      { path: `/storage/${storage}`, privilege: "Datastore.Audit", reason: "Reads which files are there." },
    );
    if (content === "snippets") continue;
    rights.push(
      { path: `/storage/${storage}`, privilege: "Datastore.AllocateTemplate", reason: "Downloads templates and images." },
      { path: `/nodes/${node}`, privilege: "Sys.AccessNetwork", reason: "Lets the node fetch a file from a URL." },
    );
  }
  const unique = new Map(rights.map((right) => [order(right), right] as const).reverse());
  return [...unique.values()].sort((a, b) => order(a).localeCompare(order(b), "en"));
}

function order({ path, privilege }: Right): string {
  return `${path} ${privilege}`;
}

/** A role's name for a path: readable, and the same for paths that need the same privileges. */
interface Role {
  readonly name: string;
  readonly privileges: readonly string[];
  readonly paths: readonly string[];
}

/** The roles that grant the rights: one for each set of privileges, named after what it is for. */
function rolesOf(rights: readonly Right[], prefix: string): Role[] {
  const roles = new Map<string, { privileges: string[]; paths: string[] }>();
  for (const [path, held] of byPath(rights)) {
    const privileges = held.map(({ privilege }) => privilege).sort();
    const key = privileges.join(" ");
    const role = roles.get(key) ?? { privileges, paths: [] };
    role.paths.push(path);
    roles.set(key, role);
  }
  const used = new Map<string, number>();
  return [...roles.values()].map(({ privileges, paths }) => {
    const base = `${prefix}${SUBJECTS.find(([pattern]) => pattern.test(paths[0] ?? ""))?.[1] ?? "Other"}`;
    const number = (used.get(base) ?? 0) + 1;
    used.set(base, number);
    return { name: number === 1 ? base : `${base}${number}`, privileges, paths };
  });
}

/** The rights by their path. */
export function byPath(rights: readonly Right[]): ReadonlyMap<string, readonly Right[]> {
  const result = new Map<string, Right[]>();
  for (const right of rights) result.set(right.path, [...(result.get(right.path) ?? []), right]);
  return result;
}

/** What a path is about, for the name of its role. */
const SUBJECTS: readonly (readonly [RegExp, string])[] = [
  [/^\/vms\/\d+$/, "Template"],
  [/^\/vms$/, "Guest"],
  [/^\/storage\//, "Storage"],
  [/^\/nodes\//, "Node"],
  [/^\/sdn\//, "Network"],
  [/^\/mapping\//, "Mapping"],
  [/^\/pool\//, "Pool"],
  [/^\/$/, "Audit"],
];

/** Who gets the rights. */
export interface Grantee {
  /** With its realm. @default terraform@pve */
  readonly user?: string;
  /** Name of the token. @default lab */
  readonly token?: string;
}

/** What is needed on `/` is needed there alone: inherited by every path below, it would let the user read the whole cluster. */
function here(path: string): string {
  return path === "/" ? " --propagate 0" : "";
}

/**
 * The commands that make the lab's mappings of graphics cards as root: the way round where Proxmox refuses a token to make them. Sources
 * disagree: the provider's README says that a token cannot, but Proxmox's own code asks for Mapping.Modify alone.
 */
export function mappingCommands(lab: Lab): string[] {
  const cards = (lab.cluster ? nodesOf(lab.cluster) : []).flatMap(({ node, cards: some }) =>
    some.flatMap((card) => (card.kind === "made" ? [{ node, card }] : [])),
  );
  return cards.map(({ node, card: { name, path, allFunctions, id, subsystemId, iommuGroup } }) => {
    const at = allFunctions ? wholeCard(path) : path;
    const map = `node=${node},path=${at},id=${id},subsystem-id=${subsystemId},iommugroup=${iommuGroup}`;
    return `pvesh create /cluster/mapping/pci --id ${mappingName(lab.name, node, name)} --map ${map}`;
  });
}

/** The commands that a person runs as root on one node of the Proxmox cluster, so that the lab can be applied. */
export function grantCommands(rights: readonly Right[], { user = "terraform@pve", token = "lab" }: Grantee = {}): string[] {
  const roles = rolesOf(rights, "Lab");
  return [
    `pveum user add ${user} --comment "Terraform"`,
    ...rights.flatMap(({ path, privilege }) =>
      path.startsWith("/pool/") && privilege === "VM.Allocate" ? [`pveum pool add ${path.replace("/pool/", "")}`] : [],
    ),
    ...roles.map(({ name, privileges }) => `pveum role add ${name} --privs "${privileges.join(" ")}"`),
    ...roles.flatMap(({ name, paths }) =>
      paths.map((path) => `pveum acl modify ${path} --users ${user} --roles ${name}${here(path)}`),
    ),
    `pveum user token add ${user} ${token} --privsep 0`,
  ];
}
