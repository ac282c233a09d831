// What edits of the lab, and changes by hand in Proxmox, do to guests, with the real provider: none is made anew, none is stopped unasked.
// The tables of docs/ come from lab/edit-costs.ts; the last two parts prove each row that is about guests.
import type { EditEffect } from "../../lab/edit-costs";
import type { LabInput } from "../../lab/schema";
import { CLUSTER_ROWS, CONTAINER_ROWS, type Row, SOFTWARE_ROWS, VM_ROWS } from "../../testing/edit-proofs";
import { type Changes, clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";
import { planned, refusal, running, withRig } from "./rig";

const CONTAINER = "proxmox_virtual_environment_container";
const VM = "proxmox_virtual_environment_vm";

describeWithProviders("a container", () => {
  const world = withRig({ storages: ["fast:lvmthin:images,rootdir"] });
  const root = labWith({ proxmox: { auth: "rootPassword" } }, running);
  const edit = (stack: StackRun, changes: Changes, lab = running) =>
    world.rig.edit(stack.workspace, labWith({ containers: { "ollama-1": changes } }, lab));
  const byHand = (path: string, params: Record<string, string>) =>
    world.rig.proxmox.byHand("PUT", `/nodes/pve1/lxc/201/${path}`, params);

  test("with a volume that somebody added in Proxmox plans nothing", async () => {
    const stack = await world.rig.deployed(running, "containers");
    await byHand("config", { mp0: "local-lvm:5,mp=/data" });
    expect(await planned(stack)).toEqual({});
  });

  test("whose volume grew in Proxmox plans nothing", async () => {
    const stack = await world.rig.deployed(
      labWith({ containers: { "ollama-1": { modelVolume: { sizeGiB: 10 } } } }, running),
      "containers",
    );
    await byHand("resize", { disk: "mp0", size: "20G" });
    expect(await planned(stack)).toEqual({});
  });

  test("that is to have a volume stops the plan with the command that adds it, and plans nothing once it was run", async () => {
    const stack = await world.rig.deployed(running, "containers");
    edit(stack, { modelVolume: { sizeGiB: 100 } });
    expect(await refusal(stack)).toContain("pct set 201 --mp0 local-lvm:100,mp=/var/lib/ollama/models,backup=0");
    await byHand("config", { mp0: "local-lvm:100,mp=/var/lib/ollama/models,backup=0" });
    expect(await planned(stack)).toEqual({});
    edit(stack, { modelVolume: { sizeGiB: 200 } });
    expect(await refusal(stack)).toContain("pct resize 201 mp0 200G");
  });

  test("that is to have its disk elsewhere stops the plan with the command that moves it", async () => {
    const stack = await world.rig.deployed(running, "containers");
    edit(stack, { disks: "fast" });
    expect(await refusal(stack)).toContain("pct move-volume 201 rootfs fast --delete 1");
  });

  test("whose disk grew in Proxmox, or is smaller in the lab, is neither made anew nor stopped, and deploys when the lab follows", async () => {
    const stack = await world.rig.deployed(running, "containers");
    await byHand("resize", { disk: "rootfs", size: "60G" });
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
    expect(await refusal(stack, "apply")).toContain("new disk size (50G) has to be greater than the current disk (60G)");
    expect((await world.rig.proxmox.guest(201)).running).toBe(true);
    edit(stack, { diskGiB: 60 });
    expect(await planned(stack)).toEqual({});
  });

  test("that gives a device back stops the plan with the command that takes it away, and plans nothing once it was run", async () => {
    const stack = await world.rig.deployed(
      labWith({ containers: { "ollama-1": { devices: ["/dev/dri/renderD128", "/dev/dri/card0"] } } }, root),
      "containers",
    );
    expect(await planned(stack)).toEqual({});
    edit(stack, { devices: ["/dev/dri/renderD128"] }, root);
    expect(await refusal(stack)).toContain("Run on pve1, as root: pct set 201 --delete dev1 && pct reboot 201");
    await byHand("config", { delete: "dev1" });
    expect(await planned(stack)).toEqual({});
    edit(stack, {}, root);
    expect(await refusal(stack)).toContain("pct set 201 --delete dev0 && pct reboot 201");
    await byHand("config", { delete: "dev0" });
    await stack.terraform("state", "rm", `${CONTAINER}.ollama-1`);
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });

  test("that gets a device stops the plan with the command that adds it, and plans nothing once it was run", async () => {
    const stack = await world.rig.deployed(root, "containers");
    edit(stack, { devices: ["/dev/dri/renderD128"] }, root);
    expect(await refusal(stack)).toContain("pct set 201 --dev0 /dev/dri/renderD128,gid=44,mode=0660 && pct reboot 201");
    await byHand("config", { dev0: "/dev/dri/renderD128,gid=44,mode=0660" });
    expect(await planned(stack)).toEqual({});
  });

  test.each<[string, Changes]>([
    ["more cores", { cores: 12 }],
    ["a larger disk", { diskGiB: 80 }],
    ["more memory", { memoryGiB: 24 }],
    ["another tag", { tags: ["chat"] }],
    ["a description", { description: "Chat" }],
    ["a VLAN", { vlan: 20 }],
    ["another bridge", { bridge: "vmbr1" }],
    ["another address", { address: "192.0.2.99" }],
    ["protection", { protect: true }],
  ])("takes %s in place, and then plans nothing", async (_, changes) => {
    const stack = await world.rig.deployed(running, "containers");
    edit(stack, changes);
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });
});

describeWithProviders("a VM", () => {
  const world = withRig({ storages: ["fast:lvmthin:images,rootdir"] });
  const edit = (stack: StackRun, changes: Changes) => world.rig.edit(stack.workspace, labWith(changes, clusterLab));
  const cluster = (stack: StackRun, changes: Changes) => edit(stack, { cluster: changes });
  const byHand = (path: string, params: Record<string, string>) =>
    world.rig.proxmox.byHand("PUT", `/nodes/pve1/qemu/${path}`, params);
  const ofVms = (changes: Record<string, string>) =>
    Object.fromEntries(Object.entries(changes).filter(([address]) => address.startsWith(VM)));
  const template: Changes = { image: undefined, template: { vmId: 9000 } };

  test("made from an image plans nothing when the lab names a template, nor on the way back", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    cluster(stack, template);
    expect(ofVms(await planned(stack))).toEqual({});
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    cluster(stack, {});
    expect(ofVms(await planned(stack))).toEqual({});
  });

  test("cloned from a template plans nothing when the lab names an image, nor on the way back", async () => {
    const stack = await world.rig.deployed(labWith({ cluster: template }, clusterLab), "cluster");
    cluster(stack, {});
    expect(ofVms(await planned(stack))).toEqual({});
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    cluster(stack, template);
    expect(ofVms(await planned(stack))).toEqual({});
  });

  test("with a volume that somebody added in Proxmox plans nothing", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    await byHand("301/config", { scsi1: "local-lvm:5" });
    expect(await planned(stack)).toEqual({});
  });

  test("whose disk grew in Proxmox, or is smaller in the lab, is neither made anew nor stopped, and deploys when the lab follows", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    await byHand("301/resize", { disk: "scsi0", size: "60G" });
    expect(await planned(stack)).toEqual({ [`${VM}.k3s-1`]: "update" });
    expect(await refusal(stack, "apply")).toContain("Cannot shrink");
    expect((await world.rig.proxmox.guest(301)).running).toBe(true);
    cluster(stack, { servers: { "k3s-1": { diskGiB: 60 } } });
    expect(await planned(stack)).toEqual({});
  });

  test("whose datastore becomes another is moved in place, its EFI disk stays, and nothing is planned after that", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    cluster(stack, { servers: { "k3s-1": { disks: "fast" } } });
    expect(ofVms(await planned(stack))).toEqual({ [`${VM}.k3s-1`]: "update" });
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    expect((await world.rig.proxmox.guest(301)).running).toBe(true);
  });

  test("gives its card back before the card's mapping is deleted", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    cluster(stack, { workers: { "gpu-1": { gpus: [] } } });
    const before = world.rig.proxmox.requests().length;
    await stack.deploy();
    const since = world.rig.proxmox.requests().slice(before);
    const released = since.findIndex(({ params }) => String(params["delete"] ?? "").includes("hostpci0"));
    const deleted = since.findIndex(({ method, path }) => method === "DELETE" && path.startsWith("/cluster/mapping/pci/"));
    expect([released >= 0, released < deleted]).toEqual([true, true]);
    expect(await planned(stack)).toEqual({});
  });

  test("whose card is renamed in the lab gets the new mapping, and is not made anew", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    const card = { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 };
    edit(stack, {
      proxmox: { nodes: { pve1: { gpus: { rtx: undefined, card } } } },
      cluster: { workers: { "gpu-1": { gpus: ["card"] } } },
    });
    expect(ofVms(await planned(stack))).toEqual({ [`${VM}.gpu-1`]: "update" });
    const run = await stack.apply();
    expect(run.succeeded || describeRun(run)).toBe(true);
    expect(await planned(stack)).toEqual({});
  });
});

type World = ReturnType<typeof withRig>;

/** A lab with the edit that a row is about. */
interface Edited {
  readonly before: LabInput;
  readonly after: LabInput;
}

/** What an edit does to guests. An edit that is carried out leaves nothing to plan. */
async function effectOn(world: World, stackName: "containers" | "cluster", { before, after }: Edited): Promise<EditEffect> {
  const stack = await world.rig.deployed(before, stackName);
  world.rig.edit(stack.workspace, after);
  const plan = await stack.plan();
  if (!plan.succeeded) return "stops the plan";
  const guests = Object.entries(plan.changes).filter(([address]) =>
    [CONTAINER, VM].some((type) => address.startsWith(`${type}.`)),
  );
  const does = (action: Action) => guests.some(([, one]) => one === action);
  if (does("replace")) return "replaces";
  const asked = world.rig.proxmox.requests().length;
  const applied = await stack.apply();
  if (!applied.succeeded) return "fails in the apply";
  expect(await planned(stack)).toEqual({});
  const stops = world.rig.proxmox
    .requests()
    .slice(asked)
    .filter(({ method, path }) => method === "POST" && /\/status\/(reboot|shutdown|stop)$/.test(path));
  // A guest that goes is stopped as well.
  if (does("delete")) return "removes";
  if (stops.length > 0) return "restarts";
  if (does("update")) return "in place";
  if (does("create")) return "adds";
  if (stackName === "containers" && Object.keys(plan.changes).some((address) => address.includes("firewall_rules")))
    return "in place";
  return plan.outputs["inventory"] === "update" ? "by Ansible" : "nothing";
}

/** Each proof of each row of a table. `own` puts changes of a guest into the lab; `undefined` takes it out. */
function proveRows(
  world: World,
  rows: readonly Row[],
  stack: "containers" | "cluster",
  usual: LabInput,
  own: (changes: Changes | undefined) => Changes,
): void {
  test.each([...rows])("$row: $edit → $effect", async ({ proof, effect }) => {
    const ofGuest = "own" in proof;
    const before = labWith(ofGuest ? own(proof.before ?? {}) : (proof.before ?? {}), usual);
    const after = labWith(ofGuest ? own(proof.own) : proof.lab, before);
    expect(await effectOn(world, stack, { before, after })).toBe(effect);
  });
}

describeWithProviders("a card that is attached by its PCI path, without a mapping", () => {
  const world = withRig();
  const raw = labWith({ proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true } } } } } }, clusterLab);

  test("is deployed as root, plans nothing then, and leaves its VM by an edit that restarts it and makes nothing anew", async () => {
    const stack = await world.rig.deployed(raw, "cluster");
    const { config } = await world.rig.proxmox.guest(311);
    expect(config["hostpci0"]).toMatch(/^host=0000:01:00,/);
    expect(await planned(stack)).toEqual({});
    world.rig.edit(stack.workspace, labWith({ cluster: { workers: { "gpu-1": { gpus: [] } } } }, raw));
    expect((await planned(stack))[`${VM}.gpu-1`]).toBe("update");
    await stack.destroy();
    expect((await world.rig.proxmox.state()).guests).not.toHaveProperty("311");
  });
});

describeWithProviders("each row of the tables of containers", () => {
  const world = withRig({ storages: ["fast:lvmthin:images,rootdir"] });
  const usual = labWith({ proxmox: { auth: "rootPassword" } }, running);
  proveRows(world, [...CONTAINER_ROWS, ...SOFTWARE_ROWS], "containers", usual, (changes) => ({
    containers: { "ollama-1": changes },
  }));
});

describeWithProviders("each row of the tables of VMs", () => {
  const world = withRig({ storages: ["fast:lvmthin:images,rootdir"] });
  proveRows(world, [...VM_ROWS, ...CLUSTER_ROWS], "cluster", clusterLab, (changes) => ({
    cluster: { workers: { "gpu-1": changes } },
  }));
});
