import { LabError, type Problem } from "../lab/problem";
import { checkLab } from "../lab/read";
import type { LabInput } from "../lab/schema";

/** How a test's lab differs from the base lab. Maps are merged key by key, other values are replaced, and `undefined` removes a key. */
export type Changes = { readonly [key: string]: unknown };

/** An SSH public key for tests. Another number gives another key. */
export function sshKey(number = 1): string {
  return `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${String(number).padStart(43, "A")} user${number}@lab.example`;
}

/** A small lab without a fault or a warning: one node, one container. */
export const baseLab: LabInput = {
  name: "test",
  proxmox: { endpoint: "https://pve1.lab.example:8006/", nodes: { pve1: { address: "192.0.2.11" } } },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1", clients: ["192.0.2.0/24"], management: ["192.0.2.0/24"] },
  sshPublicKeys: [sshKey()],
  defaults: {
    container: {
      node: "pve1",
      template: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst",
      ollama: { version: "0.32.15", sha256: "0".repeat(64) },
    },
  },
  containers: { "ollama-1": { vmId: 201, address: "192.0.2.21" } },
};

function isMap(value: unknown): value is Changes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: unknown, changes: Changes): unknown {
  const result: Record<string, unknown> = isMap(base) ? { ...base } : {};
  for (const [key, change] of Object.entries(changes)) {
    if (change === undefined) delete result[key];
    else result[key] = isMap(change) ? merge(result[key], change) : change;
  }
  return result;
}

/** The base lab with changes. */
export function labWith(changes: Changes = {}, base: LabInput = baseLab): LabInput {
  return merge(base, changes) as LabInput;
}

/** A small lab with a cluster, without a fault or a warning: one server, and one worker with a graphics card. */
export const clusterLab: LabInput = labWith({
  proxmox: {
    ssh: { username: "terraform" },
    nodes: {
      pve1: { gpus: { rtx: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 } } },
    },
  },
  defaults: { container: undefined, server: { node: "pve1" }, worker: { node: "pve1" } },
  containers: undefined,
  cluster: {
    k3sVersion: "v1.36.3+k3s1",
    joinToken: "variable",
    image: {
      url: "https://images.lab.example/noble/20250805/noble-server-cloudimg-amd64.img",
      sha256: "a".repeat(64),
    },
    servers: { "k3s-1": { vmId: 301, address: "192.0.2.31" } },
    workers: { "gpu-1": { vmId: 311, address: "192.0.2.41", gpus: ["rtx"] } },
  },
});

/** A small lab on a cluster that exists already, without a fault or a warning: one Ollama with one model. */
export const ollamaLab: LabInput = {
  name: "test",
  ollama: { releases: { ollama: { models: ["llama3.2:1b"] } } },
};

/** A small lab without a fault or a warning: a cluster, all that Ollama needs on it, and Ollama on its graphics card. */
export const gpuLab: LabInput = labWith(
  {
    kubernetes: {
      nfs: { server: "192.0.2.5", path: "/volume1/k8s" },
      certManager: {
        email: "operator@lab.example",
        dns01: { cloudflare: { apiTokenSecretRef: { name: "cloudflare-api-token", key: "api-token" } } },
      },
    },
    ollama: { releases: { ollama: { models: ["llama3.2:1b"], gpus: 1 } } },
  },
  clusterLab,
);

/** A small air-gapped lab on a cluster that exists already, without a fault or a warning: mirrors for everything, and one Ollama. */
export const airGappedLab: LabInput = {
  name: "sealed",
  airGapped: true,
  ollamaNfsPath: "/mnt/nfs/ollama",
  mirrors: { images: "https://registry.lab.example", charts: "oci://registry.lab.example/charts" },
  ollama: { releases: { ollama: { models: ["llama3:8b"] } } },
};

/** Everything that the schema and the rules say about a lab. */
export function problemsOf(lab: LabInput): readonly Problem[] {
  try {
    return checkLab(lab, "/lab").warnings;
  } catch (error) {
    if (error instanceof LabError) return error.problems;
    throw error;
  }
}

/** The synthesized JSON of a stack: what Terraform reads. */
export type StackJson = {
  readonly data?: Record<string, Record<string, Record<string, unknown>>>;
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
  readonly output?: Record<string, { value: unknown; description?: string; sensitive?: boolean }>;
  readonly provider?: Record<string, Record<string, unknown>[]>;
  readonly variable?: Record<string, Record<string, unknown>>;
  readonly locals?: Record<string, unknown>;
  readonly terraform: Record<string, unknown>;
};

/** For each stack of a lab, by its id, what makes its JSON. */
function stacksOf(input: LabInput): Record<string, () => string> {
  // Loaded only here: cdktf and the bindings take longer to load than most test files of a lab take to run, and these need no stack.
  const { inMemory } = require("./synthesis") as typeof import("./synthesis");
  const { lab, warnings } = checkLab(input, "/lab");
  return inMemory(lab, warnings);
}

/** The stacks of a lab, synthesized in memory, by their ids. */
export function synthesized(input: LabInput): Record<string, StackJson> {
  return Object.fromEntries(Object.entries(stacksOf(input)).map(([id, json]) => [id, JSON.parse(json()) as StackJson]));
}

/** By lab and stack: what `stackOf` made, as text, so that no test can change what another gets. Many tests of a file ask for the same stack. */
const made = new Map<string, string>();

/** One stack of a lab. */
export function stackOf(input: LabInput, id: string): StackJson {
  // A key without a value may be another lab than one without the key.
  const key = JSON.stringify([id, input], (_, value: unknown) => (value === undefined ? "\0undefined" : value));
  const json = made.get(key) ?? stacksOf(input)[id]?.();
  if (!json) throw new Error(`the lab has no stack ${id}`);
  made.set(key, json);
  return JSON.parse(json) as StackJson;
}

/** The addresses of a stack's resources, sorted. They may not change, because states have them. */
export function addresses(stack: StackJson): string[] {
  return Object.entries(stack.resource)
    .flatMap(([type, resources]) => Object.keys(resources).map((name) => `${type}.${name}`))
    .sort();
}
