import { relative } from "node:path";
import { CERT_MANAGER_NAMESPACE } from "../catalog/cert-manager";
import { K3S_API_PORT } from "../catalog/k3s";
import { knownModelGiB, knownSizeGiB } from "../catalog/model-sizes";
import { OLLAMA_PORT } from "../catalog/ollama";
import { TERRAFORM_INSTALL } from "../catalog/terraform";
import { type ClusterNode, type Container, type Lab, nodesOf, ollamaUrl } from "../lab/lab";
import type { StackSummary } from "../stacks/synthesize";
import type { Environment } from "./command";
import { deployTool, labPrefix } from "./deploy-tool";
import type { StateFolder } from "./state-folder";

/** A guest of the lab, as the summary shows it. */
export interface SummarizedGuest {
  readonly name: string;
  /** Where it is, and under which VMID: `pve1 · CT 201`. */
  readonly where: string;
  /** `dhcp` for an address that Proxmox does not know before the guest has it. */
  readonly address: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly diskGiB: number;
  /** The graphics cards it gets, by the lab's names or by their kind. */
  readonly gpus: readonly string[];
  /** What it is for the lab; the lists of a large lab are shortened by it. */
  readonly kind: "container" | "server" | "worker";
}

/** The models that lie in one place, as the summary shows them. */
export interface SummarizedModels {
  /** The container, or the Ollama release of the cluster. */
  readonly of: string;
  readonly models: readonly string[];
  /** What is known of their sizes together. */
  readonly knownGiB: number;
  /** How many of them have a size that is not known. */
  readonly unknown: number;
  /** The room they have. */
  readonly roomGiB: number;
}

/** A URL that answers after the deploy. */
export interface SummarizedUrl {
  readonly url: string;
  readonly what: string;
}

function guestOfContainer(spec: Container): SummarizedGuest {
  const { network, gpu } = spec;
  return {
    name: spec.name,
    where: `${spec.node} · CT ${spec.vmId}`,
    address: network.address.kind === "static" ? network.address.ip : "dhcp",
    cores: spec.cores,
    memoryGiB: spec.memoryGiB,
    diskGiB: spec.diskGiB,
    gpus: gpu ? [gpu.card ?? gpu.type] : [],
    kind: "container",
  };
}

function guestOfNode(kind: "server" | "worker", spec: ClusterNode): SummarizedGuest {
  return {
    name: spec.name,
    where: `${spec.node} · VM ${spec.vmId}`,
    address: spec.address,
    cores: spec.cores,
    memoryGiB: spec.memoryGiB,
    diskGiB: spec.diskGiB,
    gpus: spec.cards.map(({ name }) => name),
    kind,
  };
}

/** A path as somebody here types it. */
export function shown(path: string): string {
  return relative(process.cwd(), path) || ".";
}

/** A name has 63 characters at most, so no number in it is longer. */
const DIGITS = 63;

/**
 * By their names, so that 10 comes after 9. Not localeCompare with `numeric`: it took 8 % of the synthesis of ten thousand guests, and for
 * a few guests Node loads a part of its language data.
 */
function inOrder<T extends { readonly name: string }>(things: readonly T[]): T[] {
  const keyed = things.map((thing) => ({ thing, key: thing.name.replace(/\d+/g, (digits) => digits.padStart(DIGITS, "0")) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ thing }) => thing);
}

/** Every guest that the lab makes: the containers, then the VMs of the cluster. */
export function guestsOf(lab: Lab): SummarizedGuest[] {
  const { servers = [], workers = [] } = lab.cluster ?? {};
  return [
    ...inOrder(Object.values(lab.containers ?? {})).map(guestOfContainer),
    ...inOrder(servers).map((spec) => guestOfNode("server", spec)),
    ...inOrder(workers).map((spec) => guestOfNode("worker", spec)),
  ];
}

function summarizedModels(of: string, models: readonly string[], roomGiB: number): SummarizedModels[] {
  if (models.length === 0) return [];
  const unknown = models.filter((model) => knownModelGiB(model) === 0).length;
  return [{ of, models, knownGiB: knownSizeGiB(models), unknown, roomGiB }];
}

/** The models of each container and of each Ollama release. Those of an air-gapped lab lie on a share, of which the lab knows no size. */
export function modelsOf(lab: Lab): SummarizedModels[] {
  const releases = lab.modelStaging ? [] : Object.entries(lab.ollama?.releases ?? {});
  return [
    ...inOrder(Object.values(lab.containers ?? {})).flatMap(({ name, models, modelVolume, diskGiB }) =>
      summarizedModels(name, models, modelVolume?.sizeGiB ?? diskGiB),
    ),
    ...releases.flatMap(([key, { models, storageGi }]) => summarizedModels(`release ${key}`, models, storageGi)),
  ];
}

/** Every URL that answers after the deploy, as far as the lab knows it. */
export function urlsOf(lab: Lab): SummarizedUrl[] {
  const once = lab.configure ? "" : ", once it is configured";
  const containers = inOrder(Object.values(lab.containers ?? {})).flatMap((container) => {
    const url = ollamaUrl(container);
    return url === undefined ? [] : [{ url, what: `Ollama in ${container.name}${once}` }];
  });
  const api = lab.cluster && (lab.cluster.registrationAddress ?? lab.cluster.servers[0].address);
  const releases = Object.entries(lab.ollama?.releases ?? {}).map(([key, { host }]) =>
    host
      ? { url: `https://${host}`, what: `Ollama release ${key}` }
      : { url: `http://${key}.${lab.ollama?.namespace}:${OLLAMA_PORT}`, what: `Ollama release ${key}, inside the cluster` },
  );
  // The containers come last, since they are the many of a large lab.
  return [...releases, ...(api ? [{ url: `https://${api}:${K3S_API_PORT}`, what: "Kubernetes API" }] : []), ...containers];
}

/** What the summary needs to know of the machine that it runs on. */
export interface Here {
  readonly env: Environment;
  /** Where Terraform keeps local states. */
  readonly states: readonly StateFolder[];
  /** Whether one of the programs is on PATH. */
  readonly hasOneOf: (...programs: readonly string[]) => boolean;
}

/** The Secrets that the lab refers to and nobody makes but its owner, with their namespaces. */
function secretsOf(lab: Lab): string[] {
  const referred = (value: unknown): string[] => {
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, item]) =>
      // as: the name is read below only where it is a text.
      /SecretRef$/.test(key) && typeof (item as { name?: unknown } | null)?.name === "string"
        ? [(item as { name: string }).name]
        : referred(item),
    );
  };
  const users = Object.values(lab.ollama?.releases ?? {}).flatMap(({ auth }) => auth?.secretName ?? []);
  return [
    ...referred(lab.kubernetes.certManager?.dns01).map((name) => `${name} (namespace ${CERT_MANAGER_NAMESPACE})`),
    ...users.map((name) => `${name} (namespace ${lab.ollama?.namespace})`),
  ].filter((secret, index, all) => all.indexOf(secret) === index);
}

/** "a", "a and b", "a, b and c". */
function enumerated(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), ...words.slice(-1)].filter((part) => part !== "").join(" and ");
}

function credentialOf(lab: Lab): string | undefined {
  if (!lab.proxmox) return undefined;
  return lab.proxmox.auth === "rootPassword" ? "PROXMOX_VE_PASSWORD" : "PROXMOX_VE_API_TOKEN";
}

/** What to do where cdktf would not find the program that it starts. Nothing where it finds one. */
export function missingTerraform({ env, hasOneOf }: Here): string[] {
  if (env["TERRAFORM_BINARY_NAME"] || hasOneOf("terraform")) return [];
  return hasOneOf("tofu")
    ? ["Set TERRAFORM_BINARY_NAME=tofu: only OpenTofu is on PATH, and a deploy starts terraform unless it is told."]
    : [`Install Terraform or OpenTofu: neither is on PATH, and a deploy starts one of them (${TERRAFORM_INSTALL}).`];
}

/** What a deploy does not do, and a person has to. What the environment has already is left out. */
export function leftToDo(lab: Lab, file: string, stacks: readonly StackSummary[], here: Here): string[] {
  const { env, hasOneOf, states } = here;
  const unset = (name: string) => (env[name] ?? "") === "";
  const variables = [...new Set(stacks.flatMap((stack) => stack.variables))].map((name) => `TF_VAR_${name}`).filter(unset);
  const hosts = Object.values(lab.ollama?.releases ?? {}).flatMap(({ host }) => host ?? []);
  const tokens = [...new Set(Object.values(lab.containers ?? {}).flatMap(({ https }) => https?.tokenFile ?? []))];
  const hasContainers = Object.keys(lab.containers ?? {}).length > 0;
  const secrets = secretsOf(lab);
  const { install, cli } = deployTool();
  const command = (name: string) => `${labPrefix(file)}npx ollama-lab ${name}`;
  const credential = credentialOf(lab);
  return [
    ...missingTerraform(here),
    ...(install === undefined ? [] : [`Install ${cli}: ${install}. Terraform alone works too (docs/pipelines.md).`]),
    ...(lab.configure && hasContainers && !hasOneOf("ansible-playbook")
      ? ["Install Ansible: ansible-playbook is not on PATH, and configure: true starts it (docs/containers.md)."]
      : []),
    ...(lab.proxmox && lab.proxmox.auth !== "rootPassword"
      ? [`Give Terraform its rights on Proxmox, once: \`${command("rights")}\` prints the commands.`]
      : []),
    ...(credential && unset(credential) ? [`Set ${credential} (docs/proxmox.md).`] : []),
    ...(variables.length > 0 ? [`Set ${enumerated(variables)} (docs/cluster.md).`] : []),
    ...(lab.proxmox
      ? [
          "Switch the datacenter's firewall on (Datacenter → Firewall → Options): without it the guests' rules mean nothing, and this project leaves it alone.",
        ]
      : []),
    ...states
      .filter(({ open }) => open)
      .map(
        ({ folder }) =>
          `Close ${shown(folder)} to other users of this machine, because Terraform keeps states with secrets in clear text there: \`chmod 700 ${shown(folder)}\``,
      ),
    ...(lab.cluster?.registrationAddress
      ? [`Make ${lab.cluster.registrationAddress} answer for the servers: a load balancer or a virtual IP (docs/cluster.md).`]
      : []),
    ...tokens.map((token) => `Write the token of the HTTPS door into ${token}, beside the lab (docs/containers.md).`),
    ...(hosts.length > 0 ? [`Let ${enumerated(hosts)} resolve to the cluster in your DNS.`] : []),
    ...(secrets.length > 0
      ? [`Make the Secret${secrets.length > 1 ? "s" : ""} ${enumerated(secrets)} in the cluster (docs/kubernetes.md).`]
      : []),
    ...(hasContainers && !lab.configure
      ? [`Configure the containers after the deploy, by Ansible: \`${command("inventory")}\` says how.`]
      : []),
  ];
}

/**
 * About how long the first deploy takes, in minutes and to the next five, without downloads of models: what the docs say of each part. A GPU worker builds its
 * driver; containers are made side by side.
 */
export function deployMinutes(lab: Lab): number {
  const containers = Object.keys(lab.containers ?? {}).length > 0 ? (lab.configure ? 8 : 3) : 0;
  const cards = lab.cluster ? nodesOf(lab.cluster).some((node) => node.cards.length > 0) : false;
  const cluster = lab.cluster ? (cards ? 25 : 10) : 0;
  return Math.max(5, Math.ceil((containers + cluster + (lab.ollama ? 5 : 0)) / 5) * 5);
}
