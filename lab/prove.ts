import { imageOfChart } from "../catalog/ollama";
import { parseCidr, parseHostAddress } from "../grammar/address";
import { DEVICE_DEFAULTS } from "../grammar/device";
import { modelStagingOf } from "./air-gap";
import { artifactsOf, wayOf } from "./artifacts";
import { type DraftCluster, type DraftNode, serversOf, workersOf } from "./cluster";
import type { DraftContainer, DraftLab } from "./draft";
import { imageFileName, templateFileName } from "./image";
import { devicePluginOf, type OllamaRelease } from "./kubernetes";
import type {
  Card,
  Chart,
  Cluster,
  ClusterNode,
  Container,
  ContainerAddress,
  ContainerTemplate,
  DiskSource,
  Download,
  Fetched,
  Kubernetes,
  Lab,
  ModelStaging,
  Ollama,
  ProxmoxLab,
  Release,
} from "./lab";
import type { Code } from "./registry";
import type { LabConfig } from "./schema";

/**
 * A lab without an error lacks something that a rule should have demanded. It is never the lab's fault: a rule of this project is missing, or
 * does not run when it should.
 */
export class UnprovedError extends Error {
  constructor(
    /** The code of the problem that should have been reported. */
    readonly code: Code,
    what: string,
  ) {
    super(
      `${what}, but no rule reported ${code}. This is a fault of ollama-lab, not of your lab: please report it with the lab.`,
    );
    this.name = "UnprovedError";
  }
}

/** The value, which a rule has proved to be there. */
function proved<T>(value: T | undefined, code: Code, what: string): T {
  if (value === undefined) throw new UnprovedError(code, `${what} is missing`);
  return value;
}

/** Demands that at most one of the values is there, which a rule has proved. */
function oneOf(values: readonly unknown[], code: Code, what: string): void {
  if (values.filter((value) => value !== undefined).length > 1) throw new UnprovedError(code, `${what} is there twice`);
}

/** The entry of a map under a key of the lab's. A plain look-up would find `constructor` in every map. */
function entry<T>(map: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, value: (item: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, value(item, key)]));
}

/**
 * Makes a lab of a draft that no rule and no schema found an error in. Every default that follows from another section is filled in here.
 * @throws UnprovedError naming the problem that should have been reported, when something is missing all the same
 */
export function prove(draft: DraftLab): Lab {
  const containers = draft.containers ?? {};
  const hasGuests = Object.keys(containers).length > 0 || draft.cluster !== undefined;
  return hasGuests ? { ...common(draft), ...guests(draft, containers) } : common(draft);
}

function common(draft: DraftLab) {
  const { directory, ollama } = draft;
  const section = <T>(value: T | undefined, name: string) => proved(value, "missing", name);
  const kubernetes = section(draft.kubernetes, "kubernetes");
  const airGapped = section(draft.airGapped, "airGapped");
  const name = section(draft.name, "name");
  return {
    name,
    directory,
    sshPublicKeys: section(draft.sshPublicKeys, "sshPublicKeys"),
    state: section(draft.state, "state"),
    ownershipGuard: section(draft.ownershipGuard, "ownershipGuard"),
    configure: section(draft.configure, "configure"),
    mirrors: section(draft.mirrors, "mirrors"),
    airGapped,
    kubernetes: kubernetesOf(kubernetes, name, draft),
    ollama: ollama && ollamaOf(ollama, kubernetes.storageClass),
    modelStaging: airGapped && ollama ? stagingOf(draft, name) : undefined,
    fetched: airGapped ? fetchedBy(draft) : [],
  };
}

/** The sections that a guest is placed by. */
interface Place {
  readonly proxmox: NonNullable<LabConfig["proxmox"]>;
  readonly network: NonNullable<LabConfig["network"]>;
  readonly storage: LabConfig["storage"];
}

function guests(
  draft: DraftLab,
  containers: NonNullable<DraftLab["containers"]>,
): Pick<ProxmoxLab, "proxmox" | "network" | "containers" | "cluster"> {
  const place: Place = {
    proxmox: proved(draft.proxmox, "section-missing", "proxmox"),
    network: proved(draft.network, "section-missing", "network"),
    storage: proved(draft.storage, "missing", "storage"),
  };
  const { proxmox, network } = place;
  return {
    proxmox: { ...proxmox, nodes: mapValues(proxmox.nodes, ({ address, gpus }) => ({ address, gpus: Object.keys(gpus) })) },
    network,
    containers: mapValues(containers, (container, key) => containerOf(container, `containers.${key}`, place)),
    cluster: draft.cluster && clusterOf(draft.cluster, place),
  };
}

/** Where a guest is, and the node that it is on. */
function placed(guest: { readonly node?: string; readonly disks?: string }, what: string, { proxmox, storage }: Place) {
  const node = proved(guest.node, "node-missing", `the Proxmox node of ${what}`);
  const declared = proved(entry(proxmox.nodes, node), "unknown-node", `the Proxmox node ${node} of ${what}`);
  const files = declared.storage?.files ?? storage.files;
  return {
    declared,
    placement: {
      node,
      disks: guest.disks ?? declared.storage?.disks ?? storage.disks,
      files: { name: files, shared: storage.shared.includes(files) },
    },
  };
}

function containerOf(draft: DraftContainer, what: string, place: Place): Container {
  const { node, disks, path, template, address, gateway, mac, bridge, vlan, dns, devices, modelVolume, ...settings } = draft;
  const { network } = place;
  const { placement } = placed(draft, what, place);
  return {
    ...settings,
    ...placement,
    template: templateOf(template, what),
    network: {
      bridge: bridge ?? network.bridge,
      vlan: vlan ?? network.vlan,
      address: addressOf(draft, what, place),
      mac,
      dns: dns ?? network.dns,
      searchDomain: network.searchDomain,
    },
    devices: devices.map((device) => (typeof device === "string" ? { path: device, ...DEVICE_DEFAULTS } : device)),
    modelVolume: modelVolume && { ...modelVolume, datastore: modelVolume.datastore ?? placement.disks },
  };
}

/** A bare address takes its prefix from the lab's network, and its gateway unless it has one of its own. */
function addressOf({ address, gateway }: DraftContainer, what: string, { network }: Place): ContainerAddress {
  const host = parseHostAddress(address);
  if (!host) return { kind: "dhcp" };
  return {
    kind: "static",
    ip: host.ip,
    prefix: host.prefix ?? parseCidr(proved(network.cidr, "cidr-missing", `the network of ${what}`)).prefix,
    gateway: proved(gateway ?? network.gateway, "gateway-missing", `the gateway of ${what}`),
  };
}

function templateOf(template: DraftContainer["template"], what: string): ContainerTemplate {
  if (typeof template === "string") return { volume: template };
  const { url, sha256, sha512 } = template;
  oneOf([sha256, sha512], "two-checksums", `the checksum of the template of ${what}`);
  return {
    download: { url, fileName: templateFileName(template), checksum: checksum("sha512", sha512) ?? checksum("sha256", sha256) },
  };
}

function checksum(algorithm: "sha256" | "sha512", value: string | undefined): Download["checksum"] {
  return value === undefined ? undefined : { algorithm, value };
}

function clusterOf(draft: DraftCluster, place: Place): Cluster {
  const { nodes, pools, image, template, firstServer, bridge, vlan, ...settings } = draft;
  const { network } = place;
  const [first, ...others] = serversOf(draft).map((node) => nodeOf(node, place));
  if (others.length > 0) proved(firstServer, "first-server-missing", "cluster.firstServer");
  return {
    ...settings,
    source: sourceOf(draft),
    network: {
      bridge: bridge ?? network.bridge,
      vlan: vlan ?? network.vlan,
      cidr: proved(network.cidr, "cidr-missing", "network.cidr"),
      gateway: proved(network.gateway, "gateway-missing", "network.gateway"),
      dns: network.dns,
      searchDomain: network.searchDomain,
    },
    servers: [proved(first, "no-server", "a server of the cluster"), ...others],
    workers: workersOf(draft).map((node) => nodeOf(node, place)),
  };
}

function sourceOf({ image, template }: DraftCluster): DiskSource {
  oneOf([image, template], "two-disk-sources", "the source of the cluster's disks");
  if (typeof image === "string") return { kind: "volume", volume: image };
  if (image) {
    return {
      kind: "image",
      image: { url: image.url, fileName: imageFileName(image), checksum: checksum("sha256", image.sha256) },
    };
  }
  const { vmId, node } = proved(template, "no-disk-source", "an image or a template of the cluster");
  return { kind: "template", vmId, node };
}

function nodeOf(draft: DraftNode, place: Place): ClusterNode {
  const { node, disks, gpus, ...settings } = draft;
  const what = `the ${draft.role} ${draft.key}`;
  const { declared, placement } = placed(draft, what, place);
  proved(declared.address, "node-address-missing", `the address of the Proxmox node of ${what}`);
  const cards = gpus.map((name) =>
    cardOf(name, proved(entry(declared.gpus, name), "unknown-gpu", `the card ${name} of ${what}`)),
  );
  return { ...settings, ...placement, cards };
}

function cardOf(name: string, card: Place["proxmox"]["nodes"][string]["gpus"][string]): Card {
  const { mapping, raw, allFunctions, id, subsystemId, iommuGroup } = card;
  if (mapping !== undefined) return { kind: "mapping", name, allFunctions, mapping };
  const fact = <T>(value: T | undefined, field: string) => proved(value, "gpu-incomplete", `${field} of the card ${name}`);
  const path = fact(card.path, "path");
  if (raw) return { kind: "raw", name, allFunctions, path, id, subsystemId, iommuGroup };
  return {
    kind: "made",
    name,
    allFunctions,
    path,
    id: fact(id, "id"),
    subsystemId: fact(subsystemId, "subsystemId"),
    iommuGroup: fact(iommuGroup, "iommuGroup"),
  };
}

/** The section with its chart in the form in which it comes from one place. */
function withChart<T extends { readonly chart: ChartConfig }>(section: T): Omit<T, "chart"> & { readonly chart: Chart } {
  const { version, repository, oci, file } = section.chart;
  oneOf([repository, oci, file], "two-chart-sources", "the source of a chart");
  const source =
    (repository !== undefined && { repository }) ||
    (oci !== undefined && { oci }) ||
    (file !== undefined && { file }) ||
    undefined;
  return { ...section, chart: { version, source } };
}

type ChartConfig = NonNullable<LabConfig["ollama"]>["chart"];

function kubernetesOf(
  { kubeconfig, devicePlugin, nfs, certManager, ...settings }: LabConfig["kubernetes"],
  name: string,
  draft: DraftLab,
): Kubernetes {
  const plugin = devicePluginOf(draft);
  return {
    ...settings,
    kubeconfig: kubeconfig ?? `./kubeconfig-${name}`,
    devicePlugin: plugin && withChart(plugin),
    nfs: nfs && withChart(nfs),
    certManager: certManager && withChart(certManager),
  };
}

function ollamaOf({ release, releases, ...settings }: NonNullable<DraftLab["ollama"]>, storageClass: string): Ollama {
  const image = imageOfChart(settings.chart.version);
  return {
    ...withChart(settings),
    releases: mapValues(releases, (one, key) => releaseOf(one, key, image, storageClass)),
  };
}

function releaseOf(release: OllamaRelease, key: string, image: string | undefined, storageClass: string): Release {
  return {
    ...release,
    storageClass: release.storageClass ?? storageClass,
    clientImage: proved(release.image ?? image, "image-unknown", `the image of ollama.releases.${key}`),
  };
}

function stagingOf(draft: DraftLab, name: string): ModelStaging {
  const { kubeconfig, revision, image: given, ...settings } = proved(draft.staging, "missing", "staging");
  const path = proved(draft.ollamaNfsPath, "nfs-path-missing", "ollamaNfsPath");
  const { image, ...plan } = proved(modelStagingOf(draft), "nfs-path-missing", "what is staged");
  return {
    ...settings,
    ...plan,
    kubeconfig: kubeconfig ?? `./staging-kubeconfig-${name}`,
    image: proved(image, "image-unknown", "the image that stages"),
    pinned: draft.ollama?.release,
    share: { path, server: draft.ollamaNfsServer },
  };
}

function fetchedBy(draft: DraftLab): Fetched[] {
  const rows = [...artifactsOf(draft)].map((artifact): Fetched => {
    const { kind, name, host } = artifact;
    return { kind, name, host, way: proved(wayOf(artifact, draft), "not-mirrored", `a way for ${kind} ${name} from ${host}`) };
  });
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}
