import type { OpenPort } from "../proxmox/guest-firewall";
import { API_PORT } from "./paths";
import type { ClusterMember } from "./token-strategy";

/** A TCP port that clients of a cluster use, on every node. */
export interface ClientPort {
  /** What listens there. It becomes the comment of the firewall's rules. */
  readonly service: string;
  /** A port, such as `80`, or a range in Proxmox's form, such as `8000:8010`. */
  readonly port: string;
}

/** The networks that may reach a cluster. */
export interface ClusterAccess {
  /** Networks that may reach SSH on every node and the Kubernetes API on the servers, such as `192.0.2.0/24`. */
  readonly management: readonly string[];
  /** Networks that may reach `ports`. @default none */
  readonly clients?: readonly string[];
  /** The ports of clients. @default HTTP on 80 and HTTPS on 443, where K3s' Traefik listens */
  readonly ports?: readonly ClientPort[];
}

const TRAEFIK_PORTS: readonly ClientPort[] = [
  { service: "HTTP", port: "80" },
  { service: "HTTPS", port: "443" },
];

/** What is open on one node of a cluster. `peers`: the other nodes. */
export function portsOf(node: ClusterMember, peers: readonly ClusterMember[], access: ClusterAccess): OpenPort[] {
  const { management, clients = [], ports = TRAEFIK_PORTS } = access;
  const tcp = (service: string, port: string, sources: readonly string[]): OpenPort => ({
    service,
    protocol: "tcp",
    port,
    sources,
  });
  return [
    { service: "nodes of the cluster", sources: peers.map(({ address }) => `${address}/32`) },
    tcp("SSH", "22", management),
    ...(node.role === "server" ? [tcp("Kubernetes API", String(API_PORT), management)] : []),
    ...ports.map(({ service, port }) => tcp(service, port, clients)),
  ];
}
