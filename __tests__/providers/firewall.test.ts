// Firewalls fail closed, and heal: what happens to a guest's firewall when a request fails, or somebody changes it, with the real provider.
import { type Changes, clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { describeRun } from "../../testing/terraform/process";
import type { StackRun } from "../../testing/terraform/stack-run";
import { planned, refusal, running, withRig } from "./rig";

const OPTIONS = "proxmox_virtual_environment_firewall_options";
const RULES = "proxmox_virtual_environment_firewall_rules";
const CONTAINER = "proxmox_virtual_environment_container";

describeWithProviders("the firewall of a container", () => {
  const world = withRig();
  /** Different sources for SSH and for the API, so that there are two rules. */
  const lab = labWith({ network: { management: ["192.0.2.0/26"] } }, running);
  const open = async (changes: Changes = {}) => (await world.rig.open(labWith(changes, lab))).stack("containers");
  const firewall = async (vmId = 201) => (await world.rig.proxmox.guest(vmId)).firewall;
  const isShut = async (vmId = 201) => {
    const { options } = await firewall(vmId);
    return options["enable"] === 1 && options["policy_in"] === "DROP";
  };
  const deployed = async () => {
    const stack = await open();
    await stack.deploy();
    return stack;
  };
  const heals = async (stack: StackRun) => {
    const run = await stack.apply();
    expect(run.succeeded || describeRun(run)).toBe(true);
    expect(await planned(stack)).toEqual({});
    expect((await firewall()).rules).toHaveLength(3);
    expect(await isShut()).toBe(true);
  };

  test("a rule request that fails leaves the container shut, and the next deploy completes the half-made rules", async () => {
    const stack = await open();
    await world.rig.proxmox.failRequests("POST /nodes/pve1/lxc/201/firewall/rules=500:1:got timeout");
    expect(await refusal(stack, "apply")).toContain(`${RULES}.ollama-1`);
    expect(await isShut()).toBe(true);
    expect((await firewall()).rules.length).toBeLessThan(3);
    await heals(stack);
  });

  test("an options request that fails names the container that stands open, opens no rule in it, and the next deploy shuts it", async () => {
    const stack = await open();
    await world.rig.proxmox.failRequests("PUT /nodes/pve1/lxc/201/firewall/options=500:*:got timeout");
    expect(await refusal(stack, "apply")).toContain(`${OPTIONS}.ollama-1`);
    expect((await firewall()).rules).toEqual([]);
    await world.rig.proxmox.clearFaults();
    await heals(stack);
  });

  test("a container that was deleted in Proxmox is made again with its firewall on", async () => {
    const stack = await deployed();
    await world.rig.proxmox.byHand("POST", "/nodes/pve1/lxc/201/status/stop");
    await world.rig.proxmox.byHand("DELETE", "/nodes/pve1/lxc/201");
    await heals(stack);
  });

  test("a firewall that is switched off by hand shows in the plan, and is switched on", async () => {
    const stack = await deployed();
    await world.rig.proxmox.byHand("PUT", "/nodes/pve1/lxc/201/firewall/options", { enable: "0" });
    expect(await planned(stack)).toEqual({ [`${OPTIONS}.ollama-1`]: "update" });
    await heals(stack);
  });

  test("a network card that is taken out of the firewall by hand shows in the plan, and is put back", async () => {
    const stack = await deployed();
    const { net0 = "" } = (await world.rig.proxmox.guest(201)).config;
    await world.rig.proxmox.byHand("PUT", "/nodes/pve1/lxc/201/config", { net0: net0.replace(",firewall=1", "") });
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
    await heals(stack);
  });

  test("rules that are deleted or added by hand show in the plan, and are put right", async () => {
    const stack = await deployed();
    await world.rig.proxmox.byHand("DELETE", "/nodes/pve1/lxc/201/firewall/rules/0");
    await world.rig.proxmox.byHand("POST", "/nodes/pve1/lxc/202/firewall/rules", { type: "in", action: "ACCEPT", enable: "1" });
    expect(await planned(stack)).toEqual({ [`${RULES}.ollama-1`]: "update", [`${RULES}.ollama-2`]: "update" });
    await heals(stack);
    expect((await firewall(202)).rules).toHaveLength(3);
  });

  test("no guest may send router advertisements", async () => {
    await deployed();
    expect((await firewall()).options["radv"]).toBe(0);
  });

  test("sources and ports are lists: however many networks there are, there is a rule for each set of sources", async () => {
    const networks = Array.from({ length: 12 }, (_, index) => `198.51.100.${index * 16}/28`);
    const stack = await open({ network: { clients: networks, management: networks } });
    await stack.deploy();
    expect((await firewall()).rules).toHaveLength(2);
    expect(await planned(stack)).toEqual({});
  });

  test("Ansible comes after the rules: a rule that fails keeps it from running", async () => {
    const stack = await open({ configure: true });
    await world.rig.proxmox.failRequests("POST /nodes/pve1/lxc/20[12]/firewall/rules=500:4:got timeout");
    await refusal(stack, "apply");
    expect(stack.workspace.commandCalls().filter((call) => call.startsWith("ansible-playbook"))).toEqual([]);
  });
});

describeWithProviders("the firewall of a VM", () => {
  const world = withRig();

  test("a VM that was deleted in Proxmox is made again with its firewall on", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    await world.rig.proxmox.byHand("POST", "/nodes/pve1/qemu/311/status/stop");
    await world.rig.proxmox.byHand("DELETE", "/nodes/pve1/qemu/311");
    await stack.deploy();
    expect((await world.rig.proxmox.guest(311)).firewall).toMatchObject({
      options: { enable: 1, policy_in: "DROP" },
      rules: [{}, {}, {}, {}],
    });
    expect(await planned(stack)).toEqual({});
  });

  test("a rule request that fails leaves the VM shut, keeps the wait from running, and the next deploy completes the rules", async () => {
    const stack = (await world.rig.open(clusterLab)).stack("cluster");
    await world.rig.proxmox.failRequests("POST /nodes/pve1/qemu/311/firewall/rules=500:1:got timeout");
    expect(await refusal(stack, "apply")).toContain(`${RULES}.gpu-1`);
    expect((await world.rig.proxmox.guest(311)).firewall.options).toMatchObject({ enable: 1, policy_in: "DROP" });
    expect(stack.workspace.commandCalls().filter((call) => call.includes("condition=ready"))).toEqual([]);
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });
});
