// What `diff` says of an edit, against what the real provider plans for it.
import { type Change, compare } from "../../changes/compare";
import { type Output, stackOutput } from "../../changes/output";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { synthesized } from "../../stacks/synthesize";
import { type Changes, clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { planned, refusal, running, withRig } from "./rig";

const outputOf = (lab: LabInput): Output =>
  Object.fromEntries(
    Object.entries(synthesized(checkLab(lab, "/lab").lab, "/lab/cdktf.out")).map(([id, json]) => [id, stackOutput(json)]),
  );

/** What Terraform plans for what `diff` says. A guest that restarts is updated. */
const PLANNED: Readonly<Record<Change["action"], string | undefined>> = {
  destroyed: "delete",
  replaced: "replace",
  refused: undefined,
  left: undefined,
  restarted: "update",
  created: "create",
  changed: "update",
  kept: undefined,
};

/** The guests of a plan, or of what `diff` says. */
const guests = (changes: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(changes).filter(([address]) => /^proxmox_virtual_environment_(container|vm)\./.test(address)),
  );

const said = (changes: readonly Change[]) =>
  guests(Object.fromEntries(changes.flatMap(({ address, action }) => (PLANNED[action] ? [[address, PLANNED[action]]] : []))));

const container = (changes: Changes) => labWith({ containers: { "ollama-1": changes } }, running);
const cluster = (changes: Changes) => labWith({ cluster: changes }, clusterLab);

describeWithProviders("diff and the plan agree", () => {
  const world = withRig({ storages: ["fast:lvmthin:images,rootdir"] });

  test.each<[string, "containers" | "cluster", LabInput, LabInput]>([
    ["a bridge", "containers", running, container({ bridge: "vmbr1" })],
    ["memory, cores and tags", "containers", running, container({ memoryGiB: 24, cores: 12, tags: ["chat"] })],
    ["a larger disk", "containers", running, container({ diskGiB: 80 })],
    ["another VMID", "containers", running, container({ vmId: 209 })],
    ["a container less", "containers", running, labWith({ containers: { "ollama-2": undefined } }, running)],
    [
      "a container more",
      "containers",
      running,
      labWith({ containers: { "ollama-3": { vmId: 203, address: "192.0.2.23" } } }, running),
    ],
    [
      "another template",
      "containers",
      running,
      labWith({ defaults: { container: { template: "local:vztmpl/other.tar.zst" } } }, running),
    ],
    [
      "a key with its former one",
      "containers",
      running,
      labWith(
        {
          containers: {
            "ollama-2": undefined,
            chat: { vmId: 202, address: "192.0.2.22", name: "test-ollama-2", formerKey: "ollama-2" },
          },
        },
        running,
      ),
    ],
    ["a VM without its card", "cluster", clusterLab, cluster({ workers: { "gpu-1": { gpus: [] } } })],
    ["an image in place of a template", "cluster", clusterLab, cluster({ image: undefined, template: { vmId: 9000 } })],
    ["another K3s", "cluster", clusterLab, cluster({ k3sVersion: "v1.36.4+k3s1" })],
    [
      "a VM on another bridge with more memory",
      "cluster",
      clusterLab,
      cluster({ bridge: "vmbr1", workers: { "gpu-1": { memoryGiB: 64 } } }),
    ],
  ])("about %s", async (_, id, before, after) => {
    const stack = await world.rig.deployed(before, id);
    world.rig.edit(stack.workspace, after);
    const changes = compare(outputOf(before), outputOf(after)).filter((change) => change.stack === id);
    expect(said(changes)).toEqual(guests(await planned(stack)));
  });

  test.each<[string, "containers" | "cluster", LabInput, LabInput]>([
    ["a volume", "containers", running, container({ modelVolume: { sizeGiB: 100 } })],
    ["another node", "containers", running, container({ node: "pve2" })],
    [
      "a key without its former one",
      "containers",
      running,
      labWith({ containers: { "ollama-2": undefined, chat: { vmId: 202, address: "192.0.2.22" } } }, running),
    ],
    ["another address of a VM", "cluster", clusterLab, cluster({ workers: { "gpu-1": { address: "192.0.2.49" } } })],
  ])("that the plan stops because of %s", async (_, id, before, after) => {
    const stack = await world.rig.deployed(before, id);
    world.rig.edit(stack.workspace, after);
    const refused = compare(outputOf(before), outputOf(after)).filter(({ action }) => action === "refused");
    expect([refused.length > 0, (await refusal(stack)).length > 0]).toEqual([true, true]);
  });
});
