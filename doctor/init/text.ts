import type { CardType } from "./survey";

/** Everything that a new lab says, decided. */
export interface NewLab {
  readonly name: string;
  readonly endpoint: string;
  readonly insecure: boolean;
  readonly auth: "apiToken" | "rootPassword";
  readonly node: { readonly name: string; readonly address: string };
  readonly network: {
    readonly bridge: string;
    readonly cidr: string;
    readonly gateway: string;
    readonly dns: readonly string[];
    readonly clients: readonly string[];
    readonly management: readonly string[];
  };
  readonly storage: { readonly disks: string; readonly files: string };
  readonly sshPublicKey: string;
  readonly models: readonly string[];
  readonly guests: NewContainer | NewCluster;
}

/** Size of a guest. */
export interface Size {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly diskGiB: number;
}

/** One Ollama container. */
export interface NewContainer extends Size {
  readonly kind: "container";
  readonly vmId: number;
  /** An address, or `dhcp`. */
  readonly address: string;
  /** @default the processor computes */
  readonly gpu?: { readonly type: CardType; readonly driverVersion?: string; readonly name?: string };
}

/** The card that the worker of a new cluster gets. */
export interface NewCard {
  readonly path: string;
  readonly id: string;
  readonly subsystemId: string;
  readonly iommuGroup: number;
  /** What Proxmox calls it. @default nothing is known */
  readonly name?: string;
}

/** A K3s server, and a worker with a card. */
export interface NewCluster {
  readonly kind: "cluster";
  readonly sshUser: string;
  readonly k3sVersion: string;
  readonly image: { readonly url: string; readonly sha256: string };
  readonly server: Size & { readonly vmId: number; readonly address: string };
  readonly worker: Size & { readonly vmId: number; readonly address: string };
  readonly card: NewCard;
  readonly storageClass: string;
  readonly storageGi: number;
}

/** A text as YAML: plain where YAML cannot take it for anything else, else in quotes. */
function scalar(text: string): string {
  const plain = /^[A-Za-z][\w./@+= -]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text) && !/ $/.test(text);
  return plain || /^\d+\.\d+\.\d+\.\d+(?:\/\d+)?$/.test(text) || /^https?:\/\/[^\s#]+[^\s#:]$/.test(text)
    ? text
    : JSON.stringify(text);
}

function list(texts: readonly string[]): string {
  // Within brackets a comma or a colon ends a plain text, so whatever has one is in quotes already.
  return `[${texts.map(scalar).join(", ")}]`;
}

/** Text for a comment, on one line. */
function remark(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function size({ cores, memoryGiB, diskGiB }: Size): string {
  return `cores: ${cores}, memoryGiB: ${memoryGiB}, diskGiB: ${diskGiB}`;
}

function containerLines(container: NewContainer, { models, node }: NewLab): string[] {
  const { vmId, address, gpu } = container;
  const driver = gpu?.driverVersion === undefined ? "" : `, driverVersion: ${JSON.stringify(gpu.driverVersion)}`;
  return [
    ...(address === "dhcp"
      ? ["# Its address is leased: after the deploy `npm run inventory`, then `ansible-playbook` as docs/containers.md says."]
      : ["# The deploy runs Ansible on this machine, which installs Ollama and pulls the models.", "configure: true"]),
    "",
    "containers:",
    "  ollama-1:",
    `    node: ${scalar(node.name)}`,
    `    vmId: ${vmId}`,
    `    address: ${address}`,
    `    cores: ${container.cores}`,
    `    memoryGiB: ${container.memoryGiB}`,
    `    diskGiB: ${container.diskGiB} # root disk, models included; it can grow, never shrink`,
    `    models: ${list(models)}`,
    ...(gpu
      ? [
          `    # ${gpu.name === undefined ? "The node's card" : remark(gpu.name)}; its driver runs on the node (docs/containers.md, "A GPU later").`,
          `    gpu: { type: ${gpu.type}${driver} }`,
        ]
      : []),
  ];
}

function clusterLines(cluster: NewCluster, { models, node }: NewLab): string[] {
  const { server, worker, image } = cluster;
  return [
    "",
    "cluster:",
    `  k3sVersion: ${cluster.k3sVersion}`,
    "  image: # each Proxmox node downloads it once",
    `    url: ${image.url}`,
    `    sha256: ${image.sha256}`,
    "  joinToken: ssh # the server makes the tokens: there is no variable to set",
    "  servers:",
    `    k3s-1: { node: ${scalar(node.name)}, vmId: ${server.vmId}, address: ${server.address}, ${size(server)} }`,
    "  workers:",
    `    gpu-1: { node: ${scalar(node.name)}, vmId: ${worker.vmId}, address: ${worker.address}, ${size(worker)}, gpus: [gpu] }`,
    "",
    "kubernetes:",
    `  storageClass: ${cluster.storageClass} # K3s brings it: a folder on the worker's disk, gone with the worker`,
    "",
    "ollama:",
    "  namespace: ml",
    "  releases:",
    "    # Without a host it is reached inside the cluster, and by `kubectl port-forward` (docs/bare-metal.md).",
    `    ollama: { gpus: 1, models: ${list(models)}, storageGi: ${cluster.storageGi} }`,
  ];
}

/**
 * The lab as the text of a file, with comments.
 * @param schema path of the JSON schema for editors, as the file sees it
 * @param from where the facts come from, for the comment at the top
 */
export function labText(lab: NewLab, schema: string, from: string): string {
  const { network, node, guests } = lab;
  const secret =
    lab.auth === "apiToken" ? "the token itself: PROXMOX_VE_API_TOKEN" : "as root@pam, whose password is PROXMOX_VE_PASSWORD";
  const card = guests.kind === "cluster" ? guests.card : undefined;
  return [
    `# yaml-language-server: $schema=${schema}`,
    `# Written by \`ollama-lab init\` from ${from}. It is yours: edit it as you like, then \`npx ollama-lab check\`.`,
    "# Every setting and its default: lab.schema.json. Labs for other uses: examples/.",
    `name: ${scalar(lab.name)} # prefix of the guests' names, and one of their tags`,
    "",
    "proxmox:",
    `  endpoint: ${scalar(lab.endpoint)}`,
    ...(lab.insecure
      ? ["  insecure: true # any certificate is accepted; better trust the cluster's CA (docs/bare-metal.md)"]
      : []),
    `  auth: ${lab.auth} # ${secret}`,
    ...(guests.kind === "cluster"
      ? [`  ssh: { username: ${guests.sshUser} } # uploads the VMs' cloud-init snippets to the node`]
      : []),
    "  nodes:",
    ...(card
      ? [
          `    ${scalar(node.name)}:`,
          `      address: ${node.address}`,
          "      gpus:",
          ...(card.name === undefined ? [] : [`        # ${remark(card.name)}`]),
          `        gpu: { path: "${card.path}", id: "${card.id}", subsystemId: "${card.subsystemId}", iommuGroup: ${card.iommuGroup} }`,
        ]
      : [`    ${scalar(node.name)}: { address: ${node.address} }`]),
    "",
    "network:",
    `  bridge: ${scalar(network.bridge)}`,
    `  cidr: ${network.cidr}`,
    `  gateway: ${network.gateway}`,
    ...(network.dns.length > 0 ? [`  dns: ${list(network.dns)}`] : []),
    `  clients: ${list(network.clients)} # who may reach Ollama`,
    `  management: ${list(network.management)} # who may reach SSH${card ? " and the Kubernetes API" : ""}: the machine that you deploy from`,
    "",
    "storage:",
    `  disks: ${scalar(lab.storage.disks)} # the guests' disks`,
    `  files: ${scalar(lab.storage.files)} # ${card ? "the image and the snippets" : "the template"}`,
    "",
    "sshPublicKeys:",
    `  - ${scalar(lab.sshPublicKey)}`,
    "",
    ...(guests.kind === "container" ? containerLines(guests, lab) : clusterLines(guests, lab).slice(1)),
    "",
  ].join("\n");
}
