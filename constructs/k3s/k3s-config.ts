import { stringify } from "yaml";
import { ON_NODE } from "./paths";

/** What every node of a cluster is told. */
export interface NodeConfig {
  /** Name of the Kubernetes node. */
  readonly name: string;
  /** IPv4 address, without a prefix. */
  readonly address: string;
  /** Labels that the node joins with. */
  readonly labels: Readonly<Record<string, string>>;
  /** Taints that the node joins with, as `key=value:Effect`. */
  readonly taints: readonly string[];
}

/** What a server is told. */
export interface ServerConfig extends NodeConfig {
  /** Where the cluster's data is: `alone` in SQLite, `first` in an etcd that others join, or in the etcd of the server at a URL. */
  readonly membership:
    | "alone"
    | "first"
    | {
        /** URL of the server. */
        readonly join: string;
      };
  /** Names and addresses that the certificate of the API has, besides the node's own. */
  readonly tlsSan: readonly string[];
  /** Packaged components to leave out. */
  readonly disable: readonly string[];
}

/** What a worker is told. */
export interface AgentConfig extends NodeConfig {
  /** URL of a server, or of a load balancer before the servers. */
  readonly server: string;
}

function nodeConfig({ name, address, labels, taints }: NodeConfig): Record<string, unknown> {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    "node-name": name,
    "node-ip": address,
    "token-file": ON_NODE.token,
    // Both count only when the node joins.
    ...(pairs.length > 0 && { "node-label": pairs.sort() }),
    ...(taints.length > 0 && { "node-taint": [...taints].sort() }),
  };
}

/** /etc/rancher/k3s/config.yaml of a server. */
export function serverConfig(props: ServerConfig): string {
  const { membership, tlsSan, disable } = props;
  return stringify({
    ...nodeConfig(props),
    // On every server: without it agents would join with the servers' token.
    "agent-token-file": ON_NODE.agentToken,
    ...(membership === "first" && { "cluster-init": true }),
    ...(typeof membership === "object" && { server: membership.join }),
    "tls-san": [...new Set(tlsSan)],
    "secrets-encryption": true,
    "write-kubeconfig-mode": "0600",
    ...(disable.length > 0 && { disable: [...disable].sort() }),
  });
}

/** /etc/rancher/k3s/config.yaml of an agent. */
export function agentConfig(props: AgentConfig): string {
  return stringify({ ...nodeConfig(props), server: props.server });
}

/** The env file of the bootstrap scripts: lines `KEY='value'`, quoted so that a shell reads each value back as it is. */
export function environmentFile(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}='${String(value).replaceAll("'", "'\\''")}'\n`)
    .join("");
}
