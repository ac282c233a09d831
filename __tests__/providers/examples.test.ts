// Every lab that the project ships, with the real provider: its Proxmox stacks are applied, planned again, and destroyed.
import { describeWithProviders } from "../../testing/proxmox/providers";
import { describeRun } from "../../testing/terraform/process";
import { LAB_FILES } from "../terraform/example-labs";
import { shippedLab, withRig } from "./rig";

const PROXMOX_STACKS = ["containers", "cluster"];
const labs = LAB_FILES.filter((file) => shippedLab(file).proxmox);

describeWithProviders("the real provider", () => {
  const world = withRig({ nodes: ["pve1", "pve2", "pve3"], storages: ["local-zfs:zfspool:images,rootdir"] });

  test.each(labs)("applies %s, plans nothing after it, and destroys all of it", async (file) => {
    await world.rig.proxmox.plugIn(shippedLab(file));
    const workspace = await world.rig.open(shippedLab(file));
    const stacks = workspace.stackNames.filter((name) => PROXMOX_STACKS.includes(name)).map((name) => workspace.stack(name));
    const before = Object.keys((await world.rig.proxmox.state()).guests);
    for (const stack of stacks) {
      await stack.deploy();
      const again = await stack.plan();
      expect([stack.name, again.succeeded ? again.changes : describeRun(again)]).toEqual([stack.name, {}]);
      expect([stack.name, again.outputs]).toEqual([stack.name, {}]);
    }
    for (const stack of stacks.reverse()) {
      // A protected server is refused until it gives up its protection; that is a test of its own.
      if (file === "examples/high-availability.yaml") continue;
      const destroy = await stack.destroy();
      expect([stack.name, destroy.succeeded || describeRun(destroy)]).toEqual([stack.name, true]);
    }
    const after = Object.keys((await world.rig.proxmox.state()).guests);
    if (file !== "examples/high-availability.yaml") expect(after).toEqual(before);
    expect(world.rig.proxmox.requests().filter(({ status }) => status === 501)).toEqual([]);
  });
});
