// The rights that `ollama-lab rights` prints are enough: a token that has exactly those applies the lab, plans nothing after it, moves a
// VM, and destroys all of it again, with the real provider.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { grantCommands, type Release, rightsOf } from "../../doctor";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { clusterLab, labWith } from "../../testing/lab";
import { granted } from "../../testing/proxmox/granted";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { output } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { StackRun } from "../../testing/terraform/stack-run";
import { planned, refusal, running, shippedLab, withRig } from "./rig";

/** What examples/high-availability.yaml runs on. */
const THREE_NODES = { nodes: ["pve1", "pve2", "pve3"], storages: ["local-zfs:zfspool:images,rootdir"] };

/** What the printed commands grant, as the simulation takes it. */
function grantedTo(lab: LabInput, release: Release) {
  return granted(grantCommands(rightsOf(checkLab(lab, "/lab").lab, release)));
}

const pool = "lab";
const containers = labWith(
  { proxmox: { auth: "apiToken" }, containers: { "ollama-1": { pool, modelVolume: { sizeGiB: 100 } } } },
  labWith({ defaults: { container: { features: undefined } } }, shippedLab("examples/lxc.yaml")),
);
const twoNodes = { proxmox: { nodes: { pve2: { address: "192.0.2.12" } } } };
const cloned = labWith(twoNodes, shippedLab("examples/gpu-cluster.yaml"));
const fromImage = labWith({ ...twoNodes, cluster: { pool, workers: { "gpu-1": { gpus: [] } } } }, clusterLab);

describeWithProviders("exactly the printed rights are enough", () => {
  const home = shippedLab("examples/default.yaml");
  const sealed = shippedLab("examples/air-gapped.yaml");
  const available = labWith({ defaults: { server: { protect: false } } }, shippedLab("examples/high-availability.yaml"));
  const clonedInPool = labWith({ cluster: { pool, workers: { "gpu-1": { gpus: [] }, "gpu-2": { gpus: [] } } } }, cloned);
  const labs = [
    ["the containers of default.yaml", home, "containers"],
    ["the cluster of default.yaml", labWith(twoNodes, home), "cluster"],
    ["the cluster of air-gapped.yaml", labWith(twoNodes, sealed), "cluster"],
    ["the cluster of high-availability.yaml", available, "cluster"],
    ["a cluster from a template, in a pool, and a move", clonedInPool, "cluster"],
    ["two containers from a downloaded template, in a pool", containers, "containers"],
    ["two containers on a VLAN", labWith({ network: { vlan: 20 } }, running), "containers"],
    ["the GPU cluster that is cloned from a template, and a move", cloned, "cluster"],
    ["a cluster from a cloud image, in a pool, and a move", fromImage, "cluster"],
  ] as const;
  const versions = { 8: "8.4.14", 9: "9.1.4" } as const;
  const runs = labs.flatMap(([what, lab, name]) => ([9, 8] as const).map((release) => [what, release, lab, name] as const));

  describe.each(runs)("%s on Proxmox VE %i", (_, release, lab, name) => {
    const moved = labWith({ cluster: { servers: { "k3s-1": { node: "pve2" } } } }, lab);
    const world = withRig({
      ...grantedTo(name === "cluster" ? moved : lab, release),
      ...THREE_NODES,
      version: versions[release],
    });
    const refused = () => world.rig.proxmox.requests().filter(({ status }) => status === 403);
    const succeeds = async (stack: StackRun) => {
      const run = await stack.apply();
      expect(run.succeeded || describeRun(run)).toBe(true);
      expect(await planned(stack)).toEqual({});
    };

    test("applies, plans nothing, destroys, and nothing is refused", async () => {
      await world.rig.proxmox.byHand("POST", "/pools", { poolid: pool });
      await world.rig.proxmox.plugIn(lab);
      const stack = (await world.rig.open(lab)).stack(name);
      await succeeds(stack);
      if (name === "cluster") {
        world.rig.edit(stack.workspace, moved);
        await succeeds(stack);
        expect((await world.rig.proxmox.guest(301)).node).toBe("pve2");
      }
      const destroy = await stack.destroy();
      expect(destroy.succeeded || describeRun(destroy)).toBe(true);
      expect(refused()).toEqual([]);
    });
  });
});

describeWithProviders("with one privilege less", () => {
  const { acl = [] } = grantedTo(running, 9);
  const world = withRig({ acl: acl.map((entry) => entry.replace("VM.Config.Network,", "")) });

  test("the apply is refused, with the privilege that is missing", async () => {
    const stack = (await world.rig.open(running)).stack("containers");
    expect(await refusal(stack, "apply")).toContain("VM.Config.Network");
  });
});

/** A stack as it is synthesized. */
interface FormerStack {
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
  readonly [part: string]: unknown;
}

describeWithProviders("a guest whose membership in its pool was a resource of its own", () => {
  const world = withRig();
  const members = async () => (await world.rig.proxmox.byHand("GET", `/pools/${pool}`)) as { members: { vmid: number }[] };

  test("is not replaced and stays in its pool, also when it leaves or changes the pool in the lab", async () => {
    const { rig } = world;
    await rig.proxmox.byHand("POST", "/pools", { poolid: pool });
    const lab = labWith({ containers: { "ollama-1": { pool } } }, running);
    const text = readFileSync(join(output(rig.here(lab)), "stacks/containers/cdk.tf.json"), "utf8");
    const { resource, removed: _, ...rest } = JSON.parse(text) as FormerStack;
    delete resource["proxmox_virtual_environment_container"]?.["ollama-1"]?.["pool_id"];
    resource["proxmox_pool_membership"] = {
      "ollama-1": { pool_id: pool, vm_id: "${proxmox_virtual_environment_container.ollama-1.vm_id}" },
    };
    const workspace = await rig.openOutput({ containers: { ...rest, resource } });
    const stack = workspace.stack("containers");
    await stack.deploy();
    rig.edit(workspace, lab);
    expect(await planned(stack)).toEqual({ "proxmox_pool_membership.ollama-1": "remove" });
    await stack.deploy();
    expect((await members()).members.map(({ vmid }) => vmid)).toEqual([201]);
    for (const other of ["another", undefined]) {
      rig.edit(workspace, labWith({ containers: { "ollama-1": { pool: other } } }, running));
      expect(await planned(stack)).toEqual({});
    }
  });
});
