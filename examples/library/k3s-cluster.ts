// A K3s cluster that survives the loss of a server.
import { App, TerraformStack } from "cdktf";
import { handedOverTokens, K3sCluster } from "ollama-lab/k3s";
import { Connection } from "ollama-lab/proxmox";

const app = new App();
const stack = new TerraformStack(app, "cluster");
const ssh = { username: "terraform", nodes: { pve1: "192.0.2.11", pve2: "192.0.2.12", pve3: "192.0.2.13" } };
new Connection(stack, "proxmox", { endpoint: "https://pve1.lab.example:8006/", ssh });
const server = (number: 1 | 2 | 3) =>
  ({ resourceName: `k3s-${number}`, node: `pve${number}`, vmId: 300 + number, address: `192.0.2.3${number}` }) as const;
new K3sCluster(stack, "k3s", {
  release: { version: "v1.36.3+k3s1" },
  source: { cloneOf: 9000, node: "pve1" },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
  access: { management: ["192.0.2.10/32"], clients: ["192.0.2.0/24"] },
  sshPublicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example"],
  tokens: handedOverTokens,
  servers: [server(1), server(2), server(3)],
});
app.synth();
