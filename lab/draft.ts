import { archiveSha256 } from "../catalog/ollama";
import { toAddress, toNumber } from "../grammar/address";
import { type DraftCluster, resolveCluster, type Surroundings } from "./cluster";
import type { Path } from "./problem";
import type { LabConfig } from "./schema";
import { sorted } from "./sorted";

type ContainerInput = NonNullable<LabConfig["containers"]>[string];
type ContainerPool = NonNullable<LabConfig["containerPools"]>[string];
type ContainerDefaults = LabConfig["defaults"]["container"];
/** A container's own fields, then those it shares with the defaults, which are all there after resolving. */
type Inherited = "cores" | "memoryGiB" | "swapMiB" | "diskGiB" | "features" | "startOnBoot" | "protect" | "tags" | "template";

/** What could be read of a container, with what it takes from `defaults.container` filled in. */
export type DraftContainer = Omit<ContainerInput, Inherited | "name" | "ollama"> &
  Required<Pick<ContainerDefaults, Inherited>> & {
    /** Host name in Proxmox. */
    readonly name: string;
    readonly ollama: ContainerDefaults["ollama"];
    /** Where the lab describes it. */
    readonly path: Path;
  };

/**
 * What could be read of a lab: the sections without a schema error, defaults filled in, and maps sorted by their keys, so that the order in the
 * file changes nothing. Rules read this. What they prove about it, the types of `Lab` say.
 */
export interface DraftLab extends Partial<Omit<LabConfig, "defaults" | "containers" | "cluster">> {
  readonly cluster?: DraftCluster;
  /** By their keys, the members of pools with the others. */
  readonly containers?: Readonly<Record<string, DraftContainer>>;
  /** The folder that relative paths in the lab are relative to. Absolute. */
  readonly directory: string;
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, value: (key: string, item: T) => U): Record<string, U> {
  return sorted(Object.fromEntries(Object.entries(map).map(([key, item]) => [key, value(key, item)])));
}

/** What was set, over what was not: `undefined` does not override. */
function defined<T extends object>(value: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, item]) => item !== undefined)) as Partial<T>;
}

/** The Ollama of a container. The published archive of a known version gets its checksum; another URL may serve another file. */
function software(own: ContainerInput["ollama"], defaults: ContainerDefaults["ollama"]): ContainerDefaults["ollama"] {
  const merged = { ...defaults, ...defined(own), environment: { ...defaults.environment, ...own?.environment } };
  // A checksum in the defaults is that of the defaults' version.
  const inherited = own?.version === undefined || own.version === defaults.version ? merged.sha256 : own.sha256;
  return { ...merged, sha256: inherited ?? (merged.url === undefined ? archiveSha256(merged.version) : undefined) };
}

function container(
  key: string,
  own: ContainerInput,
  defaults: ContainerDefaults,
  { labName, onlyNode }: Surroundings,
  path: Path,
): DraftContainer {
  return {
    path,
    ...defaults,
    ...(defined(own) as ContainerInput),
    node: own.node ?? defaults.node ?? onlyNode,
    name: own.name ?? `${labName}-${key}`,
    tags: [...new Set([...defaults.tags, ...(own.tags ?? [])])],
    ollama: software(own.ollama, defaults.ollama),
  };
}

/** The node that guests run on who name none: the only one. Of several none is chosen, because guests would move when one is added. */
function onlyNodeOf(proxmox: Partial<LabConfig>["proxmox"]): string | undefined {
  const names = Object.keys(proxmox?.nodes ?? {});
  return names.length === 1 ? names[0] : undefined;
}

/** The key of a member of a pool. Members count from 1. */
export function memberKey(pool: string, number: number): string {
  return `${pool}-${number}`;
}

/** The members of a pool: what each is follows from its number alone, so they stay what they are when the count grows. */
function members(
  name: string,
  pool: ContainerPool,
  defaults: ContainerDefaults,
  surroundings: Surroundings,
): [string, DraftContainer][] {
  const { count, nodes, firstVmId, addresses, ...own } = pool;
  const first = toNumber(addresses.from);
  return Array.from({ length: count }, (_, i) => {
    const key = memberKey(name, i + 1);
    const member = { ...own, vmId: firstVmId + i, address: toAddress(first + i), node: nodes?.[i % nodes.length] };
    return [key, container(key, member, defaults, surroundings, ["containerPools", name])];
  });
}

/** The containers and the members of the pools. A container keeps its key from a member: the rule duplicate-key reports both. */
function everyContainer(
  { containers, containerPools, defaults }: Partial<LabConfig>,
  surroundings: Surroundings,
): Record<string, DraftContainer> | undefined {
  if (!defaults || (!containers && !containerPools)) return undefined;
  const made = [
    ...Object.entries(containerPools ?? {}).flatMap(([name, pool]) => members(name, pool, defaults.container, surroundings)),
    ...Object.entries(containers ?? {}).map(
      ([key, own]) => [key, container(key, own, defaults.container, surroundings, ["containers", key])] as const,
    ),
  ];
  return sorted(Object.fromEntries(made));
}

/** Fills in what one section takes from another. Works on the sections that could be read. */
export function resolve(config: Partial<LabConfig>, directory: string): DraftLab {
  const { defaults, containers, cluster, ollama, proxmox, ...rest } = config;
  const surroundings: Surroundings = { labName: config.name ?? "lab", onlyNode: onlyNodeOf(proxmox) };
  const all = everyContainer(config, surroundings);
  return {
    ...rest,
    directory,
    ...(proxmox && {
      proxmox: { ...proxmox, nodes: mapValues(proxmox.nodes, (_, node) => ({ ...node, gpus: sorted(node.gpus) })) },
    }),
    ...(all && { containers: all }),
    ...(ollama && { ollama: { ...ollama, releases: sorted(ollama.releases) } }),
    ...(cluster && defaults && { cluster: resolveCluster({ cluster, defaults, ...surroundings }) }),
  };
}
