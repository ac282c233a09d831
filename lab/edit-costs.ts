// What an edit of a running lab costs: the rows of the tables in docs/, and of the test that proves them with the real provider.

/**
 * What an edit does to what runs.
 * - `in place`: changed, and nothing stops
 * - `restarts`: changed, and the guest is stopped and started
 * - `replaces`: destroyed and made anew
 * - `stops the plan`: refused before anything is touched, with what to do
 * - `fails in the apply`: refused by Proxmox, and the guest runs on
 * - `nothing`: for what is made later, or for nobody
 */
export type EditEffect = "in place" | "restarts" | "replaces" | "stops the plan" | "fails in the apply" | "nothing";

/** One row. */
export interface EditCost {
  /** The settings, as a person writes them, in Markdown. */
  readonly edit: string;
  readonly effect: EditEffect;
  /** What happens besides: a sentence or two, in Markdown. @default nothing to be said */
  readonly says?: string;
}

/** Edits of a container that runs, by names for the test. */
export const CONTAINER_EDITS = {
  cores: { edit: "`cores`", effect: "in place" },
  "larger disk": { edit: "`diskGiB`, larger", effect: "in place" },
  "smaller disk": {
    edit: "`diskGiB`, smaller; or a disk that grew in Proxmox",
    effect: "fails in the apply",
    says: "The container runs on. Write its real size into the lab.",
  },
  memory: { edit: "`memoryGiB`, `swapMiB`", effect: "restarts" },
  address: { edit: "`address`, name servers", effect: "restarts" },
  bridge: { edit: "`bridge`, `vlan`, `mac`", effect: "restarts" },
  tags: { edit: "`tags`, `description`, `protect`", effect: "in place" },
  firewall: { edit: "`network.clients`, `network.management`", effect: "in place", says: "The firewall's rules alone." },
  name: { edit: "`name`", effect: "restarts" },
  keys: { edit: "`sshPublicKeys`", effect: "nothing", says: "Keys go out with Ansible." },
  template: { edit: "`template`", effect: "nothing", says: "A template is for new containers." },
  disks: { edit: "`disks`", effect: "stops the plan", says: "The plan says what to run in Proxmox." },
  "volume added": {
    edit: "`modelVolume` added or larger",
    effect: "stops the plan",
    says: "The plan says what to run in Proxmox. A volume that was added or grown there is left alone.",
  },
  "volume smaller": { edit: "`modelVolume` smaller; its `backup`", effect: "nothing", says: "Change it in Proxmox." },
  devices: {
    edit: "`gpu` or `devices` added or removed",
    effect: "stops the plan",
    says: "The plan says what to run in Proxmox, which restarts the container.",
  },
  node: { edit: "`node`", effect: "stops the plan", says: "The plan has the command that migrates it." },
  vmId: { edit: "`vmId`", effect: "replaces", says: "**Its data goes with it**; `protect: true` refuses." },
} as const satisfies Record<string, EditCost>;

/** Edits of a VM that runs, by names for the test. */
export const VM_EDITS = {
  cores: { edit: "`cores`, `memoryGiB`", effect: "restarts" },
  cards: { edit: "`gpus`", effect: "restarts", says: "A card given back is free once the VM has let go of it." },
  "card renamed": { edit: "a card's name under `proxmox.nodes`", effect: "restarts", says: "It is another mapping." },
  "card elsewhere": {
    edit: "a card's path or group under `proxmox.nodes`",
    effect: "nothing",
    says: "The mapping changes; a VM sees it when it next starts.",
  },
  "larger disk": {
    edit: "`diskGiB`, larger",
    effect: "in place",
    says: "Cloud-init grows the file system at the next start.",
  },
  "smaller disk": {
    edit: "`diskGiB`, smaller; or a disk that grew in Proxmox",
    effect: "fails in the apply",
    says: "The VM runs on. Write its real size into the lab.",
  },
  disks: { edit: "`disks`", effect: "restarts", says: "The disk is moved while the VM is off. Its EFI disk stays." },
  tags: { edit: "`protect`, `description`", effect: "in place" },
  bridge: { edit: "`cluster.bridge`, `cluster.vlan`", effect: "in place" },
  name: { edit: "`name`", effect: "in place", says: "Renamed in Proxmox; the Kubernetes node keeps its old name." },
  image: { edit: "`image`, `template`", effect: "nothing", says: "Both are for new VMs." },
  snippets: {
    edit: "SSH keys, `k3sVersion`, driver, labels, taints, `disable`",
    effect: "nothing",
    says: "The snippets change, for new VMs. With `replaceWorkers` the workers concerned are rebuilt.",
  },
  dns: { edit: "`network.dns`, `network.searchDomain`", effect: "nothing" },
  address: {
    edit: "`address`",
    effect: "stops the plan",
    says: "The guest keeps the one it was made with. Put it back, or rebuild the VM.",
  },
  vmId: {
    edit: "`vmId`; the key in the lab without `formerKey`",
    effect: "replaces",
    says: "Its disks go with it; `protect: true` refuses.",
  },
} as const satisfies Record<string, EditCost>;
