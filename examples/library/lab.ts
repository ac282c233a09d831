// A whole lab: the words of lab.yaml, checked by the same rules.
import { App } from "cdktf";
import { buildLab } from "ollama-lab";

const app = new App({ stackTraces: false });
buildLab(app, {
  name: "typed",
  proxmox: { endpoint: "https://pve1.lab.example:8006/", nodes: { pve1: { address: "192.0.2.11" } } },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1", clients: ["192.0.2.0/24"], management: ["192.0.2.10/32"] },
  sshPublicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example"],
  containers: { "ollama-1": { node: "pve1", vmId: 201, address: "192.0.2.21", models: ["mistral:7b"] } },
});
app.synth();
