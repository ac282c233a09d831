import { join } from "node:path";
import { K3S_API_PORT } from "../../catalog/k3s";

/** Where this project keeps the scripts of K3s nodes and of the operator's side. */
export const K3S_TEMPLATES = join(__dirname, "../../templates/k3s");

/** Where the files of a node lie. The folder of the scripts is chosen here; the others are the bootstrap scripts' own defaults. */
export const ON_NODE = {
  scripts: "/usr/local/lib/k3s-bootstrap",
  units: "/etc/systemd/system",
  environment: "/etc/k3s-bootstrap/bootstrap.env",
  config: "/etc/rancher/k3s/config.yaml",
  registries: "/etc/rancher/k3s/registries.yaml",
  token: "/etc/rancher/k3s/token",
  agentToken: "/etc/rancher/k3s/agent-token",
} as const;

/** Port of the Kubernetes API on the servers. */
export const API_PORT = K3S_API_PORT;
