import { OLDEST_PROXMOX } from "../catalog/proxmox";
/** One kind of finding, for docs/doctor.md. */
export interface FindingKind {
  /** How bad it is; both where it depends on the guest. */
  readonly severity: "error" | "warning" | "unknown" | "error or warning";
  /** What it means, in one or two sentences. */
  readonly meaning: string;
  /** What to do. */
  readonly remedy: string;
}

/** Findings that belong together: a chapter of docs/doctor.md. */
export interface FindingChapter {
  readonly title: string;
  readonly kinds: Readonly<Record<string, FindingKind>>;
}

const machine = {
  "tool-missing": {
    severity: "error or warning",
    meaning:
      "A program cannot be run on this machine: an error when a deploy of this lab starts it, a warning when only people and the doctor need it.",
    remedy: "Install it. The message says where it comes from.",
  },
  "tool-old": {
    severity: "error",
    meaning: "A program on this machine is older than what the lab's stacks need.",
    remedy: "Install a newer one.",
  },
  "kubectl-skew": {
    severity: "warning",
    meaning: "kubectl on this machine is more than one minor version apart from the lab's Kubernetes.",
    remedy: "Install the kubectl of that version.",
  },
} as const satisfies FindingChapter["kinds"];

const connection = {
  "credential-missing": {
    severity: "error",
    meaning: "The variable of the environment that the lab's `proxmox.auth` needs is not set.",
    remedy: "Export `PROXMOX_VE_API_TOKEN`, or `PROXMOX_VE_PASSWORD` for `auth: rootPassword`.",
  },
  "credential-malformed": {
    severity: "error",
    meaning: "`PROXMOX_VE_API_TOKEN` does not have the form `USER@REALM!NAME=UUID`. Nothing was sent.",
    remedy: "Put the token in single quotes, because a shell reads `!` itself.",
  },
  "credential-refused": {
    severity: "error",
    meaning: "Proxmox does not know the token or the password, or the token has expired.",
    remedy:
      "Compare it with `pveum user token list USER`. A lost secret cannot be shown again: remove the token and add a new one.",
  },
  "credential-forbidden": {
    severity: "error",
    meaning: "Proxmox knows the credential, but it may not even ask for the release.",
    remedy: "Run the commands that `ollama-lab rights` prints.",
  },
  "certificates-unreadable": {
    severity: "error",
    meaning: "`SSL_CERT_FILE` names a file that cannot be read.",
    remedy: "Write the path of a file of certificates in PEM, or unset the variable.",
  },
  "certificate-untrusted": {
    severity: "error",
    meaning: "No certificate authority that this machine trusts has signed the certificate. A fresh Proxmox signs its own.",
    remedy: "Copy `/etc/pve/pve-root-ca.pem` from a node and set `SSL_CERT_FILE` to it, or write `proxmox.insecure: true`.",
  },
  "certificate-expired": {
    severity: "error",
    meaning: "The certificate is not valid at this machine's time.",
    remedy: "Run `pvecm updatecerts --force` on the node, and compare the clocks of both machines.",
  },
  "certificate-name": {
    severity: "error",
    meaning: "The certificate is for another name than the one in `proxmox.endpoint`.",
    remedy: "Write the endpoint with a name that the certificate has.",
  },
  "proxmox-unreachable": {
    severity: "error",
    meaning: "Nothing answers at `proxmox.endpoint`: the name has no address, or nothing listens on the port.",
    remedy: "Check the host, the port (8006), and the firewalls in between.",
  },
  "proxmox-slow": {
    severity: "error",
    meaning: "The first answer did not come within ten seconds.",
    remedy: "Check the load of the host, and whether a firewall drops the packets.",
  },
  "proxmox-not-tls": {
    severity: "error",
    meaning: "Something answers at the address, but not by HTTPS.",
    remedy: "Check the port: Proxmox answers on 8006.",
  },
  "proxmox-redirects": {
    severity: "error",
    meaning: "The address redirects. The doctor does not follow, so the credential goes to no other host.",
    remedy: "Write the address that it redirects to, if that is your Proxmox.",
  },
  "proxmox-cut-off": {
    severity: "error",
    meaning: "The connection ended before the answer was whole.",
    remedy: "Run `doctor` again. If it stays so, look at the proxy in between, or at `pveproxy` on the node.",
  },
  "not-proxmox": {
    severity: "error",
    meaning: "The answer is not Proxmox's JSON. A proxy or a login page answers with HTML.",
    remedy: "Check the address.",
  },
  "proxmox-too-old": {
    severity: "error",
    meaning: "The address does not have Proxmox's API.",
    remedy: `Check that Proxmox VE ${OLDEST_PROXMOX} or later answers there.`,
  },
  "proxmox-refuses": {
    severity: "error",
    meaning: "Proxmox answers the first question with an error of its own.",
    remedy: "Look at the node's log: `journalctl -u pveproxy -u pvedaemon`.",
  },
} as const satisfies FindingChapter["kinds"];

const ssh = {
  "ssh-key-missing": {
    severity: "error",
    meaning: "The deploy logs in to the nodes by SSH, but it has no key: no agent runs, or the variable with the key is not set.",
    remedy: "Run `ssh-add`, or export `PROXMOX_VE_SSH_PRIVATE_KEY` where the lab says `agent: false`.",
  },
  "ssh-failed": {
    severity: "error",
    meaning: "SSH cannot log in to a node as `proxmox.ssh` says, but the deploy uploads the VMs' snippets there.",
    remedy: "The remedy follows from what ssh said: the key, the host key, or the way there.",
  },
  "sudo-missing": {
    severity: "error",
    meaning: "The user may log in to a node, but sudo does not let it find and write snippets.",
    remedy: "Add the lines for sudo of [The cluster](cluster.md#the-user-for-snippets).",
  },
  "ssh-unknown": {
    severity: "unknown",
    meaning: "The login was not tried, because the key is in a variable and ssh takes it from a file or an agent alone.",
    remedy: "Try it with the key's file as the message says.",
  },
} as const satisfies FindingChapter["kinds"];

const rights = {
  "missing-privilege": {
    severity: "error",
    meaning: "The credential lacks privileges that an apply of this lab needs. There is one finding for each path.",
    remedy: "Run the commands in the remedy as root on a node, or all that `ollama-lab rights` prints.",
  },
  "superfluous-privilege": {
    severity: "warning",
    meaning: "The credential has privileges that no lab needs and that reach far, such as granting rights to others.",
    remedy: "Give the token a user of its own, with what `ollama-lab rights` prints and nothing else.",
  },
  "backups-in-reach": {
    severity: "warning",
    meaning:
      "The lab's files are on a datastore that keeps backups. What removes a downloaded file, Datastore.Allocate, removes backups there as well.",
    remedy: "Keep backups on another datastore, or the lab's files on one of their own (storage.files).",
  },
  "rights-unknown": {
    severity: "unknown",
    meaning: "The credential's privileges cannot be read.",
    remedy: "Mend the connection first, then run `doctor` again.",
  },
} as const satisfies FindingChapter["kinds"];

const nodes = {
  "old-release": {
    severity: "error",
    meaning: "The Proxmox cluster is older than the oldest release that this project supports.",
    remedy: "Upgrade the Proxmox cluster.",
  },
  "new-release": {
    severity: "warning",
    meaning: "The Proxmox cluster is newer than the releases that this project was written for.",
    remedy: "Read the plan with care, and look for a newer release of this project.",
  },
  "nodes-unknown": {
    severity: "unknown",
    meaning: "The nodes of the Proxmox cluster cannot be read.",
    remedy: "Mend the connection first, then run `doctor` again.",
  },
  "node-missing": {
    severity: "error",
    meaning: "The lab puts guests on a node that the Proxmox cluster does not have.",
    remedy: "Write the node's name as `pvesh get /nodes` shows it.",
  },
  "node-offline": {
    severity: "error",
    meaning: "The lab has guests on a node that is not online.",
    remedy: "Start the node, or apply the stacks of the other nodes only.",
  },
  "node-memory": {
    severity: "error",
    meaning: "The lab's guests on a node get more memory together than the node has.",
    remedy: "Give them less memory, or move guests to another node.",
  },
  "node-cores": {
    severity: "error or warning",
    meaning: "A guest gets more cores than its node has. Proxmox starts no such VM; a container gets what there is.",
    remedy: "Write as many cores as the node has, or fewer.",
  },
  "clock-differs": {
    severity: "warning",
    meaning: "A node's clock is more than a minute apart from this machine's. Certificates and tokens have times in them.",
    remedy: "Run `chronyc tracking` on the node.",
  },
} as const satisfies FindingChapter["kinds"];

const storages = {
  "storages-unknown": {
    severity: "unknown",
    meaning: "The storages of a node cannot be read.",
    remedy: "Give the credential `Datastore.Audit` on the storages, or mend the connection.",
  },
  "storage-missing": {
    severity: "error",
    meaning: "The lab uses a datastore that the node does not have, or that the credential may not see.",
    remedy: "Name a datastore that is there, or give the credential `Datastore.Audit` on it.",
  },
  "storage-inactive": {
    severity: "error",
    meaning: "The lab uses a datastore that is disabled or not mounted.",
    remedy: "Look at `pvesm status` on the node, or run `pvesm set NAME --disable 0`.",
  },
  "storage-content": {
    severity: "error",
    meaning: "A datastore does not take the kind of content that the lab puts there.",
    remedy:
      "Run the `pvesm set` of the remedy. It names what the datastore takes now too, because the command replaces the list.",
  },
  "storage-space": {
    severity: "warning",
    meaning: "The disks of the guests that are not there yet are larger together than the free space.",
    remedy: "Free space, take smaller disks, or make sure that the datastore is thin and stays so.",
  },
  "volume-missing": {
    severity: "error",
    meaning: "The lab names a template by its volume id, but the datastore does not have it.",
    remedy: "Run the `pveam download` of the remedy on the node.",
  },
} as const satisfies FindingChapter["kinds"];

const network = {
  "bridges-unknown": {
    severity: "unknown",
    meaning: "The bridges of a node cannot be read, or the credential sees none.",
    remedy: "Give the credential `Sys.Audit` on the node for this look, or compare by hand with `ip link show type bridge`.",
  },
  "bridge-missing": {
    severity: "error",
    meaning: "The lab attaches guests to a bridge that the node does not have.",
    remedy: "Name a bridge that the node has, or make it under Network of the node.",
  },
  "bridge-inactive": {
    severity: "error",
    meaning: "The lab attaches guests to a bridge that is down.",
    remedy: "Run `ifreload -a` on the node.",
  },
  "bridge-not-vlan-aware": {
    severity: "warning",
    meaning: "The lab tags guests with a VLAN, but their bridge is not VLAN-aware.",
    remedy: "Make the bridge VLAN-aware, or leave out `vlan` and name the bridge of that VLAN.",
  },
  "firewall-off": {
    severity: "warning",
    meaning: "The datacenter's firewall is off, so the rules of the lab's guests have no effect.",
    remedy: "Switch it on under Datacenter → Firewall → Options. Allow yourself in first.",
  },
  "firewall-unknown": {
    severity: "unknown",
    meaning: "The credential may not read whether the datacenter's firewall is on.",
    remedy: "Look under Datacenter → Firewall → Options, or give the credential `Sys.Audit` on `/` for this look.",
  },
} as const satisfies FindingChapter["kinds"];

const guests = {
  "guests-unknown": {
    severity: "unknown",
    meaning: "The guests of the Proxmox cluster cannot be read.",
    remedy: "Mend the connection first, then run `doctor` again.",
  },
  "vmid-taken": {
    severity: "error",
    meaning: "Another guest has the VMID: one of another kind or of another name.",
    remedy: "Choose a free VMID. `pvesh get /cluster/nextid` names one.",
  },
  "vmid-taken-unseen": {
    severity: "error",
    meaning: "A guest has the VMID that the credential may not see. Proxmox says only that the number is not free.",
    remedy: "Choose a free VMID, or give the credential `VM.Audit` on `/vms`.",
  },
  "vmid-unknown": {
    severity: "unknown",
    meaning: "Proxmox does not say whether the VMID is free.",
    remedy: "Mend the connection first, then run `doctor` again.",
  },
  "guest-on-other-node": {
    severity: "error",
    meaning: "The guest is there, but on another node than the lab says.",
    remedy: "Write the node where it is, or migrate it back.",
  },
  "guest-name-taken": {
    severity: "warning",
    meaning: "A guest with another VMID has the name already.",
    remedy: "Give the guest another name, or the VMID of the one that is there if it is meant.",
  },
  "guest-address-differs": {
    severity: "error or warning",
    meaning: "The guest is there with another address than the lab says. A VM keeps the address of its first boot.",
    remedy: "Write the address that it has. [Upgrades](upgrades.md) says how to rebuild a node with another one.",
  },
  "address-taken": {
    severity: "error or warning",
    meaning: "A guest that is not the lab's has an address of the lab: an error while it runs, a warning while it is stopped.",
    remedy: "Choose another address.",
  },
  "addresses-unknown": {
    severity: "unknown",
    meaning: "Guests run that are not the lab's and do not say which addresses they have.",
    remedy: "Compare by hand, or install the guest agent in them.",
  },
  "vm-template-missing": {
    severity: "error",
    meaning: "The VMID that the cluster's VMs are cloned from is free, or is no template.",
    remedy: "Run `qm template VMID`, or make one: [The cluster](cluster.md) says how.",
  },
  "pool-missing": {
    severity: "error",
    meaning: "The lab puts guests into a pool that is not there, or that the credential may not see.",
    remedy: "Run `pvesh create /pools --poolid NAME` on a node.",
  },
} as const satisfies FindingChapter["kinds"];

const cards = {
  "cards-unknown": {
    severity: "unknown",
    meaning: "The PCI devices of a node cannot be read, which takes `Sys.Audit` on `/`.",
    remedy: "Give the credential that privilege for this look, or compare by hand: `pvesh get /nodes/NODE/hardware/pci`.",
  },
  "card-missing": {
    severity: "error",
    meaning: "The node has no device at the path that the lab says.",
    remedy: "Write one of the paths in the message. A new card or a new firmware moves the others.",
  },
  "card-differs": {
    severity: "error",
    meaning: "The card's id, subsystem id or IOMMU group is not what the lab says. Proxmox then does not start the VM.",
    remedy: "Write what the node has.",
  },
  "iommu-off": {
    severity: "error",
    meaning: "The card has no IOMMU group, so it cannot be passed to a VM.",
    remedy: "Switch on VT-d or AMD-Vi in the firmware. [The cluster](cluster.md) says what the kernel needs.",
  },
  "iommu-group-shared": {
    severity: "error",
    meaning: "Devices that the lab does not pass are in the card's IOMMU group, and the VM would take them from the host.",
    remedy: "Put the card into another slot, or pass the whole group if the host can do without those devices.",
  },
  "card-in-use": {
    severity: "error",
    meaning: "Another VM runs with the card.",
    remedy: "Stop that VM first.",
  },
  "mapping-missing": {
    severity: "error",
    meaning: "The lab names a resource mapping that is not there, or that the credential may not see.",
    remedy: "Make it under Datacenter → Resource Mappings, or give the credential `Mapping.Use` on it.",
  },
} as const satisfies FindingChapter["kinds"];

const kubernetes = {
  "kubernetes-unknown": {
    severity: "unknown",
    meaning: "The Kubernetes cluster, or a part of it, cannot be asked: its kubeconfig is not there yet, or may not read it.",
    remedy:
      "Nothing to do before the first deploy of a lab with a `cluster`. Else put the kubeconfig there, or look with kubectl.",
  },
  "kubernetes-unreachable": {
    severity: "error",
    meaning: "The API server of the kubeconfig does not answer.",
    remedy: "Check that it runs, and that this machine may reach it (`network.management`, port 6443).",
  },
  "kubernetes-refuses": {
    severity: "error",
    meaning: "The API server does not know the credential in the kubeconfig, or lets it do nothing.",
    remedy: "Fetch the kubeconfig anew: the output `kubeconfig_command` of the stack `cluster` has the command.",
  },
  "kubernetes-ended": {
    severity: "warning",
    meaning: "The cluster runs a Kubernetes that gets no patches any more.",
    remedy: "Upgrade it: [Upgrades](upgrades.md).",
  },
  "kubernetes-version-differs": {
    severity: "warning",
    meaning: "The cluster runs another K3s than the lab says. An edit of the version upgrades no node that runs.",
    remedy: "Upgrade the nodes as [Upgrades](upgrades.md) says, or write the version that runs.",
  },
  "kubernetes-untested": {
    severity: "warning",
    meaning: "The lab's cert-manager was not tested with the Kubernetes that the cluster runs.",
    remedy: "Choose a line of cert-manager that was.",
  },
  "kubernetes-node-not-ready": {
    severity: "warning",
    meaning: "A node of the Kubernetes cluster is not ready, so nothing is started on it.",
    remedy: "Run `kubectl describe node NAME`.",
  },
  "kubernetes-node-missing": {
    severity: "warning",
    meaning: "The lab makes a node that the Kubernetes cluster does not have.",
    remedy: "Deploy the stack `cluster`. If it was deployed, look at the VM's log of the bootstrap.",
  },
  "storage-class-missing": {
    severity: "error",
    meaning: "A claim of the lab has a StorageClass that the cluster does not have, so it and its pod would wait for ever.",
    remedy: "Write one that `kubectl get storageclass` shows, or let `kubernetes.nfs` make it.",
  },
  "traefik-missing": {
    severity: "error",
    meaning: "A release has a `host`, but the cluster does not have Traefik's definitions.",
    remedy: "Install Traefik with its definitions, or take the host away.",
  },
  "cert-manager-missing": {
    severity: "error",
    meaning: "A release has a `host`, but the cluster does not have cert-manager's definitions.",
    remedy: "Install cert-manager, or let `kubernetes.certManager` do it.",
  },
  "issuer-missing": {
    severity: "error",
    meaning: "The cluster does not have the ClusterIssuer that the lab's certificates are from.",
    remedy: "Write one that `kubectl get clusterissuers` shows, or let `kubernetes.certManager` make it.",
  },
  "issuer-not-ready": {
    severity: "warning",
    meaning: "The ClusterIssuer is there, but not ready, so it issues no certificate.",
    remedy: "Run `kubectl describe clusterissuer NAME`.",
  },
  "runtime-class-missing": {
    severity: "error",
    meaning: "A release has GPUs, but the cluster does not have the RuntimeClass `nvidia`.",
    remedy: "Install the NVIDIA container toolkit on the GPU nodes and start K3s again, or make the RuntimeClass.",
  },
  "gpu-nodes-missing": {
    severity: "error",
    meaning: "A release has GPUs, but no node has the labels that it runs on.",
    remedy: "Label the node that has the card.",
  },
  "gpu-not-allocatable": {
    severity: "error or warning",
    meaning: "A node is labelled as a GPU node, but gives no GPU to pods: an error when it is every one of them.",
    remedy: "Look at the pods of the device plugin, and at `nvidia-smi` on the node.",
  },
  "gpus-too-few": {
    severity: "error",
    meaning: "The lab's pods want more GPUs together than the nodes of the cluster have.",
    remedy: "Lower `gpus` or `replicas`, add a worker with a card, or let pods take turns with `devicePlugin.timeSlicing`.",
  },
  "claim-to-adopt": {
    severity: "warning",
    meaning:
      "A claim of the lab is there, but its release is not. Unless the claim is in Terraform's state, a deploy ends with `already exists`.",
    remedy: "Run the `terraform import` of the remedy.",
  },
} as const satisfies FindingChapter["kinds"];

const serving = {
  "guest-stopped": {
    severity: "warning",
    meaning: "A guest of the lab is there, but it does not run.",
    remedy: "Look why, then start it: `pct start VMID` or `qm start VMID`.",
  },
  "guest-firewall-off": {
    severity: "warning",
    meaning: "The firewall of a guest is off, or does not filter its network card, so everybody reaches it.",
    remedy: "Switch it on with the command of the remedy.",
  },
  "release-not-ready": {
    severity: "warning",
    meaning: "Not every pod of a release is ready.",
    remedy: "Look at the pods as the message says.",
  },
  "ollama-unknown": {
    severity: "unknown",
    meaning: "Something of the lab serves Ollama, but it does not say which models it has.",
    remedy: "Run `scripts/ollama-health.sh` as the message says.",
  },
  "ollama-unhealthy": {
    severity: "warning",
    meaning: "With `--health`: an Ollama of the lab does not answer a prompt, lacks a model, or is slow.",
    remedy: "Run `scripts/ollama-health.sh` as the message says; docs/operations.md has the next steps.",
  },
  "model-missing": {
    severity: "warning",
    meaning: "An Ollama of the lab serves, but it lacks a model that the lab lists.",
    remedy: "Deploy again, or pull it as the message says.",
  },
} as const satisfies FindingChapter["kinds"];

const tables = { machine, connection, ssh, rights, nodes, storages, network, guests, cards, kubernetes, serving };

type KeysOf<T> = T extends unknown ? keyof T : never;

/** Every code that a finding of the doctor can have. */
export type DoctorCode = KeysOf<(typeof tables)[keyof typeof tables]>;

/** Every kind of finding, in the order of docs/doctor.md. */
export const findingChapters: readonly FindingChapter[] = [
  { title: "This machine", kinds: machine },
  { title: "The connection and the credential", kinds: connection },
  { title: "SSH to the nodes", kinds: ssh },
  { title: "Rights", kinds: rights },
  { title: "Releases and nodes", kinds: nodes },
  { title: "Storages", kinds: storages },
  { title: "Network and firewall", kinds: network },
  { title: "Guests", kinds: guests },
  { title: "Graphics cards", kinds: cards },
  { title: "Kubernetes", kinds: kubernetes },
  { title: "What is deployed", kinds: serving },
];

/** The kind of a code. */
export function findingKind(code: DoctorCode): FindingKind {
  const kind = findingChapters.flatMap(({ kinds }) => kinds[code] ?? [])[0];
  if (!kind) throw new Error(`no chapter has the code ${code}`);
  return kind;
}
