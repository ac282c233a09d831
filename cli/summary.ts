import { relative } from "node:path";
import { K3S_API_PORT } from "../catalog/k3s";
import { knownSizeGiB } from "../catalog/model-sizes";
import { OLLAMA_PORT } from "../catalog/ollama";
import { type ClusterNode, type Container, type Lab, nodesOf } from "../lab/lab";
import { count } from "../lab/problem";
import type { StackSummary } from "../stacks/synthesize";
import { deployTool, labPrefix } from "./deploy-tool";

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
  readonly models: readonly string[];
  /** What is known of the models' sizes, and the room they have. Absent for a guest without models. */
  readonly modelsGiB?: { readonly known: number; readonly room: number };
}

/** A URL that answers after the deploy. */
export interface SummarizedUrl {
  readonly url: string;
  readonly what: string;
}

function guestOfContainer(spec: Container): SummarizedGuest {
  const { network, gpu, models, modelVolume } = spec;
  const card = gpu ? [gpu.card ?? gpu.type] : [];
  return {
    name: spec.name,
    where: `${spec.node} · CT ${spec.vmId}`,
    address: network.address.kind === "static" ? network.address.ip : "dhcp",
    cores: spec.cores,
    memoryGiB: spec.memoryGiB,
    diskGiB: spec.diskGiB,
    gpus: card,
    models,
    ...(models.length > 0 && { modelsGiB: { known: knownSizeGiB(models), room: modelVolume?.sizeGiB ?? spec.diskGiB } }),
  };
}

function guestOfNode(spec: ClusterNode): SummarizedGuest {
  return {
    name: spec.name,
    where: `${spec.node} · VM ${spec.vmId}`,
    address: spec.address,
    cores: spec.cores,
    memoryGiB: spec.memoryGiB,
    diskGiB: spec.diskGiB,
    gpus: spec.cards.map(({ name }) => name),
    models: [],
  };
}

/** A folder in which Terraform keeps states. */
export interface StateFolder {
  readonly folder: string;
  /** Whether others than its owner can read it. */
  readonly open: boolean;
}

/** A path as somebody here types it. */
function shown(path: string): string {
  return relative(process.cwd(), path) || ".";
}

/** Every guest that the lab makes: the containers, then the VMs of the cluster. */
export function guestsOf(lab: Lab): SummarizedGuest[] {
  return [
    ...Object.values(lab.containers ?? {}).map(guestOfContainer),
    ...(lab.cluster ? nodesOf(lab.cluster).map(guestOfNode) : []),
  ];
}

/** Every URL that answers after the deploy, as far as the lab knows it. */
export function urlsOf(lab: Lab): SummarizedUrl[] {
  const containers = Object.values(lab.containers ?? {}).flatMap(({ name, network: { address } }) =>
    address.kind === "static" ? [{ url: `http://${address.ip}:${OLLAMA_PORT}`, what: `Ollama in ${name}` }] : [],
  );
  const api = lab.cluster && (lab.cluster.registrationAddress ?? lab.cluster.servers[0].address);
  const releases = Object.entries(lab.ollama?.releases ?? {}).map(([key, { host }]) =>
    host
      ? { url: `https://${host}`, what: `Ollama release ${key}` }
      : { url: `http://${key}.${lab.ollama?.namespace}:${OLLAMA_PORT}`, what: `Ollama release ${key}, inside the cluster` },
  );
  return [...containers, ...(api ? [{ url: `https://${api}:${K3S_API_PORT}`, what: "Kubernetes API" }] : []), ...releases];
}

/** What a deploy does not do, and a person has to. */
export function leftToDo(
  lab: Lab,
  stacks: readonly StackSummary[],
  states: readonly StateFolder[],
  hasTerraform: boolean,
): string[] {
  const variables = [...new Set(stacks.flatMap((stack) => stack.variables))].map((name) => `TF_VAR_${name}`);
  const hosts = Object.values(lab.ollama?.releases ?? {}).flatMap(({ host }) => host ?? []);
  const { install, cli } = deployTool();
  return [
    ...(hasTerraform ? [] : ["Install Terraform or OpenTofu: neither is on PATH, and a deploy starts one of them."]),
    ...(install === undefined ? [] : [`Install ${cli}: ${install}. Terraform alone works too (docs/pipelines.md).`]),
    ...(lab.proxmox
      ? [
          "Give Terraform its rights and put its credential into the environment (docs/proxmox.md).",
          "Switch the datacenter's firewall on (Datacenter → Firewall → Options). Without it the guests' rules mean nothing, and this project leaves it alone.",
        ]
      : []),
    ...states
      .filter(({ open }) => open)
      .map(
        ({ folder }) =>
          `Close ${shown(folder)} to other users of this machine, because Terraform keeps states with secrets in clear text there: chmod 700 ${shown(folder)}`,
      ),
    ...(variables.length > 0 ? [`Set ${variables.join(" and ")}: docs/cluster.md says how to make them.`] : []),
    ...(lab.cluster?.registrationAddress
      ? [`Make ${lab.cluster.registrationAddress} answer for the servers: a load balancer or a virtual IP (docs/cluster.md).`]
      : []),
    ...(hosts.length > 0 ? [`Let ${hosts.join(" and ")} resolve to the cluster in your DNS.`] : []),
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

/** Rows with their columns aligned. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

/** "4.5": one decimal at most. */
function short(number: number): string {
  return String(Math.round(number * 10) / 10);
}

function modelsCell({ models, modelsGiB }: SummarizedGuest): string {
  if (!modelsGiB) return "";
  const shown = models.length > 2 ? `${models.slice(0, 2).join(", ")} and ${models.length - 2} more` : models.join(", ");
  return modelsGiB.known > 0 ? `${shown} (${short(modelsGiB.known)} of ${modelsGiB.room} GiB)` : shown;
}

/** How many guests the table shows; a larger lab gets the count of the rest. */
const SHOWN_GUESTS = 30;

function guestTable(guests: readonly SummarizedGuest[]): string[] {
  if (guests.length === 0) return [];
  const head = ["Guest", "Where", "Address", "Cores", "Memory", "Disk", "GPU", "Models"];
  const rows = guests
    .slice(0, SHOWN_GUESTS)
    .map((guest) => [
      guest.name,
      guest.where,
      guest.address,
      String(guest.cores),
      `${short(guest.memoryGiB)} GiB`,
      `${guest.diskGiB} GiB`,
      guest.gpus.join(", "),
      modelsCell(guest),
    ]);
  const rest = guests.length - SHOWN_GUESTS;
  return [...table([head, ...rows]), ...(rest > 0 ? [`  … and ${count(rest, "more guest")}`] : []), ""];
}

/** What a synthesis ends with: what the lab makes, where it answers, what was written, what is left to do, and what to type next. */
export function summary(
  lab: Lab,
  file: string,
  stacks: readonly StackSummary[],
  states: readonly StateFolder[],
  hasTerraform: boolean,
): string {
  const urls = urlsOf(lab);
  const todo = leftToDo(lab, stacks, states, hasTerraform);
  const { cli } = deployTool();
  const npx = `${labPrefix(file)}npx ${cli}`;
  const minutes = deployMinutes(lab);
  return [
    `Synthesized ${file}`,
    "",
    ...guestTable(guestsOf(lab)),
    ...(urls.length > 0
      ? ["Answers after the deploy", ...table(urls.slice(0, SHOWN_GUESTS).map(({ url, what }) => [url, what])), ""]
      : []),
    "Written",
    ...table(
      stacks.map(({ id, folder, resources }) => [
        id,
        count(
          Object.values(resources).reduce((sum, number) => sum + number, 0),
          "resource",
        ),
        `→ ${shown(folder)}`,
      ]),
    ),
    ...states
      .filter(({ open }) => !open)
      .map(
        ({ folder }) =>
          `  Terraform keeps the states in ${shown(folder)}, which only you can read. They hold secrets in clear text.`,
      ),
    "",
    ...(todo.length > 0 ? ["Left to do by hand", ...todo.map((text) => `  - ${text}`), ""] : []),
    `Next (a first deploy takes about ${minutes} minutes, and the download of the models)`,
    ...table([
      [`${npx} diff ${stacks[0]?.id ?? "STACK"}`, "see what would be done"],
      [`${npx} deploy '*'`, "do it, stack after stack"],
    ]),
  ].join("\n");
}
