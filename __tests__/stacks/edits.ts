// Edits of labs that run. Tests here say what they change in the output, and those of __tests__/terraform what Terraform plans for that.
import type { LabInput } from "../../lab/schema";
import { type Changes, clusterLab, labWith, sshKey } from "../../testing/lab";

export type Edit = readonly [edit: string, changes: Changes];

/** What Ansible delivers to a container, and Terraform's resources do not hold. @param container its key */
export const deliveredTo = (container: string): readonly Edit[] => [
  ["an added SSH key", { sshPublicKeys: [sshKey(1), sshKey(2)] }],
  ["an added model", { containers: { [container]: { models: ["mistral:7b"] } } }],
  ["another version of Ollama", { defaults: { container: { ollama: { version: "0.33.0", sha256: "b".repeat(64) } } } }],
];

const card = (path: string, iommuGroup: number) => ({ path, id: "10de:2684", subsystemId: "1043:88e2", iommuGroup });

/** A second Proxmox node, and a card that no VM has on each. */
export const SPARE: Changes = {
  proxmox: {
    nodes: {
      pve1: { gpus: { spare: card("0000:41:00", 27) } },
      pve2: { address: "192.0.2.12", gpus: { rtx: card("0000:01:00", 14) } },
    },
  },
};

/** A server, a worker with a card and one without. */
export const RUNNING_CLUSTER: LabInput = labWith(
  { ...SPARE, cluster: { workers: { a: { vmId: 321, address: "192.0.2.51" } } } },
  clusterLab,
);
/** Its VMs. */
export const EVERYONE: readonly string[] = ["k3s-1", "gpu-1", "a"];

/** Edits of that cluster that change how VMs are set up at their first start, and whose. */
export const BOOTSTRAP_EDITS: readonly [...Edit, concerned: readonly string[]][] = [
  ["an added SSH key", { sshPublicKeys: [sshKey(1), sshKey(2)] }, EVERYONE],
  ["another branch of the driver", { cluster: { nvidiaDriver: "575" } }, ["gpu-1"]],
  ["a registration address", { cluster: { registrationAddress: "192.0.2.30" } }, EVERYONE],
  ["another K3s", { cluster: { k3sVersion: "v1.36.4+k3s1" } }, EVERYONE],
  ["another label of a worker", { cluster: { workers: { a: { labels: { disk: "nvme" } } } } }, ["a"]],
];
