// A GPU worker, with its card mapped, and the server that it joins.
import { App, TerraformStack } from "cdktf";
import { K3sCluster } from "ollama-lab/k3s";
import { Connection, PciMapping } from "ollama-lab/proxmox";

const app = new App();
const stack = new TerraformStack(app, "gpu-worker");
const ssh = { username: "terraform", nodes: { pve1: "192.0.2.11" } };
new Connection(stack, "proxmox", { endpoint: "https://pve1.lab.example:8006/", ssh });
const card = { node: "pve1", path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 };
const rtx = new PciMapping(stack, "rtx", { resourceName: "rtx", name: "rtx", ...card });
new K3sCluster(stack, "k3s", {
  release: { version: "v1.36.3+k3s1" },
  source: { cloneOf: 9000 },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
  access: { management: ["192.0.2.10/32"], clients: ["192.0.2.0/24"] },
  sshPublicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example"],
  servers: [{ resourceName: "k3s-1", node: "pve1", vmId: 301, address: "192.0.2.31" }],
  workers: [
    {
      resourceName: "gpu-1",
      node: "pve1",
      vmId: 311,
      address: "192.0.2.41",
      devices: [{ mapping: "rtx" }],
      dependsOn: [rtx.resource],
    },
  ],
});
app.synth();
