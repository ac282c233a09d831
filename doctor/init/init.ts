import { K3S_EXAMPLE, K3S_STORAGE_CLASS } from "../../catalog/k3s";
import { knownSizeGiB, suggestedModels } from "../../catalog/model-sizes";
import { INSTALLED } from "../../catalog/proxmox";
import { CLOUD_IMAGE } from "../../catalog/ubuntu";
import {
  checkAddress,
  checkCidr,
  checkHostAddress,
  contains,
  formatNetwork,
  type Network,
  networkOf,
  parseCidr,
  reservedRole,
  toAddress,
} from "../../grammar/address";
import type { Fault } from "../../grammar/fault";
import { checkBridge, checkKey, checkNodeName, checkVmId } from "../../grammar/guest";
import { checkModelReference } from "../../grammar/model-reference";
import { checkPciId, checkPciPath, wholeCard } from "../../grammar/pci";
import {
  CLAIM_GI,
  CONTAINER_SIZE,
  checkNumber,
  checkWhole,
  IOMMU_GROUP_BOUNDS,
  SERVER_SIZE,
  WORKER_SIZE,
} from "../../grammar/size";
import { checkSshPublicKey, checkUserName } from "../../grammar/ssh";
import { checkDatastore } from "../../grammar/storage";
import { checkEndpoint } from "../../grammar/url";
import { checkNvidiaVersion } from "../../grammar/version";
import type { Finding } from "../finding";
import { type Connection, connect, type DoctorEnvironment } from "../proxmox";
import type { Questions } from "../proxmox/api";
import type { Bridge, Storage } from "../proxmox/facts";
import { type Answering, type Choice, InitRefusal, Interviewer } from "./interviewer";
import { type CardType, type Survey, type SurveyedCard, type SurveyedNode, surveyProxmox } from "./survey";
import { labText, type NewCard, type NewCluster, type NewContainer, type NewLab, type Size } from "./text";

/** What is known of the machine that `init` runs on. */
export interface Workplace {
  /** Its own IPv4 addresses. */
  readonly addresses: readonly string[];
  /** Public SSH keys of the user: the line of each, by its file. */
  readonly publicKeys: ReadonlyMap<string, string>;
  /** The first line of a file; undefined where it cannot be read. */
  readonly readLine: (file: string) => string | undefined;
}

/** How a new lab is made. */
export interface InitOptions {
  readonly answering: Answering;
  /** Ask no Proxmox: everything comes from answers. */
  readonly offline: boolean;
  /** Accept a certificate that cannot be verified, now and in the lab. */
  readonly insecure: boolean;
  readonly env: DoctorEnvironment;
  readonly workplace: Workplace;
  /** Path of the JSON schema, as the new file sees it. */
  readonly schema: string;
  /** Connects to Proxmox, or says why that cannot be. @default by HTTPS, with the credential in `env` */
  readonly connect?: (connection: Connection, env: DoctorEnvironment) => Promise<Questions | Finding>;
}

/** A new lab. */
export interface InitResult {
  /** The text of its file. */
  readonly text: string;
  readonly lab: NewLab;
}

const KINDS: readonly Choice[] = [
  { value: "container", label: "one container with Ollama; the processor computes" },
  { value: "gpu-container", label: "one container that shares the node's graphics card; logs in as root@pam" },
  { value: "gpu-cluster", label: "a K3s server, and a worker VM that gets the graphics card" },
];

/** What a VM leaves to its Proxmox node, in GiB (pve.proxmox.com/wiki/System_Requirements asks for 2 besides the guests). */
const NODE_RESERVE_GIB = 2;

/** Where VMIDs of new guests begin. */
const FIRST_VMID = { container: 201, server: 301, worker: 311 } as const;

/** Where addresses of new guests begin, counted from the network's address. */
const FIRST_HOST = { container: 21, server: 31, worker: 41 } as const;

/** Each part of an answer with commas. */
function parts(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Refuses an answer with commas when a part of it is refused, or when there is none. */
function each(check: (text: string) => Fault | undefined): (text: string) => Fault | undefined {
  return (text) => {
    if (parts(text).length === 0) return { code: "empty", message: "nothing was given", remedy: "Write at least one." };
    return parts(text)
      .map(check)
      .find((fault) => fault !== undefined);
  };
}

/** The check of a number, for text. */
function numeric(check: (number: number) => Fault | undefined): (text: string) => Fault | undefined {
  return (text) => check(text.trim() === "" ? Number.NaN : Number(text));
}

/** The one thing there is, so that nobody is asked for it. */
function only<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** The network of a bridge's own address. */
function networkOfBridge({ cidr }: Bridge): Network | undefined {
  const [, ip = "", prefix = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr ?? "") ?? [];
  return ip === "" || checkAddress(ip) ? undefined : networkOf(ip, Number(prefix));
}

/** The bridges that a guest can be attached to, the one with the way out first. */
function usableBridges(node: SurveyedNode | undefined): Bridge[] {
  const bridges = node?.bridges.known ? node.bridges.value.filter(({ active }) => active) : [];
  return [...bridges.filter(({ gateway }) => gateway), ...bridges.filter(({ gateway }) => !gateway)];
}

/** One new lab in the making. */
class Making {
  private readonly interviewer: Interviewer;
  private survey?: Survey;

  constructor(private readonly options: InitOptions) {
    this.interviewer = new Interviewer(options.answering);
  }

  async lab(): Promise<NewLab> {
    const kind = await this.interviewer.answer({ flag: "kind", choices: KINDS, leads: true });
    const endpoint = await this.interviewer.answer({ flag: "endpoint", check: checkEndpoint, leads: true });
    const auth = this.auth(kind);
    if (!this.options.offline) this.survey = await this.ask(endpoint, auth);
    const name = await this.interviewer.answer({ flag: "name", check: checkKey, suggestion: "homelab" });
    const node = await this.node();
    const surveyed = this.survey?.nodes.find((one) => one.name === node.name);
    const network = await this.network(surveyed);
    const storage = await this.storage(kind, surveyed);
    const guests =
      kind === "gpu-cluster" ? await this.cluster(network.cidr, surveyed) : await this.container(kind, network.cidr, surveyed);
    const models = await this.models(guests);
    const sized = withRoomFor(models, guests);
    const sshPublicKey = await this.sshKey();
    const access = await this.access(network.cidr);
    this.interviewer.finish();
    const { insecure } = this.options;
    return {
      name,
      endpoint,
      insecure,
      auth,
      node,
      network: { ...network, ...access },
      storage,
      sshPublicKey,
      models,
      guests: sized,
    };
  }

  /** Root for a container with a card, since Proxmox lets nobody else pass devices; else what the environment has, a token first. */
  private auth(kind: string): "apiToken" | "rootPassword" {
    const { env, offline } = this.options;
    if (kind === "gpu-container") return "rootPassword";
    return offline || env["PROXMOX_VE_API_TOKEN"] || !env["PROXMOX_VE_PASSWORD"] ? "apiToken" : "rootPassword";
  }

  private async ask(endpoint: string, auth: "apiToken" | "rootPassword"): Promise<Survey> {
    const { env, insecure, connect: connectTo = connect } = this.options;
    const api = await connectTo({ endpoint, insecure, auth }, env);
    if ("code" in api) {
      const more = api.code === "certificate-untrusted" ? " For that, give --insecure here." : "";
      throw new InitRefusal(`${api.message}\n${api.remedy}${more}\nWithout Proxmox, from answers alone: --offline`);
    }
    const survey = await surveyProxmox(api);
    if (survey.nodes.length === 0) {
      throw new InitRefusal(`Proxmox at ${endpoint} names no node that is online.\nWithout it, from answers alone: --offline`);
    }
    return survey;
  }

  private async node(): Promise<NewLab["node"]> {
    const names = this.survey?.nodes.map((node) => node.name).sort();
    const name = await this.interviewer.answer({
      flag: "node",
      check: checkNodeName,
      leads: names !== undefined,
      settled: names && only(names),
      suggestion: names ? names[0] : "pve1",
      ...(names && { choices: names.map((value) => ({ value })) }),
    });
    const known = this.survey?.nodes.find((node) => node.name === name)?.address;
    return { name, address: await this.interviewer.answer({ flag: "node-address", check: checkAddress, settled: known }) };
  }

  private async network(node: SurveyedNode | undefined): Promise<Omit<NewLab["network"], "clients" | "management">> {
    const bridges = usableBridges(node);
    const name = await this.interviewer.answer({
      flag: "bridge",
      check: checkBridge,
      settled: only(bridges)?.iface,
      suggestion: bridges[0]?.iface ?? INSTALLED.bridge,
      ...(bridges.length > 0 && {
        choices: bridges.map(({ iface, cidr }) => ({ value: iface, label: cidr ?? "without an address" })),
      }),
    });
    const bridge = bridges.find(({ iface }) => iface === name);
    const own = bridge && networkOfBridge(bridge);
    const cidr = await this.interviewer.answer({ flag: "cidr", check: checkCidr, settled: own && formatNetwork(own) });
    const network = cidr === "" ? undefined : parseCidr(cidr);
    const gateway = await this.interviewer.answer({
      flag: "gateway",
      check: (text) => checkAddress(text) ?? outside(text, network),
      settled: bridge?.gateway && network && contains(network, bridge.gateway) ? bridge.gateway : undefined,
      suggestion: network && toAddress(network.base + 1),
    });
    const dns = await this.interviewer.answer({
      flag: "dns",
      check: each(checkAddress),
      settled: node && node.dns.length > 0 ? node.dns.join(",") : undefined,
      suggestion: gateway || undefined,
    });
    return { bridge: name, cidr, gateway, dns: parts(dns) };
  }

  private async storage(kind: string, node: SurveyedNode | undefined): Promise<NewLab["storage"]> {
    const cluster = kind === "gpu-cluster";
    const wanted = cluster ? ["import", "snippets"] : ["vztmpl"];
    const known = node?.storages.known && node.storages.value.length > 0 ? node.storages.value : undefined;
    const one = async (flag: "disks" | "files", contents: readonly string[]): Promise<string> => {
      const fitting = known?.filter(
        (storage) => storage.active && storage.enabled && contents.every((content) => holds(storage, content)),
      );
      if (known && fitting?.length === 0 && this.interviewer.given(flag) === undefined)
        throw new InitRefusal(noStorage(known, contents));
      const roomy = [...(fitting ?? [])].sort((a, b) => (b.avail ?? 0) - (a.avail ?? 0));
      // Where files can be removed, backups beside them can be, too.
      const apart = roomy.filter((storage) => flag === "disks" || !holds(storage, "backup"));
      const installed = (apart.length > 0 ? apart : roomy).find(({ storage }) => storage === INSTALLED[flag]);
      return this.interviewer.answer({
        flag,
        check: checkDatastore,
        settled: only(roomy)?.storage,
        suggestion: (installed ?? apart[0] ?? roomy[0])?.storage ?? INSTALLED[flag],
        ...(roomy.length > 0 && {
          choices: roomy.map(({ storage, type, avail }) => ({
            value: storage,
            label: `${type}${avail === undefined ? "" : `, ${Math.round(avail / 1024 ** 3)} GiB free`}`,
          })),
        }),
      });
    };
    return { disks: await one("disks", [cluster ? "images" : "rootdir"]), files: await one("files", wanted) };
  }

  private async vmId(flag: "vmid" | "server-vmid" | "worker-vmid", first: number): Promise<number> {
    const free = await this.survey?.freeVmId(first);
    const answer = await this.interviewer.answer({
      flag,
      check: numeric(checkVmId),
      settled: free === undefined ? undefined : String(free),
      suggestion: String(first),
    });
    return Number(answer);
  }

  /** An address that nobody is known to have; who is not a guest of Proxmox may have it all the same, so it is asked. */
  private async address(
    flag: "address" | "server-address" | "worker-address",
    cidr: string,
    first: number,
    taken: string[] = [],
  ): Promise<string> {
    const network = cidr === "" ? undefined : parseCidr(cidr);
    const held = this.survey?.held ?? new Set<string>();
    const size = network ? 2 ** (32 - network.prefix) : 0;
    const free = network
      ? Array.from({ length: Math.max(0, Math.min(size - 2, 250)) }, (_, index) => {
          const hosts = Math.min(size - 2, 250);
          return toAddress(network.base + 1 + ((first - 1 + index) % hosts));
        }).find((address) => !held.has(address) && !taken.includes(address))
      : undefined;
    const static_ = flag !== "address";
    return this.interviewer.answer({
      flag,
      check: (text) =>
        (static_ ? checkAddress(text) : checkHostAddress(text)) ??
        (text === "dhcp" ? undefined : (outside(text, network) ?? holder(text, held))),
      suggestion: free,
    });
  }

  private async container(kind: string, cidr: string, node: SurveyedNode | undefined): Promise<NewContainer> {
    const gpu = kind === "gpu-container" ? await this.sharedCard(node) : undefined;
    const memory = node?.memoryGiB === undefined ? CONTAINER_SIZE.memoryGiB : Math.floor(node.memoryGiB / 2);
    return {
      kind: "container",
      vmId: await this.vmId("vmid", FIRST_VMID.container),
      address: await this.address("address", cidr, FIRST_HOST.container),
      cores: Math.min(CONTAINER_SIZE.cores, node?.cores ?? CONTAINER_SIZE.cores),
      memoryGiB: Math.max(1, Math.min(CONTAINER_SIZE.memoryGiB, memory)),
      diskGiB: CONTAINER_SIZE.diskGiB,
      ...(gpu && { gpu }),
    };
  }

  /** The card that a container shares with its node. */
  private async sharedCard(node: SurveyedNode | undefined): Promise<NonNullable<NewContainer["gpu"]>> {
    const cards = node?.cards.known ? node.cards.value.filter((card) => card.type !== undefined) : [];
    const types = [...new Set(cards.flatMap(({ type }) => type ?? []))];
    const type = await this.interviewer.answer({
      flag: "card-type",
      settled: only(types),
      suggestion: types[0],
      choices: (types.length > 0 ? types : (["nvidia", "intel", "amd"] as const)).map((value) => {
        const label = cards.find((card) => card.type === value)?.name;
        return { value, ...(label !== undefined && { label }) };
      }),
      leads: true,
    });
    const name = only(cards.filter((card) => card.type === type))?.name;
    const common = { type: type as CardType, ...(name !== undefined && { name }) };
    if (type !== "nvidia") return common;
    return { ...common, driverVersion: await this.interviewer.answer({ flag: "driver-version", check: checkNvidiaVersion }) };
  }

  private async cluster(cidr: string, node: SurveyedNode | undefined): Promise<NewCluster> {
    const card = await this.passedCard(node);
    const sshUser = await this.interviewer.answer({ flag: "ssh-user", check: checkUserName, suggestion: "terraform" });
    const server = {
      vmId: await this.vmId("server-vmid", FIRST_VMID.server),
      address: await this.address("server-address", cidr, FIRST_HOST.server),
      ...SERVER_SIZE,
    };
    const left =
      node?.memoryGiB === undefined
        ? WORKER_SIZE.memoryGiB
        : Math.floor(node.memoryGiB) - SERVER_SIZE.memoryGiB - NODE_RESERVE_GIB;
    if (left < 2)
      throw new InitRefusal(
        `${node?.name} has ${Math.floor(node?.memoryGiB ?? 0)} GiB of memory, too little for a K3s server and a worker.`,
      );
    const cores = node?.cores ?? WORKER_SIZE.cores;
    const worker = {
      vmId: await this.vmId("worker-vmid", Math.max(FIRST_VMID.worker, server.vmId + 1)),
      address: await this.address("worker-address", cidr, FIRST_HOST.worker, [server.address]),
      cores: Math.min(WORKER_SIZE.cores, cores),
      memoryGiB: Math.min(WORKER_SIZE.memoryGiB, left),
      diskGiB: WORKER_SIZE.diskGiB,
    };
    return {
      kind: "cluster",
      sshUser,
      k3sVersion: K3S_EXAMPLE,
      image: CLOUD_IMAGE,
      server: { ...server, cores: Math.min(server.cores, cores) },
      worker,
      card,
      storageClass: K3S_STORAGE_CLASS,
      storageGi: CLAIM_GI,
    };
  }

  /** The card that a VM gets, whole. */
  private async passedCard(node: SurveyedNode | undefined): Promise<NewCard> {
    const known = node?.cards.known ? node.cards.value.filter(({ type }) => type === "nvidia") : undefined;
    const free = known?.filter(({ obstacle }) => obstacle === undefined);
    if (known && free?.length === 0) throw new InitRefusal(noCard(node?.name ?? "", known));
    const why = node && !node.cards.known ? ` (${node.name} does not say: ${node.cards.why}; Sys.Audit on / lets it)` : "";
    const path = await this.interviewer.answer({
      flag: "card",
      text: `PCI path of the graphics card, such as 0000:01:00; docs/cluster.md has a command that shows its four facts${why}`,
      check: checkPciPath,
      settled: free && only(free)?.path,
      suggestion: free?.[0]?.path,
      ...(free && { choices: free.map((card) => ({ value: card.path, label: card.name })) }),
    });
    const card = free?.find((one) => one.path === path);
    const fact = (flag: "card-id" | "card-subsystem", settled: string | undefined) =>
      this.interviewer.answer({ flag, check: checkPciId, settled });
    const group = await this.interviewer.answer({
      flag: "card-iommu-group",
      check: numeric(checkWhole(IOMMU_GROUP_BOUNDS)),
      settled: card && String(card.iommuGroup),
    });
    return {
      path: wholeCard(path),
      id: await fact("card-id", card?.id),
      subsystemId: await fact("card-subsystem", card?.subsystemId),
      iommuGroup: Number(group),
      ...(card && { name: card.name }),
    };
  }

  private async models(guests: NewContainer | NewCluster): Promise<string[]> {
    const models = (suggestion: string | undefined) =>
      this.interviewer.answer({ flag: "models", check: each(checkModelReference), suggestion });
    if (this.interviewer.given("models") !== undefined) return parts(await models(undefined));
    const withCard = guests.kind === "cluster" || guests.gpu !== undefined;
    // Where the processor computes, a model that takes all of the memory would answer too slowly.
    if (!withCard) return parts(await models(suggestedModels(guests.memoryGiB / 2).join(",")));
    const memory = Number(
      await this.interviewer.answer({
        flag: "gpu-memory",
        text: "Memory of the graphics card in GiB",
        check: numeric(checkNumber([1, 1024])),
      }),
    );
    return parts(await models(memory > 0 ? suggestedModels(memory).join(",") : undefined));
  }

  private async sshKey(): Promise<string> {
    const { publicKeys, readLine } = this.options.workplace;
    const lineOf = (text: string) => publicKeys.get(text) ?? (text.includes(" ") ? text : (readLine(text) ?? text));
    const answer = await this.interviewer.answer({
      flag: "ssh-key",
      text: "Your public SSH key: the line itself, or its file",
      check: (text) => checkSshPublicKey(lineOf(text)),
      settled: only([...publicKeys.keys()]),
      suggestion: [...publicKeys.keys()][0],
    });
    return lineOf(answer).trim();
  }

  private async access(cidr: string): Promise<Pick<NewLab["network"], "clients" | "management">> {
    const network = cidr === "" ? undefined : parseCidr(cidr);
    const here = this.options.workplace.addresses.find((address) => network && contains(network, address));
    const clients = await this.interviewer.answer({ flag: "clients", check: each(checkCidr), suggestion: cidr || undefined });
    const management = await this.interviewer.answer({
      flag: "management",
      check: each(checkCidr),
      suggestion: here && `${here}/32`,
    });
    return { clients: parts(clients), management: parts(management) };
  }
}

function holds({ content }: Storage, kind: string): boolean {
  return content.split(",").some((one) => one.trim() === kind);
}

/** Refuses an address outside of the guests' network, or one that no host can have. */
function outside(text: string, network: Network | undefined): Fault | undefined {
  const ip = text.split("/")[0] ?? "";
  if (!network || (contains(network, ip) && !reservedRole(network, ip))) return undefined;
  return {
    code: "outside",
    message: `${ip} is no address for a host in ${formatNetwork(network)}`,
    remedy: "Write one from it.",
  };
}

/** Refuses an address that a guest or a node has. */
function holder(text: string, held: ReadonlySet<string>): Fault | undefined {
  const ip = text.split("/")[0] ?? "";
  return held.has(ip)
    ? { code: "held", message: `${ip} is taken: a guest or a node has it`, remedy: "Write another." }
    : undefined;
}

function noStorage(known: readonly Storage[], contents: readonly string[]): string {
  const usable = known.filter(
    ({ active, enabled, type }) =>
      active && enabled && (contents.includes("snippets") ? type !== "lvmthin" && type !== "zfspool" && type !== "lvm" : true),
  );
  const first = usable.find(({ storage }) => storage === INSTALLED.files) ?? usable[0];
  const has = known.map(({ storage, content }) => `${storage} takes ${content || "nothing"}`).join("; ");
  const all = first && [...new Set([...first.content.split(","), ...contents])].filter((content) => content !== "");
  const command =
    first && all ? `\nLet one take it, as root on the node: pvesm set ${first.storage} --content ${all.join(",")}` : "";
  return `No datastore takes ${contents.join(" and ")}: ${has}.${command}`;
}

function noCard(node: string, cards: readonly SurveyedCard[]): string {
  const reasons = cards.map(({ path, name, obstacle }) => `  ${path} ${name}: ${obstacle}`);
  return reasons.length === 0
    ? `${node} has no NVIDIA card, but the worker of a gpu-cluster needs one. --kind container needs none; --kind gpu-container takes Intel and AMD too.`
    : `No NVIDIA card of ${node} can be passed to a VM:\n${reasons.join("\n")}`;
}

/** The guests, with disks that the models fit on. */
function withRoomFor(models: readonly string[], guests: NewContainer | NewCluster): NewContainer | NewCluster {
  // A quarter besides, for what is downloaded while an older one is still there.
  const needed = Math.ceil(knownSizeGiB(models) * 1.25);
  const grown = (size: Size) => Math.max(size.diskGiB, Math.ceil((needed + 30) / 10) * 10);
  if (guests.kind === "container") return { ...guests, diskGiB: grown(guests) };
  return {
    ...guests,
    storageGi: Math.max(guests.storageGi, needed),
    worker: { ...guests.worker, diskGiB: grown(guests.worker) },
  };
}

/**
 * A new lab, from the real answers of a Proxmox and from answers to what is open. Writes nothing.
 * @throws InitRefusal when an answer is missing or refused, or Proxmox cannot be asked
 */
export async function initLab(options: InitOptions): Promise<InitResult> {
  const lab = await new Making(options).lab();
  const from = options.offline ? "answers alone, without asking Proxmox" : `what Proxmox at ${lab.endpoint} answered`;
  return { text: labText(lab, options.schema, from), lab };
}
