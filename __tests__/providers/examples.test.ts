// Every lab that the project ships, with the real provider: its Proxmox stacks are applied, planned again, and destroyed.
import type { LabInput } from "../../lab/schema";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { describeRun } from "../../testing/terraform/process";
import { LAB_FILES } from "../examples/example-labs";
import { shippedLab, withRig } from "./rig";

const PROXMOX_STACKS = ["containers", "cluster"];
const labs = LAB_FILES.filter((file) => shippedLab(file).proxmox);

/** The lab with every `protect` taken back, as the refusal of a destroy asks for; undefined where the lab protects nothing. */
function withoutProtection(lab: LabInput): LabInput | undefined {
  const text = JSON.stringify(lab);
  const unprotected = text.replaceAll('"protect":true', '"protect":false');
  return unprotected === text ? undefined : (JSON.parse(unprotected) as LabInput);
}

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
    const unprotected = withoutProtection(shippedLab(file));
    if (unprotected) world.rig.edit(workspace, unprotected);
    for (const stack of stacks.reverse()) {
      if (unprotected) await stack.deploy();
      const destroy = await stack.destroy();
      expect([stack.name, destroy.succeeded || describeRun(destroy)]).toEqual([stack.name, true]);
    }
    expect(Object.keys((await world.rig.proxmox.state()).guests)).toEqual(before);
    expect(world.rig.proxmox.requests().filter(({ status }) => status === 501)).toEqual([]);
  });
});
