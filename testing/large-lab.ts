import type { LabInput } from "../lab/schema";
import { gpuLab, labWith } from "./lab";

/** A node's facts about a graphics card, so that a mapping can be made of it. */
const card = (iommuGroup: number) => ({ path: `0000:0${iommuGroup}:00`, id: "10de:2684", subsystemId: "1043:88e2", iommuGroup });

/**
 * A lab with 60 guests on five nodes, each node with a card that is taken and one that is free, and with seven releases, one guest of a name as long
 * as names can be.
 */
export const largeLab: LabInput = labWith(
  {
    network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
    proxmox: {
      nodes: Object.fromEntries(
        Array.from({ length: 5 }, (_, i) => [
          `pve${i + 1}`,
          { address: `192.0.2.${11 + i}`, gpus: { rtx: card(1), spare: card(2) } },
        ]),
      ),
    },
    defaults: { container: { node: "pve1", template: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst" } },
    containers: Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [
        `ollama-${i + 1}`,
        {
          vmId: 1001 + i,
          address: `192.0.2.${101 + i}`,
          node: `pve${(i % 5) + 1}`,
          ...(i === 0 && { name: `a-container-whose-name-is-as-long-as-dns-lets-a-label-be-${"x".repeat(6)}` }),
          ...(i % 7 === 0 && { models: ["mistral:7b", "nomic-embed-text", "llama3.2:1b", "qwen2.5:3b", "gemma3:4b"] }),
        },
      ]),
    ),
    cluster: {
      firstServer: "k3s-1",
      servers: { "k3s-2": { vmId: 302, address: "192.0.2.32" }, "k3s-3": { vmId: 303, address: "192.0.2.33", node: "pve2" } },
      workers: { "gpu-1": undefined },
      pools: {
        gpu: {
          count: 5,
          nodes: ["pve1", "pve2", "pve3", "pve4", "pve5"],
          firstVmId: 320,
          addresses: { from: "192.0.2.40", to: "192.0.2.49" },
          gpus: ["rtx"],
        },
        cpu: { count: 22, nodes: ["pve3", "pve4"], firstVmId: 340, addresses: { from: "192.0.2.50", to: "192.0.2.99" } },
      },
    },
    ollama: {
      releases: Object.fromEntries(
        Array.from({ length: 6 }, (_, i) => [
          `chat-${i + 1}`,
          {
            models: ["llama3.2:1b"],
            ...(i > 0 && { host: `chat-${i + 1}.${i === 1 ? `${"subdomain.".repeat(15)}` : ""}lab.example` }),
          },
        ]),
      ),
    },
  },
  gpuLab,
);
