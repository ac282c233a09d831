import { App, LocalBackend, TerraformOutput, TerraformStack } from "cdktf";
import { K3sCluster } from "../constructs/k3s/k3s-cluster";
import { OllamaContainer } from "../constructs/ollama/ollama-container";
import { Connection } from "../constructs/proxmox/connection";
import { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import type { LabInput } from "../lab/schema";
import { buildLab } from "../stacks";

const OPERATOR = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example";

/** A lab in TypeScript: the same words as in lab.yaml, checked by the same rules, with loops where YAML has none. */
export const lab: LabInput = {
  name: "typed",
  proxmox: {
    endpoint: "https://pve1.lab.example:8006/",
    nodes: { pve1: { address: "192.0.2.11" } },
  },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1", clients: ["192.0.2.0/24"], management: ["192.0.2.10/32"] },
  sshPublicKeys: [OPERATOR],
  defaults: { container: { node: "pve1" } },
  containers: Object.fromEntries(
    ["mistral:7b", "nomic-embed-text"].map((model, i) => [
      `ollama-${i + 1}`,
      { vmId: 201 + i, address: `192.0.2.${21 + i}`, models: [model] },
    ]),
  ),
};

/** Single constructs in a stack of one's own, without a lab: values are still checked, what must fit together is the writer's. */
export class OneContainer extends TerraformStack {
  constructor(app: App, id: string) {
    super(app, id);
    new LocalBackend(this, { path: `../../../state/${id}.tfstate` });
    new Connection(this, "proxmox", { endpoint: "https://pve1.lab.example:8006/" });
    const ollama = new OllamaContainer(this, "ollama", {
      resourceName: "ollama",
      node: "pve1",
      vmId: 210,
      name: "ollama",
      tags: ["ollama"],
      template: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst",
      cores: 8,
      memoryGiB: 16,
      disks: "local-lvm",
      diskGiB: 50,
      network: { bridge: "vmbr0", address: "192.0.2.30/24", gateway: "192.0.2.1" },
      sshPublicKeys: [OPERATOR],
      guard: new OwnershipGuard(this, "guard"),
      clients: ["192.0.2.0/24"],
      management: ["192.0.2.10/32"],
    });
    // The way out: whatever a construct has no word for, its resource has.
    ollama.container.resource.putStartup({ order: 10 });
    new TerraformOutput(this, "address", { value: ollama.container.address });
  }
}

/** A cluster without a lab: one server, and a GPU worker with a card whose mapping exists. */
export class OneCluster extends TerraformStack {
  constructor(app: App, id: string) {
    super(app, id);
    new LocalBackend(this, { path: `../../../state/${id}.tfstate` });
    const ssh = { username: "terraform", nodes: { pve1: "192.0.2.11" } };
    new Connection(this, "proxmox", { endpoint: "https://pve1.lab.example:8006/", ssh });
    const cluster = new K3sCluster(this, "k3s-cluster", {
      release: { version: "v1.36.3+k3s1" },
      source: { cloneOf: 9000 },
      network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
      access: { management: ["192.0.2.10/32"], clients: ["192.0.2.0/24"] },
      sshPublicKeys: [OPERATOR],
      servers: [{ resourceName: "k3s-1", node: "pve1", vmId: 301, address: "192.0.2.31" }],
      workers: [{ resourceName: "gpu-1", node: "pve1", vmId: 311, address: "192.0.2.41", devices: [{ mapping: "rtx" }] }],
    });
    new TerraformOutput(this, "server_url", { value: cluster.url });
  }
}

if (require.main === module) {
  const app = new App({ stackTraces: false });
  buildLab(app, lab);
  new OneContainer(app, "one-container");
  new OneCluster(app, "one-cluster");
  app.synth();
}
