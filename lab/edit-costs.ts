// What an edit of a running lab costs: the rows of the tables in docs/. testing/edit-proofs.ts has an edit for each row; tests see what it does
// with replayed providers and with the real ones.

/**
 * What an edit does to what runs.
 * - `in place`: changed, and nothing stops
 * - `restarts`: changed, and the guest is stopped and started, or the pods are made anew
 * - `replaces`: destroyed and made anew
 * - `adds`: something new is made, and what runs is left as it is
 * - `removes`: something is destroyed, and what else runs is left as it is
 * - `stops the plan`: refused before anything is touched, with what to do
 * - `fails in the apply`: refused by Proxmox or Kubernetes, and what runs goes on
 * - `by Ansible`: Terraform changes nothing but the inventory; the next playbook brings it
 * - `nothing`: for what is made later, or for nobody
 */
export type EditEffect =
  | "in place"
  | "restarts"
  | "replaces"
  | "adds"
  | "removes"
  | "stops the plan"
  | "fails in the apply"
  | "by Ansible"
  | "nothing";

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
  keys: { edit: "`sshPublicKeys`", effect: "by Ansible" },
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
    edit: "SSH keys, `k3sVersion`, `nvidiaDriver`, `labels`, `taints`, `disable`",
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

/** Edits of the software in a container that runs, and of which containers there are, by names for the test. */
export const SOFTWARE_EDITS = {
  models: { edit: "`models`, `removeUnlistedModels`", effect: "by Ansible" },
  ollama: {
    edit: "`ollama.version`, `ollama.url`, `ollama.environment`",
    effect: "by Ansible",
    says: "Ollama is restarted, the container is not.",
  },
  driver: {
    edit: "`gpu.driverVersion`",
    effect: "by Ansible",
    says: "Until then the container's user space does not fit the host's driver.",
  },
  door: {
    edit: "`https`, added or removed",
    effect: "in place",
    says: "The firewall opens another port. Until the playbook has run, nobody reaches Ollama.",
  },
  "door's names": { edit: "`https.host`, `https.certificate`", effect: "by Ansible" },
  more: { edit: "a container more, or a larger `count` of a pool", effect: "adds" },
  less: {
    edit: "a container less, or a smaller `count` of a pool",
    effect: "removes",
    says: "**Its data goes with it.** The last members of a pool go first.",
  },
  "protected less": {
    edit: "a container less that has `protect: true`",
    effect: "stops the plan",
    says: "Nothing is touched. Deploy it with `protect: false` first.",
  },
} as const satisfies Record<string, EditCost>;

/** Edits of a cluster of VMs that runs, by names for the test. */
export const CLUSTER_EDITS = {
  versions: {
    edit: "`k3sVersion`, `nvidiaDriver`, `image`",
    effect: "nothing",
    says: "Running VMs keep theirs: new ones are made with it.",
  },
  policy: { edit: "`onBootstrapChange`", effect: "nothing", says: "It counts for the edits after it." },
  "versions, replacing": {
    edit: "`k3sVersion`, `nvidiaDriver`, under `onBootstrapChange: replaceWorkers`",
    effect: "replaces",
    says: "The workers concerned. Servers stay.",
  },
  more: {
    edit: "a worker or server more, or a larger `count` of a pool",
    effect: "adds",
    says: "The others' firewalls let it in, and the deploy waits for it. From one server to three: [below](#from-one-server-to-three).",
  },
  less: {
    edit: "a worker less, or a smaller `count` of a pool",
    effect: "removes",
    says: "**Its disks go with it.** Drain it before.",
  },
  "protected less": {
    edit: "a VM less that has `protect: true`",
    effect: "stops the plan",
    says: "Nothing is touched. Deploy it with `protect: false` first.",
  },
  protect: { edit: "`protect` of a VM", effect: "in place" },
  "first server": {
    edit: "`firstServer`, with several servers",
    effect: "nothing",
    says: "It decides which of them founds a cluster when it starts without data.",
  },
  "Proxmox node": { edit: "another node under `proxmox.nodes`", effect: "nothing" },
} as const satisfies Record<string, EditCost>;

/** Edits of the Kubernetes side of a lab that runs, by names for the test. */
export const KUBERNETES_EDITS = {
  models: {
    edit: "`models`, `removeUnlistedModels`",
    effect: "in place",
    says: "The pull of that release runs; Ollama goes on serving.",
  },
  pod: {
    edit: "`resources`, `keepAlive`, `contextLength`, `environment`, `gpus`, `nodeSelector`, `values`",
    effect: "restarts",
    says: "That release alone.",
  },
  image: {
    edit: "`image`, `tolerations`",
    effect: "restarts",
    says: "That release alone; its pull runs, with the same client in the same place.",
  },
  chart: { edit: "`ollama.chart`", effect: "restarts", says: "Every release, and every pull runs. Claims stay." },
  "host added": { edit: "`host` added", effect: "adds", says: "The route, and with the first host the redirect." },
  host: { edit: "`host`, `allowFrom`, `auth`, `kubernetes.issuer`", effect: "in place", says: "The route alone." },
  "host removed": { edit: "`host` removed", effect: "removes", says: "The route, and with the last host the redirect." },
  policy: { edit: "`networkPolicy` added", effect: "adds", says: "The policy alone." },
  "policy changed": { edit: "`networkPolicy.namespaces`", effect: "in place" },
  "policy removed": { edit: "`networkPolicy` removed", effect: "removes", says: "The policy alone." },
  "release added": { edit: "another release", effect: "adds", says: "What is its own, and nothing of the others." },
  "release removed": {
    edit: "a release removed, while its claim is protected",
    effect: "stops the plan",
    says: "See [Keeping a claim](#keeping-a-claim).",
  },
  "release removed, kept": {
    edit: "a release removed, with its claim among `keptClaims`",
    effect: "removes",
    says: "The claim stays in the cluster; Terraform forgets it.",
  },
  "release removed, unprotected": {
    edit: "a release removed that has `protect: false`",
    effect: "removes",
    says: "**Everything of it, the claim too.** The TLS Secret stays until the namespace goes.",
  },
  protect: { edit: "`protect`", effect: "in place", says: "The labels of the claim and its namespace." },
  "storage raised": { edit: "`storageGi`, larger", effect: "in place", says: "The claim grows, where its class can." },
  "storage lowered": {
    edit: "`storageGi`, smaller",
    effect: "stops the plan",
    says: "Protected or not: a claim never shrinks, so Terraform would replace it.",
  },
  replicas: {
    edit: "`replicas`, from several to more, or to 0",
    effect: "in place",
    says: "Pods come and go, the claim stays as it is: its mode never follows from the number. At 0 nothing is pulled.",
  },
  "one or several": {
    edit: "`replicas`, from one to several, or back",
    effect: "restarts",
    says: "Several have `OLLAMA_NOPRUNE`, and need `accessMode: ReadWriteMany`. The claim stays as it is.",
  },
  "mode taken out": {
    edit: "`accessMode` taken out, while the claim has another than the default",
    effect: "stops the plan",
    says: "Protected or not.",
  },
  "claim replaced": {
    edit: "`accessMode` changed, `storageClass`",
    effect: "stops the plan",
    says: "The claim would be replaced, but it is protected. See below.",
  },
  "claim replaced, unprotected": {
    edit: "the same, of a release that has `protect: false`",
    effect: "replaces",
    says: "**The claim, its release and its pull.** See below.",
  },
  namespace: {
    edit: "`ollama.namespace`",
    effect: "stops the plan",
    says: "While a release is protected: everything would be made anew there, and the former namespace would go with all claims in it.",
  },
  "device plugin": {
    edit: "`devicePlugin.timeSlicing`",
    effect: "restarts",
    says: "The device plugin; running pods keep their GPU.",
  },
  "platform's charts": {
    edit: "the `chart` of `devicePlugin`, `nfs`, `certManager`",
    effect: "restarts",
    says: "The pods of that product; Ollama's stay.",
  },
  certManager: { edit: "`certManager.dns01`, `.email`, `.server`", effect: "in place", says: "The issuer alone." },
  nfs: {
    edit: "`kubernetes.nfs`: server, path, options",
    effect: "replaces",
    says: "The StorageClass; volumes that exist stay as they are.",
  },
} as const satisfies Record<string, EditCost>;

/** Edits of an air-gapped lab that runs, and the ways there and back, by names for the test. */
export const AIR_GAP_EDITS = {
  models: {
    edit: "`models`, `staging.revision`, `staging.image`",
    effect: "restarts",
    says: "Staging publishes another release, and the pods mount it.",
  },
  pinned: { edit: "`ollama.release`", effect: "restarts", says: "The pods mount that release; staging spares it." },
  staging: {
    edit: "`staging.keep`, `staging.timeoutMinutes`",
    effect: "in place",
    says: "The staging Job runs again; production is not touched.",
  },
  there: {
    edit: "`airGapped: true`, in a lab that was online",
    effect: "restarts",
    says: "Terraform forgets the claims; they stay in the cluster, whatever `protect` says.",
  },
  back: {
    edit: "`airGapped` taken out",
    effect: "fails in the apply",
    says: "`already exists`, until the claims are imported: see [below](#from-online-to-air-gapped-and-back).",
  },
  namespace: {
    edit: "`ollama.namespace`",
    effect: "stops the plan",
    says: "While a claim in the former one is protected. The message says how it stays.",
  },
} as const satisfies Record<string, EditCost>;
