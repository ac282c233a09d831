import * as z from "zod";
import { K3S_COMPONENTS, K3S_EXAMPLE } from "../../catalog/k3s";
import { DRIVER_BRANCH, GPU_TAINT, LAST_CLOSED_BRANCH } from "../../catalog/nvidia";
import { CLOUD_IMAGE_GIB, CLOUD_IMAGE_USER, NODE_RELEASE } from "../../catalog/ubuntu";
import { checkBridge, checkKey, checkPoolName } from "../../grammar/guest";
import { checkK3sVersion } from "../../grammar/k3s-version";
import { checkNodeLabel, checkNodeTaint } from "../../grammar/kubernetes-node";
import { checkServer } from "../../grammar/server";
import {
  MOST_PCI_DEVICES,
  PORT_BOUNDS,
  SERVER_SIZE,
  VLAN_BOUNDS,
  VM_BOUNDS,
  WAIT_MINUTES,
  WAIT_MINUTES_BOUNDS,
  WORKER_SIZE,
} from "../../grammar/size";
import { checkUserName } from "../../grammar/ssh";
import * as storage from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkNvidiaBranch } from "../../grammar/version";
import { adopt, datastore, formerKey, guestName, ip, labels, named, nodeName, tags, text, vmId, whole, within } from "./field";

const download = z
  .strictObject({
    url: text(
      checkHttpUrl,
      `A dated Ubuntu ${NODE_RELEASE} cloud image, from Ubuntu's release folders or a mirror: what lies under \`current\` or \`release\` changes.`,
    ),
    fileName: text(
      storage.checkImageFileName,
      "File name on the datastore. Default: from the URL, with .qcow2 for .img.",
    ).optional(),
    sha256: text(storage.checkSha256, "Its SHA-256 checksum, from the SHA256SUMS beside it.").optional(),
    sizeGiB: whole(1, 1024, "Virtual size of the image; no disk may be smaller.").default(CLOUD_IMAGE_GIB),
  })
  .describe("A cloud image that each Proxmox node downloads.");

const image = z
  .union([
    text(
      storage.checkImageVolume,
      "Volume id of an image that is there already, such as local:import/NAME.qcow2. Every Proxmox node of the cluster's VMs needs it. It is never deleted.",
    ),
    download,
  ])
  .describe("The cloud image that the VMs' disks are made from. Changing it leaves existing VMs as they are.");

const template = z
  .strictObject({
    vmId: vmId("VMID of the template.", 9000),
    node: nodeName("Node that the template is on. Default: the node of the VM.").optional(),
    sizeGiB: whole(1, 1024, "Size of the template's disk; no disk may be smaller.").default(CLOUD_IMAGE_GIB),
  })
  .describe("A template to clone, as docs/cluster.md makes one. Changing it leaves existing VMs as they are.");

/** What nodes of one role share, and a single one can say otherwise. */
const shared = {
  node: nodeName("The Proxmox node. Changing it migrates the VM."),
  cores: whole(...VM_BOUNDS.cores, "CPU cores. Changing it restarts the VM.", 4),
  memoryGiB: within(VM_BOUNDS.memoryGiB, "Memory, all of it reserved. Changing it restarts the VM.", 16),
  diskGiB: whole(...VM_BOUNDS.diskGiB, "Disk. It can grow, never shrink.", 200),
  disks: datastore("Datastore of its disks. Default: that of its Proxmox node."),
  startOnBoot: z.boolean().describe("Start with the Proxmox node."),
  protect: z.boolean().describe("Refuse to destroy it, in Proxmox and in Terraform."),
  tags: tags("Tags besides the lab's own."),
  labels: labels(checkNodeLabel).describe("Labels of the Kubernetes node. They count when it joins, and are not changed later."),
  taints: z.array(text(checkNodeTaint, "key=value:Effect")).describe("Taints of the Kubernetes node. They count when it joins."),
  k3sVersion: text(checkK3sVersion, "K3s of this node, where it differs from cluster.k3sVersion."),
  adopt: adopt(),
};

function defaultsOf({ cores, memoryGiB, diskGiB }: typeof SERVER_SIZE | typeof WORKER_SIZE, meaning: string) {
  return z
    .strictObject({
      node: shared.node.optional(),
      cores: shared.cores.default(cores),
      memoryGiB: shared.memoryGiB.default(memoryGiB),
      diskGiB: shared.diskGiB.default(diskGiB),
      disks: shared.disks.optional(),
      startOnBoot: shared.startOnBoot.default(true),
      protect: shared.protect.default(false),
      tags: shared.tags.default([]),
      labels: shared.labels.default({}),
      taints: shared.taints.default([]),
      k3sVersion: shared.k3sVersion.optional(),
      adopt: shared.adopt.optional(),
    })
    .prefault({})
    .describe(meaning);
}

/** `defaults.server` and `defaults.worker`. */
export const serverDefaults = defaultsOf(SERVER_SIZE, "What holds for every K3s server that does not say otherwise.");
export const workerDefaults = defaultsOf(WORKER_SIZE, "What holds for every K3s worker that does not say otherwise.");

const overrides = z.strictObject(shared).partial().shape;

const one = {
  vmId: vmId("VMID, unique in the Proxmox cluster. Changing it replaces the VM.", 311),
  address: ip("Static address, in network.cidr.", "192.0.2.41"),
  name: guestName("Host name, and name of the Kubernetes node. Default: <lab>-<key>.", "homelab-gpu-1").optional(),
  formerKey: formerKey().optional(),
};

const gpus = z
  .array(text(checkKey, "A name under gpus of the node.", "rtx"))
  .max(MOST_PCI_DEVICES)
  .default([])
  .describe("Graphics cards passed through, by their names under proxmox.nodes.<node>.gpus; at most 16.");

const server = z.strictObject({ ...one, ...overrides }).describe("A K3s server.");
const worker = z.strictObject({ ...one, gpus, ...overrides }).describe("A K3s worker; with gpus, a GPU worker.");

const pool = z
  .strictObject({
    count: whole(0, 1000, "How many workers. A member keeps its name, VMID, address and node when the count grows.", 3),
    nodes: z
      .array(nodeName("A Proxmox node."))
      .min(1)
      .describe(
        "The Proxmox nodes, in turn: member 1 on the first, member 2 on the second. Append to it only: members move otherwise.",
      ),
    firstVmId: vmId("VMID of member 1; member N has the N-1 th after it.", 320),
    addresses: z
      .strictObject({ from: ip("Address of member 1.", "192.0.2.50"), to: ip("Last address the pool may take.", "192.0.2.59") })
      .describe("The range that the members' addresses come from, in order. All of it is the pool's, so that it can grow."),
    gpus,
    ...z
      .strictObject({ ...shared, node: z.never() })
      .omit({ node: true })
      .partial().shape,
  })
  .describe("Workers of one kind.");

/** `cluster:` — K3s on Proxmox VMs. */
export const cluster = z
  .strictObject({
    k3sVersion: text(checkK3sVersion, `Exact K3s release, such as ${K3S_EXAMPLE}.`),
    k3sSha256: text(
      storage.checkSha256,
      "SHA-256 of the k3s binary of that release. Default: the release's own list is asked.",
    ).optional(),
    image: image.optional(),
    template: template.optional(),
    user: text(checkUserName, "User on the VMs that the lab's SSH keys log in as.", CLOUD_IMAGE_USER).default(CLOUD_IMAGE_USER),
    joinToken: z
      .enum(["variable", "ssh"])
      .default("ssh")
      .describe(
        "ssh: the first server makes the tokens, and they are handed over by SSH from the machine that runs Terraform. variable: two " +
          "sensitive Terraform variables, which end up in the state, and in snippets that every user of the Proxmox node can read.",
      ),
    servers: named(checkKey, server, "K3s servers: 1, 3 or 5.", "k3s-1"),
    firstServer: text(
      checkKey,
      "The server that initializes the cluster, and that the others join. Needed when there are several.",
      "k3s-1",
    ).optional(),
    workers: named(checkKey, worker, "K3s workers.", "gpu-1").default({}),
    pools: named(checkKey, pool, "Workers of one kind, by number.", "cpu").default({}),
    registrationAddress: text(
      checkServer,
      "Address or name of a load balancer or virtual IP before the servers, that workers and clients use. Servers join each other without it.",
      "192.0.2.30",
    ).optional(),
    disable: z
      .array(z.enum(K3S_COMPONENTS))
      .default([])
      .describe("Packaged components of K3s to leave out. All servers must agree: changing it needs a change on each by hand."),
    nvidiaDriver: text(
      checkNvidiaBranch,
      `Branch of the NVIDIA driver in Ubuntu's archive. ${DRIVER_BRANCH} or ${DRIVER_BRANCH}-server: with open kernel modules, which GPUs have from ` +
        `Turing on (RTX 20, GTX 16, T4). ${LAST_CLOSED_BRANCH}-closed: with closed ones, for older GPUs; ${LAST_CLOSED_BRANCH} is the last branch that ` +
        "knows them. distribution: the newest open branch that Ubuntu offers for the GPU when the worker is made.",
    ).default(DRIVER_BRANCH),
    gpuTaint: z.boolean().default(true).describe(`Taint GPU workers with ${GPU_TAINT}, so that only GPU pods run there.`),
    waitForNodes: z
      .boolean()
      .default(true)
      .describe(
        "End the deploy when every node is ready, by SSH from the machine that runs Terraform, and write the kubeconfig.",
      ),
    waitMinutes: whole(...WAIT_MINUTES_BOUNDS, "How long that may take. A GPU worker builds its driver.").default(WAIT_MINUTES),
    onBootstrapChange: z
      .enum(["keep", "replaceWorkers"])
      .default("keep")
      .describe(
        "keep: an edit of what nodes are made with touches no running VM. replaceWorkers: it replaces the workers it concerns, never servers.",
      ),
    openBetweenNodes: z
      .array(
        z
          .strictObject({
            protocol: z.enum(["tcp", "udp"]).default("tcp").describe("The protocol."),
            port: whole(...PORT_BOUNDS, "The port, such as 9100 of Prometheus' node exporter.", 9100),
          })
          .describe("A port of every node."),
      )
      .default([])
      .describe(
        "Ports that the nodes open to each other besides those of K3s itself. Pods reach each other without it; pods on the host's network don't.",
      ),
    bridge: text(checkBridge, "Bridge, where it differs from network.bridge.").optional(),
    vlan: whole(...VLAN_BOUNDS, "VLAN tag, where it differs from network.vlan.", 20).optional(),
    pool: text(
      checkPoolName,
      "An existing pool that the VMs are made in: rights on the pool are enough then. Later changes are ignored; move them in Proxmox.",
    ).optional(),
  })
  .describe("A K3s cluster on Proxmox VMs.");
