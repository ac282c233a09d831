// An Ollama container on Proxmox.
import { App, TerraformStack } from "cdktf";
import { OllamaContainer } from "ollama-lab/ollama";
import { Connection } from "ollama-lab/proxmox";

const app = new App();
const stack = new TerraformStack(app, "container");
new Connection(stack, "proxmox", { endpoint: "https://pve1.lab.example:8006/" });
new OllamaContainer(stack, "ollama", {
  resourceName: "ollama",
  node: "pve1",
  vmId: 201,
  network: { address: "192.0.2.21/24", gateway: "192.0.2.1" },
  clients: ["192.0.2.0/24"],
});
app.synth();
