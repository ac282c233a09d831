import { HTTPS_PORT } from "../catalog/caddy";
import { OLLAMA_PORT } from "../catalog/ollama";
import type { Artifact } from "./artifacts";
import type { DraftCluster, DraftNode } from "./cluster";
import type { DraftContainer } from "./draft";
import type { DevicePlugin, OllamaRelease } from "./kubernetes";
import type { LabConfig } from "./schema";

type Section<K extends keyof LabConfig> = NonNullable<LabConfig[K]>;

/** A datastore of a Proxmox node. */
export interface Datastore {
  readonly name: string;
  /** Whether every node sees it as one. */
  readonly shared: boolean;
}

/** Where a guest is. */
interface Placement {
  /** A node that the lab declares. */
  readonly node: string;
  /** Datastore of the guest's disks. */
  readonly disks: string;
  /** Datastore of the node's templates, images and snippets. */
  readonly files: Datastore;
}

/** A file that Proxmox downloads. */
export interface Download {
  readonly url: string;
  /** A name that Proxmox takes for this kind of file. */
  readonly fileName: string;
  /** @default not verified */
  readonly checksum?: { readonly algorithm: "sha256" | "sha512"; readonly value: string };
}

/** What a container is made from: a template that is on a datastore already, by its volume id, or one that is downloaded. */
export type ContainerTemplate = { readonly volume: string } | { readonly download: Download };

/** The address of a container: leased, or static and then with its prefix and gateway. */
export type ContainerAddress =
  | { readonly kind: "dhcp" }
  | { readonly kind: "static"; readonly ip: string; readonly prefix: number; readonly gateway: string };

/** How a container is in its network. */
export interface ContainerNetwork extends Pick<Section<"network">, "bridge" | "vlan" | "dns" | "searchDomain"> {
  readonly address: ContainerAddress;
  /** @default one that Proxmox picks */
  readonly mac?: string;
}

/** A device of the node, as a container gets it. */
export interface Device {
  readonly path: string;
  readonly gid: number;
  readonly mode: string;
}

/** What a container takes over from its draft as it is. */
type ContainerSettings = Omit<
  DraftContainer,
  "node" | "disks" | "path" | "template" | "address" | "gateway" | "mac" | "bridge" | "vlan" | "dns" | "devices" | "modelVolume"
>;

/** An Ollama container. */
export interface Container extends ContainerSettings, Placement {
  readonly template: ContainerTemplate;
  readonly network: ContainerNetwork;
  /** The devices that the lab lists, without those of `gpu`. */
  readonly devices: readonly Device[];
  /** @default the models are on the root disk */
  readonly modelVolume?: NonNullable<DraftContainer["modelVolume"]> & { readonly datastore: string };
}

/** What the disks of a cluster's VMs are made from. */
export type DiskSource =
  | { readonly kind: "image"; readonly image: Download }
  /** An image that is on a datastore already, by its volume id. */
  | { readonly kind: "volume"; readonly volume: string }
  | { readonly kind: "template"; readonly vmId: number; readonly node?: string };

/** A graphics card of a node, as far as the lab describes it however it gets into a VM. */
interface AnyCard {
  /** The lab's name for the card, under its node's `gpus`. */
  readonly name: string;
  /** Whether the whole card is passed, or the one function of its path. */
  readonly allFunctions: boolean;
}

/** A card that gets into a VM by a PCI mapping that exists in Proxmox. */
export interface MappedCard extends AnyCard {
  readonly kind: "mapping";
  readonly mapping: string;
}

/** A card that gets into a VM by a PCI mapping that is made for it. Proxmox compares the mapping with the hardware. */
export interface MadeCard extends AnyCard {
  readonly kind: "made";
  readonly path: string;
  readonly id: string;
  readonly subsystemId: string;
  readonly iommuGroup: number;
}

/** A card that gets into a VM by its path, without a mapping: for root@pam with its password alone. */
export interface RawCard extends AnyCard, Partial<Pick<MadeCard, "id" | "subsystemId" | "iommuGroup">> {
  readonly kind: "raw";
  readonly path: string;
}

/** How a graphics card gets into a VM. */
export type Card = MappedCard | MadeCard | RawCard;

/** A VM of the cluster. */
export interface ClusterNode extends Omit<DraftNode, "node" | "disks" | "gpus">, Placement {
  /** Only workers have cards. */
  readonly cards: readonly Card[];
}

/** What a cluster takes over from its draft as it is. */
type ClusterSettings = Omit<DraftCluster, "nodes" | "pools" | "image" | "template" | "firstServer" | "bridge" | "vlan">;

/** How the VMs of a cluster are in their network. All have static addresses in `cidr`. */
export interface ClusterNetwork extends Pick<Section<"network">, "bridge" | "vlan" | "dns" | "searchDomain"> {
  readonly cidr: string;
  readonly gateway: string;
}

/** A K3s cluster. */
export interface Cluster extends ClusterSettings {
  readonly source: DiskSource;
  readonly network: ClusterNetwork;
  /** The first initializes the cluster. The others follow in the order of their keys. */
  readonly servers: readonly [ClusterNode, ...ClusterNode[]];
  /** In the order of their keys, the members of pools last. */
  readonly workers: readonly ClusterNode[];
}

/** A chart of the lab: its exact version, and where it comes from when the lab says so. */
export interface Chart {
  readonly version: string;
  /** @default the mirror of charts, or else the repository that publishes the chart */
  readonly source?: { readonly repository: string } | { readonly oci: string } | { readonly file: string };
}

/** A section with a chart in it, in the form in which the rules left it. */
type WithChart<T> = Omit<T, "chart"> & { readonly chart: Chart };

/** One Ollama on Kubernetes. */
export interface Release extends Omit<OllamaRelease, "storageClass"> {
  readonly storageClass: string;
  /** Image with Ollama's client, for Jobs: the release's own, or the one that its chart runs. */
  readonly clientImage: string;
}

/** Ollama on Kubernetes. */
export interface Ollama extends Omit<WithChart<Section<"ollama">>, "releases" | "release"> {
  readonly releases: Readonly<Record<string, Release>>;
}

type KubernetesConfig = LabConfig["kubernetes"];

/** The Kubernetes cluster, and what it gets. */
export interface Kubernetes extends Omit<KubernetesConfig, "kubeconfig" | "devicePlugin" | "nfs" | "certManager"> {
  /** Relative to the lab's folder. Two labs in one folder have two names, so neither reaches the other's cluster. */
  readonly kubeconfig: string;
  /** @default the cluster needs none, or has one */
  readonly devicePlugin?: WithChart<DevicePlugin>;
  readonly nfs?: WithChart<NonNullable<KubernetesConfig["nfs"]>>;
  readonly certManager?: WithChart<NonNullable<KubernetesConfig["certManager"]>>;
}

/** Models that a staging cluster puts on a share, for production to mount. */
export interface ModelStaging extends Omit<Section<"staging">, "kubeconfig" | "revision" | "image"> {
  /** The kubeconfig of the staging cluster, relative to the lab's folder. */
  readonly kubeconfig: string;
  /** Name of the release on the share. It follows from the models, the image and the revision. */
  readonly id: string;
  /** The release that production mounts: the pinned one, or the new one. */
  readonly mounted: string;
  /** A release that stays whatever its age. @default none */
  readonly pinned?: string;
  /** Every model of every Ollama release, each once, in order. */
  readonly models: readonly string[];
  /** Image of Ollama that pulls. */
  readonly image: string;
  /** The share. Without a server the nodes of both clusters have mounted the path. */
  readonly share: { readonly path: string; readonly server?: string };
}

/** Something that production of an air-gapped lab fetches. */
export interface Fetched extends Pick<Artifact, "kind" | "name" | "host"> {
  /** How it gets there: the mirror that it comes from, or `reachable`. */
  readonly way: string;
}

/** What every lab has. */
interface Common
  extends Pick<LabConfig, "name" | "sshPublicKeys" | "state" | "ownershipGuard" | "configure" | "mirrors" | "airGapped"> {
  /** The folder that relative paths in the lab are relative to. Absolute. */
  readonly directory: string;
  readonly kubernetes: Kubernetes;
  readonly ollama?: Ollama;
  /** Present in an air-gapped lab with an Ollama. */
  readonly modelStaging?: ModelStaging;
  /** What production fetches, each once; empty unless the lab is air-gapped. */
  readonly fetched: readonly Fetched[];
}

/** The connection to Proxmox. What stands below its nodes is with the guests that use it. */
export interface Proxmox extends Omit<Section<"proxmox">, "nodes"> {
  /** The nodes with their addresses, and the names of their graphics cards, used or not. A node of containers alone needs no address. */
  readonly nodes: Readonly<Record<string, { readonly address?: string; readonly gpus: readonly string[] }>>;
}

/** A lab with guests on Proxmox. */
export interface ProxmoxLab extends Common {
  readonly proxmox: Proxmox;
  readonly network: Section<"network">;
  readonly containers: Readonly<Record<string, Container>>;
  readonly cluster?: Cluster;
}

/** A lab on a Kubernetes cluster that is there already. */
export interface KubernetesLab extends Common {
  readonly proxmox?: undefined;
  readonly network?: undefined;
  readonly containers?: undefined;
  readonly cluster?: undefined;
}

/** A checked lab. Its types say what the rules proved; `prove` makes it. */
export type Lab = ProxmoxLab | KubernetesLab;

/** All VMs of a cluster: the servers, then the workers. */
export function nodesOf({ servers, workers }: Cluster): readonly ClusterNode[] {
  return [...servers, ...workers];
}

/** The name of the PCI mapping that a lab makes for a card of a node. */
export function mappingName(lab: string, node: string, card: string): string {
  return `${lab}-${node}-${card}`;
}

/** The host of a container's HTTPS door, with its port where that is not the usual one. `undefined` without a door. */
export function doorOf({ https, network: { address } }: Pick<Container, "https" | "network">): string | undefined {
  // The rule door-without-name refuses a door that has neither.
  const host = https?.host ?? (address.kind === "static" ? address.ip : undefined);
  if (!https || !host) return undefined;
  return https.port === HTTPS_PORT ? host : `${host}:${https.port}`;
}

/** The URL of the Ollama API in a container, through its HTTPS door where it has one. `undefined` where only its lease will tell. */
export function ollamaUrl(container: Pick<Container, "https" | "network">): string | undefined {
  const door = doorOf(container);
  if (door) return `https://${door}`;
  const { address } = container.network;
  return address.kind === "static" ? `http://${address.ip}:${OLLAMA_PORT}` : undefined;
}

/** Whether the lab has something for the stack `platform`. */
export function hasPlatform({ kubernetes }: Lab): boolean {
  return Boolean(kubernetes.devicePlugin || kubernetes.nfs || kubernetes.certManager);
}
