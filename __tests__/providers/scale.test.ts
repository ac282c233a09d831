// How often a plan asks Proxmox: what a lab of many guests costs (docs/scale.md).
import type { LabInput } from "../../lab/schema";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { planned, running, withRig } from "./rig";

/** A pool of so many containers, and nothing else. */
function farm(count: number): LabInput {
  const { containers: _, ...lab } = running;
  return {
    ...lab,
    containerPools: {
      farm: { count, nodes: ["pve1"], firstVmId: 500, addresses: { from: "192.0.2.100", to: "192.0.2.199" } },
    },
  };
}

describeWithProviders("what a plan asks of Proxmox", () => {
  const world = withRig({ nodes: ["pve1", "pve2"] });

  /** The requests of a first plan, and of a plan after the deploy. */
  async function requestsFor(count: number): Promise<{ first: string[]; again: string[] }> {
    await world.rig.proxmox.reset();
    const asked = () => world.rig.proxmox.requests().map(({ method, path }) => `${method} ${path}`);
    const stack = (await world.rig.open(farm(count))).stack("containers");
    const before = asked().length;
    await stack.plan();
    const first = asked().slice(before);
    await stack.deploy();
    const deployed = asked().length;
    expect(await planned(stack)).toEqual({});
    return { first, again: asked().slice(deployed) };
  }

  test("the first plan asks the same, however many guests there shall be", async () => {
    const [few, many] = [await requestsFor(2), await requestsFor(6)];
    expect(many.first.length).toBe(few.first.length);
  });

  test("a later plan reads each container by seven requests, two of which are for its two rules", async () => {
    const [few, many] = [await requestsFor(2), await requestsFor(6)];
    const of500 = many.again.filter((request) => request.includes("/500/")).map((request) => request.split("/500/")[1]);
    expect(of500.sort()).toEqual([
      "config",
      "firewall/options",
      "firewall/rules",
      "firewall/rules/0",
      "firewall/rules/1",
      "interfaces",
      "status/current",
    ]);
    expect((many.again.length - few.again.length) / 4).toBe(7);
  });
});
