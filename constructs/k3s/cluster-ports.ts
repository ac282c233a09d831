import type { OpenPort } from "../proxmox/guest-firewall";
import { ping } from "../proxmox/ping";
import { API_PORT } from "./paths";
import type { ClusterMember } from "./token-strategy";

/** A TCP port that clients of a cluster use, on every node. */
export interface ClientPort {
  /** What listens there. It becomes the comment of the firewall's rules. */
  readonly service: string;
  /** A port, such as `80`, or a range in Proxmox's form, such as `8000:8010`. */
  readonly port: string;
}

/** A port that the nodes of a cluster open to each other. */
export interface PeerPort {
  /** What listens there. It becomes the comment of the firewall's rules. */
  readonly service: string;
  /** The protocol. */
  readonly protocol: "tcp" | "udp";
  /** A port, such as `9100`, or a range in Proxmox's form, such as `8000:8010`. */
  readonly port: string;
}

/** The networks that may reach a cluster. */
export interface ClusterAccess {
  /** Networks that may ping every node, reach its SSH, and the Kubernetes API on the servers, such as `192.0.2.0/24`. */
  readonly management: readonly string[];
  /** Networks that may reach `ports`. @default none */
  readonly clients?: readonly string[];
  /** The ports of clients. @default HTTP on 80 and HTTPS on 443, where K3s' Traefik listens */
  readonly ports?: readonly ClientPort[];
  /** What the nodes open to each other besides what K3s itself needs. @default nothing */
  readonly betweenNodes?: readonly PeerPort[];
}

const TRAEFIK_PORTS: readonly ClientPort[] = [
  { service: "HTTP", port: "80" },
  { service: "HTTPS", port: "443" },
];

/** What K3s' nodes need of each other with the network plugin that it brings (docs.k3s.io, Requirements, Inbound Rules). */
const KUBELET_PORT = "10250";
const FLANNEL_VXLAN_PORT = "8472";
const ETCD_PORTS = "2379:2380";

/** What is open on one node of a cluster. `peers`: the other nodes. `virtualIp`: whether servers may pass an address to each other by VRRP. */
export function portsOf(
  node: ClusterMember,
  peers: readonly ClusterMember[],
  access: ClusterAccess,
  virtualIp: boolean,
): OpenPort[] {
  const { management, clients = [], ports = TRAEFIK_PORTS, betweenNodes = [] } = access;
  const addresses = (members: readonly ClusterMember[]) => members.map(({ address }) => `${address}/32`);
  const tcp = (service: string, port: string, sources: readonly string[]): OpenPort => ({
    service,
    protocol: "tcp",
    port,
    sources,
  });
  const nodes = addresses(peers);
  const servers = addresses(peers.filter(({ role }) => role === "server"));
  const isServer = node.role === "server";
  return [
    tcp("kubelet", KUBELET_PORT, nodes),
    { service: "flannel", protocol: "udp", port: FLANNEL_VXLAN_PORT, sources: nodes },
    ...betweenNodes.map((open) => ({ ...open, sources: nodes })),
    ...(isServer ? [tcp("etcd", ETCD_PORTS, servers), tcp("Kubernetes API", String(API_PORT), [...nodes, ...management])] : []),
    ...(isServer && virtualIp ? [{ service: "virtual IP", protocol: "vrrp", sources: servers } as const] : []),
    tcp("SSH", "22", management),
    ping(management),
    ...ports.map(({ service, port }) => tcp(service, port, clients)),
  ];
}
