// The tables of what an edit costs, in docs/, against what `diff` says of the same edits. `npm run test:terraform` asks Terraform.
import { type Change, compare } from "../../changes/compare";
import type { EditEffect } from "../../lab/edit-costs";
import type { LabInput } from "../../lab/schema";
import {
  AIR_GAP_ROWS,
  CLUSTER_ROWS,
  CONTAINER_ROWS,
  KUBERNETES_ROWS,
  type Row,
  SOFTWARE_ROWS,
  VM_ROWS,
} from "../../testing/edit-proofs";
import { airGappedLab, type Changes, clusterLab, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { outputOf } from "../../testing/lab-output";

/** The lab before the edit of a row, and after it. `own`: puts one thing of the usual lab in the place of what it is. */
function labs({ proof }: Row, usual: LabInput, own: (changes: Changes | undefined) => Changes): [LabInput, LabInput] {
  if ("own" in proof) {
    const before = labWith(own(proof.before ?? {}), usual);
    return [before, labWith(own(proof.own), before)];
  }
  const before = labWith(proof.between ?? {}, labWith(proof.before ?? {}, usual));
  return [before, labWith(proof.lab, before)];
}

const INVENTORY = "output.inventory";
/** What serves guests: files and mappings for new ones, and the rules of all, which change with the number of a cluster's nodes. */
const HELPER =
  /^(proxmox_download_file|proxmox_virtual_environment_(file|firewall_rules)|proxmox_hardware_mapping_pci|null_resource)\./;

/** The effects as `diff` tells them, the worst first. It knows neither pods nor what the API refuses: a release that is updated is changed. */
const ORDER: readonly [effect: EditEffect, action: Change["action"]][] = [
  ["replaces", "replaced"],
  ["restarts", "restarted"],
  ["in place", "changed"],
  ["adds", "created"],
  ["removes", "destroyed"],
];

/** What `diff` says in the words of the tables. */
function said(changes: readonly Change[], ofCluster: boolean): EditEffect {
  if (changes.some(({ action }) => action === "refused")) return "stops the plan";
  const own = changes.filter(({ address }) => address !== INVENTORY && !(ofCluster && HELPER.test(address)));
  const counting = own.filter(({ address }) => !address.startsWith("proxmox_download_file."));
  const [effect] = ORDER.find(([, action]) => counting.some((change) => change.action === action)) ?? [];
  return effect ?? (changes.length > own.length && !ofCluster ? "by Ansible" : "nothing");
}

/** What `diff` may call an effect that it does not tell from another. */
const ALSO: Readonly<Partial<Record<EditEffect, readonly EditEffect[]>>> = {
  "fails in the apply": ["stops the plan"],
};
const ALSO_ON_KUBERNETES: typeof ALSO = {
  restarts: ["in place"],
  // Only the cluster knows that the claim is there still.
  "fails in the apply": ["in place"],
};

/** @param stack the one that shows what an edit does */
function agrees(
  title: string,
  stack: string,
  rows: readonly Row[],
  usual: LabInput,
  own: (changes: Changes | undefined) => Changes,
): void {
  const also = stack === "ollama" ? ALSO_ON_KUBERNETES : ALSO;
  describe(title, () => {
    test.each([...rows])("$row: $edit → $effect", (row) => {
      const [before, after] = labs(row, usual, own);
      const shows = ("lab" in row.proof && row.proof.stack) || stack;
      const changes = compare(outputOf(before), outputOf(after)).filter((change) => change.stack === shows);
      expect([row.effect, ...(also[row.effect] ?? [])]).toContain(said(changes, stack === "cluster"));
    });
  });
}

const containers = labWith({
  proxmox: { auth: "rootPassword", nodes: { pve2: { address: "192.0.2.12" } } },
  containers: { "ollama-2": { vmId: 202, address: "192.0.2.22" } },
});
const container = (changes: Changes | undefined) => ({ containers: { "ollama-1": changes } });
agrees("a container", "containers", CONTAINER_ROWS, containers, container);
agrees("the software in containers", "containers", SOFTWARE_ROWS, containers, container);

const vms = labWith({ cluster: { workers: { spare: { vmId: 312, address: "192.0.2.42" } } } }, clusterLab);
const worker = (changes: Changes | undefined) => ({ cluster: { workers: { "gpu-1": changes } } });
agrees("a VM", "cluster", VM_ROWS, vms, worker);
agrees("a cluster of VMs", "cluster", CLUSTER_ROWS, vms, worker);

const releases = labWith(
  {
    kubernetes: { ...gpuLab.kubernetes, devicePlugin: {} },
    ollama: { releases: { ollama: { host: "ollama.lab.example" }, chat: { models: ["llama3.2:1b"] } } },
  },
  ollamaLab,
);
agrees("the Kubernetes side", "ollama", KUBERNETES_ROWS, releases, (changes) => ({ ollama: { releases: { chat: changes } } }));
agrees("an air-gapped lab", "ollama", AIR_GAP_ROWS, airGappedLab, () => ({}));
