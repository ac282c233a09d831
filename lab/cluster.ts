import { toAddress, toNumber } from "../grammar/address";
import type { Path } from "./problem";
import type { LabConfig } from "./schema";
import { sorted } from "./sorted";

type ClusterConfig = NonNullable<LabConfig["cluster"]>;
type Defaults = LabConfig["defaults"]["server"];
type Server = ClusterConfig["servers"][string];
type Worker = ClusterConfig["workers"][string];
type Pool = ClusterConfig["pools"][string];

/** What could be read of a VM of the cluster, with what it takes from the defaults filled in; a member of a pool looks like any other worker. */
export interface DraftNode extends Omit<Defaults, "node" | "k3sVersion"> {
  /** The lab's key, and for a member of a pool `<pool>-<number>`; names its resources in Terraform. */
  readonly key: string;
  readonly role: "server" | "worker";
  /** Absent only in a lab that has errors. */
  readonly node?: string;
  readonly vmId: number;
  readonly address: string;
  /** Host name, and name of the Kubernetes node. */
  readonly name: string;
  readonly gpus: readonly string[];
  readonly k3sVersion: string;
  /** The key that it had before, if another. */
  readonly formerKey?: string;
  /** Where the lab describes it. */
  readonly path: Path;
}

/** What could be read of a cluster. */
export interface DraftCluster extends Omit<ClusterConfig, "servers" | "workers" | "pools"> {
  /** The servers, the one that initializes the cluster first, and then the workers; each in the order of their keys. */
  readonly nodes: readonly DraftNode[];
  /** The pools as the lab has them, for what is to be said about them. */
  readonly pools: Readonly<Record<string, Pool>>;
}

/** What guests take from the lab around them. */
export interface Surroundings {
  readonly labName: string;
  /** The Proxmox node that guests run on who name none. */
  readonly onlyNode?: string;
}

interface Context extends Surroundings {
  readonly cluster: ClusterConfig;
  readonly defaults: LabConfig["defaults"];
}

/** What a node says itself, over the defaults of its role. */
function settle(own: Partial<Defaults>, defaults: Defaults): Omit<Defaults, "k3sVersion"> & { k3sVersion?: string } {
  const said = Object.fromEntries(Object.entries(own).filter(([key, value]) => value !== undefined && key in SETTINGS));
  return {
    ...defaults,
    ...said,
    tags: [...new Set([...defaults.tags, ...(own.tags ?? [])])],
    labels: { ...defaults.labels, ...own.labels },
    taints: [...new Set([...defaults.taints, ...(own.taints ?? [])])],
  };
}

/** The settings that nodes share with their role's defaults. */
const SETTINGS: Readonly<Record<keyof Defaults, true>> = {
  node: true,
  cores: true,
  memoryGiB: true,
  diskGiB: true,
  disks: true,
  startOnBoot: true,
  protect: true,
  tags: true,
  labels: true,
  taints: true,
  k3sVersion: true,
  adopt: true,
};

function machine(
  key: string,
  role: DraftNode["role"],
  own: Omit<Server | Worker, "formerKey"> & { gpus?: readonly string[]; formerKey?: string },
  path: Path,
  { cluster, defaults, labName, onlyNode }: Context,
): DraftNode {
  const settings = settle(own, role === "server" ? defaults.server : defaults.worker);
  return {
    ...settings,
    node: settings.node ?? onlyNode,
    k3sVersion: settings.k3sVersion ?? cluster.k3sVersion,
    key,
    role,
    vmId: own.vmId,
    address: own.address,
    name: own.name ?? `${labName}-${key}`,
    gpus: own.gpus ?? [],
    formerKey: own.formerKey,
    path,
  };
}

/** The members of a pool: what each is follows from its number alone, so they stay what they are when the count grows. */
function members(name: string, pool: Pool, context: Context): DraftNode[] {
  return Array.from({ length: pool.count }, (_, i) => {
    const own = {
      ...pool,
      vmId: pool.firstVmId + i,
      address: toAddress(toNumber(pool.addresses.from) + i),
      node: pool.nodes?.[i % pool.nodes.length],
    };
    return machine(`${name}-${i + 1}`, "worker", own, ["cluster", "pools", name], context);
  });
}

/** Fills in what the nodes of a cluster take from the defaults, and makes the members of its pools. */
export function resolveCluster(context: Context): DraftCluster {
  const { servers, workers, pools, ...rest } = context.cluster;
  const made = Object.entries(sorted(servers)).map(([key, server]) =>
    machine(key, "server", server, ["cluster", "servers", key], context),
  );
  const first = made.filter(({ key }) => key === rest.firstServer);
  const others = made.filter(({ key }) => key !== rest.firstServer);
  return {
    ...rest,
    pools,
    nodes: [
      ...first,
      ...others,
      ...Object.entries(sorted(workers)).map(([key, worker]) =>
        machine(key, "worker", worker, ["cluster", "workers", key], context),
      ),
      ...Object.entries(sorted(pools)).flatMap(([name, pool]) => members(name, pool, context)),
    ],
  };
}

/** The servers of a cluster; the first initializes it. */
export function serversOf({ nodes }: DraftCluster): DraftNode[] {
  return nodes.filter(({ role }) => role === "server");
}

/** The workers of a cluster, members of pools included. */
export function workersOf({ nodes }: DraftCluster): DraftNode[] {
  return nodes.filter(({ role }) => role === "worker");
}
