import type { ITerraformDependable } from "cdktf";
import type { K3S_COMPONENTS } from "../../catalog/k3s";
import { checkAddress, checkCidr, contains, parseCidr } from "../../grammar/address";
import { checkDomainName } from "../../grammar/domain-name";
import type { Check } from "../../grammar/fault";
import { checkNodeLabel, checkNodeTaint } from "../../grammar/kubernetes-node";
import { checkWhole, WAIT_MINUTES_BOUNDS } from "../../grammar/size";
import { checkNvidiaBranch } from "../../grammar/version";
import { type PropCheck, prop, required } from "../props-error";
import type { GuestNetwork } from "../proxmox/guest";
import type { OwnershipGuard } from "../proxmox/ownership-guard";
import type { DiskSource, PassedDevice } from "../proxmox/virtual-machine";
import type { ClusterAccess } from "./cluster-ports";
import type { K3sRelease } from "./k3s-release";
import type { TokenStrategy } from "./token-strategy";

/** The packaged components of K3s that a server can leave out. */
export type K3sComponent = (typeof K3S_COMPONENTS)[number];

/** One server of a cluster: a VM. */
export interface K3sServerProps {
  /**
   * Name of the server's resources in Terraform: lower-case letters, digits and hyphens. Changing it replaces the VM, unless the state is
   * moved with it.
   */
  readonly resourceName: string;
  /** The Proxmox node. Changing it migrates the VM. */
  readonly node: string;
  /** VMID, from 100, unique in the Proxmox cluster. Changing it replaces the VM. */
  readonly vmId: number;
  /** Static IPv4 address without a prefix, in the cluster's network. It counts when the VM is made; a later change stops the plan. */
  readonly address: string;
  /** Host name, and name of the Kubernetes node. @default `resourceName` */
  readonly name?: string;
  /** Notes shown in Proxmox. @default none */
  readonly description?: string;
  /** CPU cores. Changing it restarts the VM. @default 2; a worker has 8 */
  readonly cores?: number;
  /** Memory in GiB, all of it reserved. Changing it restarts the VM. @default 4; a worker has 32 */
  readonly memoryGiB?: number;
  /** Size of the disk in GiB. It can grow; a smaller one passes the plan and fails in the apply. @default 40; a worker has 100 */
  readonly diskGiB?: number;
  /** Datastore of the disk. @default that of the cluster */
  readonly disks?: string;
  /** Datastore of the snippets. @default that of the cluster */
  readonly files?: string;
  /** Whether every Proxmox node sees `files` as one datastore. @default that of the cluster */
  readonly filesShared?: boolean;
  /** Where the disk comes from. Later changes are ignored. @default that of the cluster */
  readonly source?: DiskSource;
  /** Start with the Proxmox node. @default true */
  readonly startOnBoot?: boolean;
  /** Refuse to destroy it: Proxmox's protection, and Terraform's prevent_destroy. @default false */
  readonly protect?: boolean;
  /** Take over the VM that has this VMID: the mark that a refused plan prints, or `unmarked`. @default a VMID that is in use stops the plan */
  readonly adopt?: string;
  /** The name of its resources in Terraform until now: they are moved in the state, and not made anew. @default it had no other */
  readonly formerName?: string;
  /** Proxmox tags, besides those of the cluster. @default none */
  readonly tags?: readonly string[];
  /** Labels of the Kubernetes node. They count when it joins. @default none; a worker with devices has those of GPU nodes */
  readonly labels?: Readonly<Record<string, string>>;
  /** Taints of the Kubernetes node, as `key=value:Effect`. They count when it joins. @default none; see `gpuTaint` */
  readonly taints?: readonly string[];
  /** What is installed, where it differs from the cluster's. It counts when the node is made. @default that of the cluster */
  readonly release?: K3sRelease;
  /** What must be there before the VM. @default nothing */
  readonly dependsOn?: readonly ITerraformDependable[];
}

/** One worker of a cluster: a VM, with or without graphics cards. */
export interface K3sWorkerProps extends K3sServerProps {
  /** NVIDIA cards that are passed to it, at most 16. With one, the worker installs the driver and is a GPU node. @default none */
  readonly devices?: readonly PassedDevice[];
}

/** The network of a cluster's nodes. */
export interface ClusterNetwork extends Omit<GuestNetwork, "address" | "gateway" | "bridge"> {
  /** Bridge on the Proxmox nodes. @default vmbr0 */
  readonly bridge?: string;
  /** The network that the nodes are in, such as `192.0.2.0/24`. */
  readonly cidr: string;
  /** Default gateway, in `cidr`: K3s does not start without a default route. */
  readonly gateway: string;
}

/** What makes a cluster. One cluster for a stack. */
export interface K3sClusterProps {
  /** What is installed. It counts when a node is made: docs/upgrades.md has the steps for a running cluster. */
  readonly release: K3sRelease;
  /** 1, 3 or 5 servers. The first founds the cluster; each of the others joins the one before it. Nothing replaces a server but you. */
  readonly servers: readonly [K3sServerProps, ...K3sServerProps[]];
  /** The workers. They join at the registration address, or at the first server. @default none */
  readonly workers?: readonly K3sWorkerProps[];
  /** The network of the nodes. */
  readonly network: ClusterNetwork;
  /** Who may reach what. */
  readonly access: ClusterAccess;
  /** How the nodes get their join tokens. @default handedOverTokens: neither the state nor a snippet has them */
  readonly tokens?: TokenStrategy;
  /** Address or name of a load balancer or virtual IP before the servers, for workers and clients. @default the first server's address */
  readonly registrationAddress?: string;
  /** Packaged components to leave out. All servers must agree, so a change needs a change on each by hand. @default none */
  readonly disable?: readonly K3sComponent[];
  /** Where the disks come from. Later changes are ignored. */
  readonly source: DiskSource;
  /** Datastore of the disks. Changing it moves the disks. @default local-lvm */
  readonly disks?: string;
  /** Datastore of the snippets. It must list the content type `snippets`. @default local */
  readonly files?: string;
  /** Whether every Proxmox node sees `files` as one datastore. @default false */
  readonly filesShared?: boolean;
  /** User on the VMs that the keys log in as, with sudo. It counts when a node is made. @default ubuntu */
  readonly user?: string;
  /** One line of a .pub file each. They count when a node is made. */
  readonly sshPublicKeys: readonly string[];
  /** Proxmox tags of every VM, besides `k3s`, its role, and `gpu` for GPU workers. @default none */
  readonly tags?: readonly string[];
  /** URL of a mirror of Ubuntu's archive. @default the archive itself */
  readonly aptMirror?: string;
  /** Content of K3s' registries.yaml. @default images come from their own registries */
  readonly registries?: string;
  /** Branch of the NVIDIA driver on GPU workers, such as `580`, or `distribution`. @default 580 */
  readonly nvidiaDriver?: string;
  /** Taint GPU workers with nvidia.com/gpu=present:NoSchedule, so that only GPU pods run there. @default true */
  readonly gpuTaint?: boolean;
  /** An existing Proxmox pool that the VMs become members of. @default none */
  readonly pool?: string;
  /** Refuses to take over VMs that are not this stack's. @default the VMIDs are not checked against Proxmox */
  readonly guard?: OwnershipGuard;
  /** End the apply when every node is ready, and write the kubeconfig. Both go by SSH from the machine that runs Terraform. @default true */
  readonly wait?: boolean;
  /** How many minutes the wait may take, and the hand-over of tokens. A GPU worker builds its driver. 1 to 240. @default 60 */
  readonly waitMinutes?: number;
  /**
   * File that the wait writes the kubeconfig to, relative to the stack's folder: the default of the variable `kubeconfig`.
   * @default ../../../kubeconfig, beside `cdktf.out`
   */
  readonly kubeconfig?: string;
  /** Replace a worker when what it was made with changes. Servers are never replaced. @default false */
  readonly replaceWorkers?: boolean;
}

/** How many servers a cluster can have: etcd needs a majority, and each write waits for one. */
const SERVER_COUNTS: readonly number[] = [1, 3, 5];

/** What must be one node's alone. */
const UNIQUE = ["resourceName", "vmId", "address", "name"] as const;

/** The checks of a cluster's props. What one node alone can check, `K3sNode` and its VM check. */
export function clusterChecks(props: K3sClusterProps): PropCheck[] {
  const { servers, workers = [], network, registrationAddress } = props;
  const nodes = [...servers, ...workers];
  const named = nodes.map((node) => ({ ...node, name: node.name ?? node.resourceName }));
  const addresses = nodes.map(({ address }) => address);
  const inNetwork: Check<string> = (address) =>
    checkCidr(network.cidr) || checkAddress(address) || contains(parseCidr(network.cidr), address)
      ? undefined
      : {
          code: "address-outside-network",
          message: `${address} is outside the cluster's network ${network.cidr}`,
          remedy: "Choose an address inside it.",
        };
  return [
    required("servers", SERVER_COUNTS.includes(servers.length), {
      code: "server-count",
      message: `there are ${servers.length} servers, but etcd needs a majority of an odd number`,
      remedy: "Have 1, 3 or 5.",
    }),
    ...UNIQUE.flatMap((key) => duplicates(named.map((node) => node[key])).map((value) => claimedTwice(key, value))),
    prop("network.cidr", network.cidr, checkCidr),
    prop("network.gateway", network.gateway, inNetwork),
    ...addresses.flatMap((address) => [prop("address", address, checkAddress), prop("address", address, inNetwork)]),
    ...nodes.flatMap(({ labels = {}, taints = [] }) => [
      ...Object.entries(labels).map(([key, value]) => prop("labels", `${key}=${value}`, checkNodeLabel)),
      ...taints.map((taint) => prop("taints", taint, checkNodeTaint)),
    ]),
    prop("registrationAddress", registrationAddress, (host) => checkAddress(host) && checkDomainName(host)),
    required("registrationAddress", registrationAddress === undefined || !addresses.includes(registrationAddress), {
      code: "registration-is-node",
      message: `the registration address ${registrationAddress} is that of one node, so it fails with that node`,
      remedy: "Give the address of a load balancer or a virtual IP, or leave it out.",
    }),
    required("sshPublicKeys", props.sshPublicKeys.length > 0, {
      code: "no-ssh-key",
      message: "there is no SSH key, but the VMs let nobody in without one",
      remedy: "Give at least one.",
    }),
    prop("nvidiaDriver", props.nvidiaDriver, checkNvidiaBranch),
    prop("waitMinutes", props.waitMinutes, checkWhole(WAIT_MINUTES_BOUNDS)),
    required("access.management", props.access.management.length > 0 || props.wait === false, {
      code: "wait-without-management",
      message: "the apply waits for the nodes by SSH, but the firewall would let nobody reach SSH",
      remedy: "List the network of the machine that runs Terraform, or set wait: false.",
    }),
  ];
}

function duplicates<T>(values: readonly T[]): T[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))];
}

function claimedTwice(key: string, value: string | number): PropCheck {
  return required(key, false, {
    code: `duplicate-${key}`,
    message: `two nodes have the ${key} ${value}`,
    remedy: "Give each a value of its own.",
  });
}
