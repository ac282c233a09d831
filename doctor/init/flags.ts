/** Every question of `init` has a flag of this name. The answer on the command line is not asked again. */
export const FLAGS = {
  endpoint: { value: "url", meaning: "URL of the Proxmox API, such as https://pve1.lab.example:8006/" },
  kind: { value: "kind", meaning: "what the lab makes: container, gpu-container or gpu-cluster" },
  name: { value: "name", meaning: "name of the lab: prefix of its guests' names" },
  node: { value: "name", meaning: "the Proxmox node" },
  "node-address": { value: "address", meaning: "address of the node" },
  bridge: { value: "name", meaning: "bridge of the guests" },
  cidr: { value: "network", meaning: "network of the guests, such as 192.0.2.0/24" },
  gateway: { value: "address", meaning: "default gateway of the guests" },
  dns: { value: "addresses", meaning: "name servers of the guests, with commas between them" },
  disks: { value: "datastore", meaning: "datastore of the guests' disks" },
  files: { value: "datastore", meaning: "datastore of templates, images and snippets" },
  address: { value: "address", meaning: "address of the container" },
  vmid: { value: "number", meaning: "VMID of the container" },
  "server-address": { value: "address", meaning: "address of the K3s server" },
  "server-vmid": { value: "number", meaning: "VMID of the K3s server" },
  "worker-address": { value: "address", meaning: "address of the K3s worker with the GPU" },
  "worker-vmid": { value: "number", meaning: "VMID of the K3s worker" },
  card: { value: "path", meaning: "PCI path of the graphics card, such as 0000:01:00" },
  "card-id": { value: "id", meaning: "vendor and device of the card, such as 10de:2684" },
  "card-subsystem": { value: "id", meaning: "vendor and device of the card's subsystem" },
  "card-iommu-group": { value: "number", meaning: "IOMMU group of the card" },
  "card-type": { value: "type", meaning: "nvidia, intel or amd: the card that a container shares with its node" },
  "driver-version": { value: "version", meaning: "version of the node's NVIDIA driver, as nvidia-smi prints it there" },
  "gpu-memory": { value: "GiB", meaning: "memory of the graphics card; the suggested models fit into it" },
  models: { value: "models", meaning: "the models to pull, with commas between them" },
  "ssh-user": { value: "name", meaning: "user on the Proxmox node who uploads snippets" },
  "ssh-key": { value: "key", meaning: "your public SSH key: the line itself, or its file" },
  clients: { value: "networks", meaning: "networks that may reach Ollama, with commas between them" },
  management: { value: "networks", meaning: "networks that may reach SSH: the machine that you deploy from" },
} as const;

/** The name of a flag, without its dashes. */
export type Flag = keyof typeof FLAGS;

/** What was answered on the command line. */
export type Given = Readonly<Partial<Record<Flag, string>>>;
