// Whose guest is it? Each everyday event that could hand a guest to the wrong owner, with the real provider.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { type Changes, clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import type { StackRun } from "../../testing/terraform/stack-run";
import { planned, refusal, running, withRig } from "./rig";

const CONTAINER = "proxmox_virtual_environment_container";

describeWithProviders("whose guest is it", () => {
  const world = withRig();
  const deployed = (changes: Changes = {}) => world.rig.deployed(labWith(changes, running), "containers");
  // The template is there already, and a stack without its state takes no file over: the lab names it.
  const adopting = (adopt: string | undefined): Changes => ({
    defaults: { container: { adopt, template: "local:vztmpl/ubuntu-22.04.tar.zst" } },
  });
  const edit = (stack: StackRun, changes: Changes, lab: LabInput = running) =>
    world.rig.edit(stack.workspace, labWith(changes, lab));
  const loseState = (stack: StackRun) => rmSync(join(stack.workspace.root, "state"), { recursive: true });
  const guests = async () => {
    const { guests } = await world.rig.proxmox.state();
    return Object.entries(guests).map(([id, { kind, node, config }]) => [id, kind, node, config["hostname"] ?? config["name"]]);
  };
  /** What was asked of Proxmox that changes something, since the number of requests was this. */
  const changesSince = (count: number) =>
    world.rig.proxmox
      .requests()
      .slice(count)
      .filter(({ method, path }) => method !== "GET" && !path.startsWith("/_fake"));
  const adoptable = (text: string) => /adopt: "(\w+)"/.exec(text)?.[1] ?? `no mark in: ${text}`;

  test("a lost state: the plan stops before anything is touched, and says what to write to take the guests over", async () => {
    const stack = await deployed();
    loseState(stack);
    const before = world.rig.proxmox.requests().length;
    expect(await refusal(stack, "apply")).toMatch(
      /VMID 201 of ollama-1 belongs to another guest: test-ollama-1, a container on pve1, which bears the mark of another state, .*adopt: "[0-9a-f]{8}"/,
    );
    expect(changesSince(before)).toEqual([]);
  });

  test("a lost state: the plan names the volume id of the template, and what to write to use it as it is", async () => {
    const stack = await deployed();
    loseState(stack);
    expect(await refusal(stack)).toContain(
      'write in the lab, so that the file is used as it is: defaults: { container: { template: "local:vztmpl/ubuntu-22.04.tar.zst" } }',
    );
  });

  test("a lost state: with the mark that was printed everything is imported, nothing is made anew, and the next plan is empty", async () => {
    const stack = await deployed();
    const { firewall } = await world.rig.proxmox.guest(201);
    loseState(stack);
    const adopt = adoptable(await refusal(stack));
    edit(stack, adopting(adopt));
    const changes = Object.entries(await planned(stack)).filter(([address]) =>
      /container|firewall_(rules|options)/.test(address),
    );
    expect(changes.filter(([, action]) => action !== "update" && action !== "import")).toEqual([]);
    const before = world.rig.proxmox.requests().length;
    await stack.deploy();
    expect(changesSince(before).filter(({ method, path }) => method === "DELETE" || /\/(lxc|qemu)$/.test(path))).toEqual([]);
    expect((await world.rig.proxmox.guest(201)).firewall).toEqual(firewall);
    expect(await planned(stack)).toEqual({});
    edit(stack, adopting(undefined));
    expect(await planned(stack)).toEqual({});
  });

  test("a lost state and an adoption that stands in the lab still: another state's guests are not taken over with it", async () => {
    const stack = await deployed();
    loseState(stack);
    const adopt = adoptable(await refusal(stack));
    edit(stack, adopting(adopt));
    await stack.deploy();
    loseState(stack);
    expect(await refusal(stack)).not.toContain(`adopt: "${adopt}"`);
  });

  test("a lost state of a guest in a pool: the guest is taken over and stays in its pool", async () => {
    const { proxmox } = world.rig;
    await proxmox.byHand("POST", "/pools", { poolid: "lab" });
    const inPool = labWith({ containers: { "ollama-1": { pool: "lab" } } }, running);
    const stack = await world.rig.deployed(inPool, "containers");
    loseState(stack);
    edit(stack, adopting(adoptable(await refusal(stack))), inPool);
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    expect(await proxmox.byHand("GET", "/pools/lab")).toMatchObject({ members: [{ vmid: 201 }] });
  });

  test("an adoption that stands in the lab still does not keep a destroyed lab from being made again", async () => {
    const stack = await deployed();
    loseState(stack);
    edit(stack, adopting(adoptable(await refusal(stack))));
    await stack.deploy();
    await stack.destroy();
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });

  test("a guest that was imported by hand after a lost state is still another state's, until the lab says to adopt it", async () => {
    const stack = await deployed();
    loseState(stack);
    const adopt = adoptable(await refusal(stack));
    for (const [name, id] of [
      ["ollama-1", 201],
      ["ollama-2", 202],
    ] as const) {
      const run = await stack.terraform("import", "-input=false", `${CONTAINER}.${name}`, `pve1/${id}`);
      expect([run.succeeded, run.succeeded || run.text]).toEqual([true, true]);
    }
    expect(await refusal(stack)).toContain(`adopt: "${adopt}"`);
    edit(stack, adopting(adopt));
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });

  test("a second operator without the state takes over no guest", async () => {
    await deployed();
    const other = (await world.rig.open(running)).stack("containers");
    const before = world.rig.proxmox.requests().length;
    expect(await refusal(other, "apply")).toContain("bears the mark of another state");
    expect(changesSince(before)).toEqual([]);
  });

  test("a guest of the same name that somebody else made stops the plan, on this node and on another, and no file is said to be there", async () => {
    await world.rig.proxmox.addStranger(201, "test-ollama-1", "pve1", "lxc");
    await world.rig.proxmox.addStranger(202, "test-ollama-2", "pve2", "qemu");
    const text = await refusal((await world.rig.open(running)).stack("containers"), "apply");
    expect(text).toMatch(
      /VMID 201 of ollama-1 belongs to another guest: test-ollama-1, a container on pve1, which bears no mark/,
    );
    expect(text).toMatch(/VMID 202 of ollama-2 belongs to another guest: test-ollama-2, a VM on pve2/);
    expect(text).not.toContain("is there already");
    expect(await guests()).toHaveLength(3);
  });

  test("a container of the same name that has no mark is taken over when the lab asks for it", async () => {
    await world.rig.proxmox.addStranger(201, "test-ollama-1", "pve1", "lxc");
    const stack = (await world.rig.open(labWith({ containers: { "ollama-1": { adopt: "unmarked" } } }, running))).stack(
      "containers",
    );
    expect(await planned(stack)).toMatchObject({ [`${CONTAINER}.ollama-1`]: expect.stringMatching(/update|import/) });
  });

  test("a container that was migrated in Proxmox stops the plan with the node to write, and then deploys without being made anew", async () => {
    const stack = await deployed();
    const mac = (await world.rig.proxmox.guest(201)).config["net0"];
    await world.rig.proxmox.changeGuest(201, { node: "pve2" });
    expect(await refusal(stack)).toMatch(
      /ollama-1 \(VMID 201\) is on the node pve2, but the lab says pve1\..*Write at ollama-1 in the lab: node: pve2, .*terraform state rm proxmox_virtual_environment_container\.ollama-1/,
    );
    edit(stack, { containers: { "ollama-1": { node: "pve2" } } });
    await stack.terraform("state", "rm", `${CONTAINER}.ollama-1`);
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    const guest = await world.rig.proxmox.guest(201);
    expect([guest.node, guest.config["net0"]]).toEqual(["pve2", mac]);
    expect(guest.firewall).toMatchObject({
      options: { enable: 1, policy_in: "DROP" },
      rules: [{ dport: "22,11434" }, { proto: "icmp" }],
    });
  });

  test("another node for a container in the lab stops the plan with the command that moves it, and makes nothing anew", async () => {
    const stack = await deployed();
    edit(stack, { containers: { "ollama-1": { node: "pve2" } } });
    expect(await refusal(stack)).toMatch(/Terraform moves no container.*run on pve1: pct migrate 201 pve2 --restart/);
    await world.rig.proxmox.changeGuest(201, { node: "pve2" });
    // Without the command the provider takes the container over with what it has, and the next deploy sets the rest.
    await stack.deploy();
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });

  test("a stranger's VMID on a node that is offline can't be looked up: the plan stops and names the node", async () => {
    const stack = await deployed();
    await world.rig.proxmox.addStranger(203, "router", "pve2");
    await world.rig.proxmox.setOnline("pve2", false);
    edit(stack, { containers: { third: { vmId: 203, address: "192.0.2.23" } } });
    expect(await refusal(stack)).toMatch(/VMID 203 of third can't be looked up, because a node does not answer: pve2/);
  });

  test("with a node offline, a lab whose guests are on the others plans", async () => {
    const stack = await deployed();
    await world.rig.proxmox.setOnline("pve2", false);
    expect(await planned(stack)).toEqual({});
    edit(stack, { containers: { "ollama-1": { cores: 4 } } });
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
  });

  test("a renamed key stops the plan with the setting that moves the guest, and the move makes nothing anew", async () => {
    const stack = await deployed();
    const renamed = { vmId: 201, address: "192.0.2.21" };
    edit(stack, { containers: { "ollama-1": undefined, chat: renamed } });
    const before = world.rig.proxmox.requests().length;
    expect(await refusal(stack, "apply")).toMatch(
      /VMID 201 of chat belongs to this state's guest ollama-1, .*formerKey: ollama-1/,
    );
    expect(changesSince(before)).toEqual([]);
    edit(stack, { containers: { "ollama-1": undefined, chat: { ...renamed, formerKey: "ollama-1" } } });
    await stack.deploy();
    expect(changesSince(before).filter(({ method }) => method === "DELETE")).toEqual([]);
    expect((await world.rig.proxmox.guest(201)).config["hostname"]).toBe("test-chat");
    edit(stack, { containers: { "ollama-1": undefined, chat: renamed } });
    expect(await planned(stack)).toEqual({});
  });

  test("a renamed key that keeps its name stops the plan, too", async () => {
    const stack = await deployed();
    edit(stack, { containers: { "ollama-1": undefined, chat: { vmId: 201, address: "192.0.2.21", name: "test-ollama-1" } } });
    expect(await refusal(stack)).toContain("belongs to this state's guest ollama-1");
  });

  test("another name in the lab renames the guest in place", async () => {
    const stack = await deployed();
    edit(stack, { containers: { "ollama-1": { name: "chat" } } });
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
  });

  test("a tag that somebody adds in Proxmox is taken away once, and is in no plan after that", async () => {
    const stack = await deployed();
    const { tags } = (await world.rig.proxmox.guest(201)).config;
    await world.rig.proxmox.byHand("PUT", "/nodes/pve1/lxc/201/config", { tags: `${tags};mine` });
    expect(await planned(stack)).toEqual({ [`${CONTAINER}.ollama-1`]: "update" });
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
  });

  test("a protected guest that has left the lab is found in the plan, before anything of it is stripped", async () => {
    const stack = await deployed({ containers: { "ollama-1": { protect: true } } });
    edit(stack, { containers: { "ollama-1": undefined } });
    const before = world.rig.proxmox.requests().length;
    expect(await refusal(stack, "apply")).toMatch(
      /ollama-1 \(VMID 201\) is protected, and no longer in the lab\..*protect: false/,
    );
    expect(changesSince(before)).toEqual([]);
    edit(stack, { containers: { "ollama-1": { protect: false } } });
    await stack.deploy();
    edit(stack, { containers: { "ollama-1": undefined } });
    await stack.deploy();
    expect((await guests()).map(([id]) => id)).toEqual(["202", "9000"]);
  });
});

describeWithProviders("whose VM is it", () => {
  const world = withRig();
  const VM = "proxmox_virtual_environment_vm";
  const lab = labWith(
    { proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, cluster: { workers: { "gpu-1": { gpus: [] } } } },
    clusterLab,
  );

  test("a lost state: with the mark that was printed VMs, snippets and rules are taken over, and no VM is stopped", async () => {
    const stack = await world.rig.deployed(clusterLab, "cluster");
    rmSync(join(stack.workspace.root, "state"), { recursive: true });
    const text = await refusal(stack, "apply");
    const adopt = /adopt: "([0-9a-f]{8})"/.exec(text)?.[1];
    const image = /cluster: { image: "(local:import\/[^"]+)" }/.exec(text)?.[1];
    expect(image).toBe("local:import/noble-server-cloudimg-amd64-20250805.qcow2");
    world.rig.edit(
      stack.workspace,
      labWith({ cluster: { image }, defaults: { server: { adopt }, worker: { adopt } } }, clusterLab),
    );
    const before = world.rig.proxmox.requests().length;
    await stack.deploy();
    const since = world.rig.proxmox.requests().slice(before);
    expect(since.filter(({ path }) => /status\/(stop|shutdown|reboot)|\/qemu$/.test(path) && path.includes("POST"))).toEqual([]);
    expect(since.filter(({ method, path }) => method === "DELETE" && /qemu\/\d+$/.test(path))).toEqual([]);
    expect(await planned(stack)).toEqual({});
  });

  test("a VM that was migrated in Proxmox is not sent back: the plan stops with the node to write", async () => {
    const stack = await world.rig.deployed(lab, "cluster");
    await world.rig.proxmox.changeGuest(311, { node: "pve2" });
    expect(await refusal(stack)).toMatch(
      /gpu-1 \(VMID 311\) is on the node pve2, but the lab says pve1\. .*Write at gpu-1 in the lab: node: pve2/,
    );
    world.rig.edit(stack.workspace, labWith({ cluster: { workers: { "gpu-1": { node: "pve2" } } } }, lab));
    const before = world.rig.proxmox.requests().length;
    await stack.deploy();
    expect(
      world.rig.proxmox
        .requests()
        .slice(before)
        .filter(({ path }) => /migrate|status\/(stop|shutdown)/.test(path)),
    ).toEqual([]);
    expect(await planned(stack)).toEqual({});
  });

  test("a VM that the lab sends to another node is migrated, and keeps its snippets, its firewall and its mark", async () => {
    const stack = await world.rig.deployed(lab, "cluster");
    world.rig.edit(stack.workspace, labWith({ cluster: { workers: { "gpu-1": { node: "pve2" } } } }, lab));
    expect(await planned(stack)).toMatchObject({ [`${VM}.gpu-1`]: "update" });
    await stack.deploy();
    expect(await planned(stack)).toEqual({});
    const guest = await world.rig.proxmox.guest(311);
    expect([guest.node, guest.running, guest.config["tags"]]).toEqual([
      "pve2",
      true,
      expect.stringMatching(/tf\.[0-9a-f]{8}\.pve2\.gpu-1/),
    ]);
    expect(guest.firewall).toMatchObject({ options: { enable: 1 } });
  });

  test("a renamed worker is moved with all that is its own, and not made anew", async () => {
    const stack = await world.rig.deployed(lab, "cluster");
    const worker = { vmId: 311, address: "192.0.2.41", name: "test-gpu-1" };
    world.rig.edit(stack.workspace, labWith({ cluster: { workers: { "gpu-1": undefined, big: worker } } }, lab));
    expect(await refusal(stack)).toContain("formerKey: gpu-1");
    world.rig.edit(
      stack.workspace,
      labWith({ cluster: { workers: { "gpu-1": undefined, big: { ...worker, formerKey: "gpu-1" } } } }, lab),
    );
    const changes = await planned(stack);
    expect(Object.values(changes).filter((action) => /create|delete|replace/.test(action))).toEqual([]);
  });
});
