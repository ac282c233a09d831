// For each row of lab/edit-costs.ts edits that show what the row says. Tests see what they do with replayed providers and with the real ones.
import {
  AIR_GAP_EDITS,
  CLUSTER_EDITS,
  CONTAINER_EDITS,
  type EditCost,
  type EditEffect,
  KUBERNETES_EDITS,
  SOFTWARE_EDITS,
  VM_EDITS,
} from "../lab/edit-costs";
import { type Changes, sshKey } from "./lab";

/** An edit of one thing's own section: of a container, a worker or a release. */
export interface OwnProof {
  /** How it differs from the usual one before the edit. @default not at all */
  readonly before?: Changes;
  /** The edit; `undefined` takes it out of the lab. */
  readonly own: Changes | undefined;
}

/** An edit of any part of the lab. */
export interface LabProof {
  /** How the lab differs from the usual one before the edit. @default not at all */
  readonly before?: Changes;
  /** The edit. */
  readonly lab: Changes;
  /** An edit that is deployed between the two. @default none */
  readonly between?: Changes;
  /** The stack that shows it. @default the stack of the table */
  readonly stack?: string;
}

export type Proof = OwnProof | LabProof;

/** One proof, and what its row says. */
export interface Row {
  /** The row's name, and which of its proofs it is. */
  readonly row: string;
  readonly edit: string;
  readonly effect: EditEffect;
  readonly proof: Proof;
}

type Proofs<R> = Readonly<Record<keyof R, readonly Proof[]>>;

const own = (edit: Changes | undefined, before?: Changes): OwnProof => ({ own: edit, ...(before && { before }) });
const lab = (edit: Changes, before?: Changes): LabProof => ({ lab: edit, ...(before && { before }) });
const inStack = (stack: string, edit: Changes, before?: Changes): LabProof => ({ ...lab(edit, before), stack });

function rows<R extends Readonly<Record<string, EditCost>>>(table: R, proofs: Proofs<R>): readonly Row[] {
  return Object.entries(table).flatMap(([name, { edit, effect }]) =>
    (proofs[name] ?? []).map((proof, index) => ({ row: `${name} ${index + 1}`, edit, effect, proof })),
  );
}

const VOLUME = { modelVolume: { sizeGiB: 10 } };
const DEVICES = { devices: ["/dev/dri/renderD128"] };
const NVIDIA = { gpu: { type: "nvidia", driverVersion: "580.95.05" } };
const DOOR = { https: { tokenFile: "./ollama-token" } };
const farm = (count: number): Changes => ({
  containerPools: { farm: { count, firstVmId: 240, addresses: { from: "192.0.2.60", to: "192.0.2.69" } } },
});

/** Of a container, whose credential is root's password: devices are root's. */
export const CONTAINER_ROWS = rows(CONTAINER_EDITS, {
  cores: [own({ cores: 12 })],
  "larger disk": [own({ diskGiB: 80 })],
  "smaller disk": [own({ diskGiB: 40 })],
  memory: [own({ memoryGiB: 24 }), own({ swapMiB: 512 })],
  address: [own({ address: "192.0.2.99" }), own({ dns: ["192.0.2.53"] })],
  bridge: [own({ bridge: "vmbr1" }), own({ vlan: 20 }), own({ mac: "BC:24:11:00:00:21" })],
  tags: [
    own({ tags: ["chat"] }),
    own({ description: "Chat" }),
    own({ protect: true }),
    own({ protect: false }, { protect: true }),
  ],
  firewall: [lab({ network: { clients: ["192.0.2.0/25"] } }), lab({ network: { management: ["192.0.2.0/25"] } })],
  name: [own({ name: "chat" })],
  keys: [lab({ sshPublicKeys: [sshKey(2)] })],
  template: [own({ template: "local:vztmpl/ubuntu-24.04-standard_24.04-2_amd64.tar.zst" })],
  disks: [own({ disks: "fast" })],
  "volume added": [own({ modelVolume: { sizeGiB: 100 } }), own({ modelVolume: { sizeGiB: 20 } }, VOLUME)],
  "volume smaller": [own({ modelVolume: { sizeGiB: 5 } }, VOLUME), own({ modelVolume: { sizeGiB: 10, backup: true } }, VOLUME)],
  devices: [own(DEVICES), own({ devices: undefined }, DEVICES), own({ gpu: { type: "intel" } })],
  node: [own({ node: "pve2" })],
  vmId: [own({ vmId: 299 })],
});

/** Of the software in a container, with the same credential. */
export const SOFTWARE_ROWS = rows(SOFTWARE_EDITS, {
  models: [own({ models: ["mistral:7b"] }), own({ ollama: { removeUnlistedModels: true } })],
  ollama: [
    own({ ollama: { version: "0.33.0", sha256: "b".repeat(64) } }),
    own({ ollama: { url: "https://mirror.lab.example/ollama.tar.zst" } }),
    own({ ollama: { environment: { OLLAMA_KEEP_ALIVE: "30m" } } }),
  ],
  driver: [own({ gpu: { driverVersion: "580.105.08" } }, NVIDIA)],
  door: [own(DOOR), own({ https: undefined }, DOOR)],
  "door's names": [
    own({ https: { host: "chat.lab.example" } }, DOOR),
    own({ https: { certificate: { type: "files", certificate: "./chain.pem", key: "./key.pem" } } }, DOOR),
  ],
  more: [lab({ containers: { another: { vmId: 230, address: "192.0.2.30" } } }), lab(farm(2), farm(1))],
  less: [own(undefined), lab(farm(0), farm(1))],
  "protected less": [own(undefined, { protect: true })],
});

const CARD = { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 };
const cards = (gpus: Changes): Changes => ({ proxmox: { nodes: { pve1: { gpus } } } });
const cluster = (edit: Changes, before?: Changes) => lab({ cluster: edit }, before && { cluster: before });

/** Of a worker of a cluster. The usual one, `gpu-1`, has a card; a worker with `before` has none but those that it names. */
export const VM_ROWS = rows(VM_EDITS, {
  cores: [own({ cores: 12 }), own({ memoryGiB: 24 })],
  cards: [own({ gpus: [] }, { gpus: ["rtx"] })],
  "card renamed": [lab({ ...cards({ rtx: undefined, card: CARD }), cluster: { workers: { "gpu-1": { gpus: ["card"] } } } })],
  "card elsewhere": [lab(cards({ rtx: { iommuGroup: 14 } }))],
  "larger disk": [own({ diskGiB: 200 })],
  "smaller disk": [own({ diskGiB: 50 })],
  disks: [own({ disks: "fast" })],
  tags: [own({ protect: true }), own({ protect: false }, { protect: true })],
  bridge: [cluster({ bridge: "vmbr1" }), cluster({ vlan: 20 })],
  name: [own({ name: "another" })],
  image: [cluster({ image: undefined, template: { vmId: 9000 } })],
  snippets: [
    lab({ sshPublicKeys: [sshKey(2)] }),
    cluster({ k3sVersion: "v1.36.4+k3s1" }),
    cluster({ nvidiaDriver: "575" }),
    own({ labels: { disk: "nvme" } }),
    own({ taints: ["team=ml:NoSchedule"] }),
    cluster({ disable: ["traefik"] }),
  ],
  dns: [lab({ network: { dns: ["192.0.2.53"] } }), lab({ network: { searchDomain: "lab.example" } })],
  address: [own({ address: "192.0.2.99" })],
  vmId: [own({ vmId: 399 })],
});

const pool = (count: number): Changes => ({
  pools: { cpu: { count, firstVmId: 340, addresses: { from: "192.0.2.60", to: "192.0.2.69" } } },
});
const SERVERS: Changes = {
  firstServer: "k3s-1",
  servers: { "k3s-2": { vmId: 302, address: "192.0.2.32" }, "k3s-3": { vmId: 303, address: "192.0.2.33" } },
};
const REPLACING = { onBootstrapChange: "replaceWorkers" };

/** Of a cluster as a whole. */
export const CLUSTER_ROWS = rows(CLUSTER_EDITS, {
  versions: [
    cluster({ k3sVersion: "v1.36.4+k3s1" }),
    cluster({ nvidiaDriver: "575" }),
    cluster({ image: { url: "https://images.lab.example/noble/20260101/noble-server-cloudimg-amd64.img" } }),
  ],
  policy: [cluster(REPLACING)],
  "versions, replacing": [cluster({ k3sVersion: "v1.36.4+k3s1" }, REPLACING), cluster({ nvidiaDriver: "575" }, REPLACING)],
  more: [cluster({ workers: { "cpu-9": { vmId: 319, address: "192.0.2.49" } } }), cluster(SERVERS), cluster(pool(2), pool(1))],
  less: [own(undefined), cluster(pool(0), pool(1))],
  "protected less": [own(undefined, { protect: true })],
  protect: [cluster({ servers: { "k3s-1": { protect: true } } })],
  "first server": [cluster({ firstServer: "k3s-2" }, SERVERS)],
  "Proxmox node": [lab({ proxmox: { nodes: { pve3: { address: "192.0.2.13" } } } })],
});

const ollama = (edit: Changes, before?: Changes) => lab({ ollama: edit }, before && { ollama: before });
const platform = (edit: Changes) => inStack("platform", { kubernetes: edit });
const MANY = { replicas: 2, accessMode: "ReadWriteMany" };
/** Another for each proof: a host belongs to one release. */
const host = (number: number) => ({ host: `chat-${number}.lab.example` });

/** Of a release on a cluster that is there already, and of the lab around it. Another release there has a host, a model and a protected claim. */
export const KUBERNETES_ROWS = rows(KUBERNETES_EDITS, {
  models: [own({ models: ["llama3.2:1b", "qwen2.5:3b"] }), own({ removeUnlistedModels: true })],
  pod: [
    own({ resources: { limits: { memory: "8Gi" } } }),
    own({ keepAlive: "30m" }),
    own({ contextLength: 8192 }),
    own({ environment: { OLLAMA_DEBUG: "1" } }),
    own({ gpus: 1 }),
    own({ nodeSelector: { "kubernetes.io/os": "linux" } }),
    own({ values: { podAnnotations: { note: "mine" } } }),
  ],
  image: [own({ image: "ollama/ollama:0.33.0" }), own({ tolerations: [{ key: "team", operator: "Exists" }] })],
  chart: [ollama({ chart: { version: "1.36.0" } })],
  "host added": [own(host(1))],
  host: [
    own({ host: "llm.lab.example" }, host(2)),
    own({ allowFrom: ["192.0.2.0/24"] }, host(3)),
    own({ auth: { secretName: "ollama-users" } }, host(4)),
    lab({ kubernetes: { issuer: "home-ca" } }),
  ],
  "host removed": [own({ host: undefined }, host(5))],
  policy: [ollama({ networkPolicy: {} })],
  "policy changed": [ollama({ networkPolicy: { namespaces: ["open-webui"] } }, { networkPolicy: {} })],
  "policy removed": [ollama({ networkPolicy: undefined }, { networkPolicy: {} })],
  "release added": [ollama({ releases: { another: { models: ["phi3:mini"], host: "a.lab.example" } } })],
  "release removed": [own(undefined)],
  "release removed, kept": [ollama({ keptClaims: ["ml/chat"], releases: { chat: undefined } })],
  "release removed, unprotected": [own(undefined, { protect: false })],
  protect: [own({ protect: false }), own({ protect: true }, { protect: false })],
  "storage raised": [own({ storageGi: 100 })],
  "storage lowered": [own({ storageGi: 40 }), own({ storageGi: 40 }, { protect: false })],
  replicas: [own({ replicas: 3 }, MANY), own({ replicas: 0 })],
  "one or several": [own({ replicas: 1 }, MANY), own({ replicas: 2 }, { accessMode: "ReadWriteMany" })],
  "mode taken out": [
    own({ replicas: 1, accessMode: undefined }, MANY),
    own({ replicas: 1, accessMode: undefined }, { ...MANY, protect: false }),
  ],
  "claim replaced": [own({ accessMode: "ReadWriteMany" }), own({ storageClass: "fast" })],
  "claim replaced, unprotected": [
    own({ accessMode: "ReadWriteMany" }, { protect: false }),
    own({ storageClass: "fast" }, { protect: false }),
  ],
  namespace: [ollama({ namespace: "ai" })],
  "device plugin": [platform({ devicePlugin: { timeSlicing: 4 } })],
  "platform's charts": [
    platform({ devicePlugin: { chart: { version: "0.19.3" } } }),
    platform({ nfs: { chart: { version: "4.13.3" } } }),
    platform({ certManager: { chart: { version: "v1.20.2" } } }),
  ],
  certManager: [
    platform({ certManager: { dns01: undefined } }),
    platform({ certManager: { email: "another@lab.example" } }),
    platform({ certManager: { server: "https://acme.lab.example/directory" } }),
  ],
  nfs: [
    platform({ nfs: { server: "192.0.2.6" } }),
    platform({ nfs: { path: "/volume2/k8s" } }),
    platform({ nfs: { mountOptions: ["nolock"] } }),
  ],
});

const ONLINE: Changes = { airGapped: false };

/** Of an air-gapped lab. */
export const AIR_GAP_ROWS = rows(AIR_GAP_EDITS, {
  models: [
    ollama({ releases: { ollama: { models: ["llama3:8b", "all-minilm:22m"] } } }),
    lab({ staging: { revision: 2 } }),
    lab({ staging: { image: "ollama/ollama:0.33.0" } }),
  ],
  pinned: [ollama({ release: "0123456789ab" })],
  staging: [inStack("model-staging", { staging: { keep: 3 } }), inStack("model-staging", { staging: { timeoutMinutes: 60 } })],
  there: [
    lab({ airGapped: true }, ONLINE),
    lab({ airGapped: true }, { ...ONLINE, ollama: { releases: { ollama: { protect: false } } } }),
  ],
  back: [{ before: ONLINE, between: { airGapped: true }, lab: ONLINE }],
  namespace: [ollama({ namespace: "ai" })],
});
