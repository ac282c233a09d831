// What an edit of the lab does to containers that exist: every test plans one edit of a lab that has been applied.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, labWith, sshKey } from "../../testing/lab";
import type { Guest } from "../../testing/provider-replay/world";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";

const CONTAINER = "proxmox_virtual_environment_container";
const RULES = "proxmox_virtual_environment_firewall_rules";
const OPTIONS = "proxmox_virtual_environment_firewall_options";
const DOWNLOAD = "proxmox_download_file";

const template = { url: "https://mirror.lab.example/ubuntu-22.04.tar.zst", sha256: "a".repeat(64) };

/** Two nodes, two containers, a template that is downloaded. */
const running: LabInput = labWith({
  proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
  defaults: { container: { template } },
  containers: { "ollama-2": { vmId: 202, address: "192.0.2.22", models: ["nomic-embed-text"] } },
});

/** The stack `containers` of a lab, applied. */
async function applied(lab: LabInput, guests: Guest[] = []): Promise<StackRun> {
  const stack = (await openLab(lab, { guests })).stack("containers");
  await stack.deploy();
  return stack;
}

interface Consequences {
  readonly resources: Record<string, Action>;
  readonly outputs: Record<string, Action>;
}

/** What a plan would do; throws with Terraform's words where there is none. */
async function planned(stack: StackRun, ...flags: string[]): Promise<Consequences> {
  const plan = await stack.plan(...flags);
  if (!plan.succeeded) throw new Error(describeRun(plan));
  return { resources: plan.changes, outputs: plan.outputs };
}

/** What would happen to the applied stack if the lab were this one. */
function edited(stack: StackRun, lab: LabInput): Promise<Consequences> {
  editLab(stack.workspace, lab);
  return planned(stack);
}

const onlyResources = (resources: Record<string, Action>): Consequences => ({ resources, outputs: {} });
const onlyOutputs = (...names: string[]): Consequences => ({
  resources: {},
  outputs: Object.fromEntries(names.map((name) => [name, "update" as const])),
});
/** A guest's own resources, all with the same fate. */
const guest = (name: string, action: Action) =>
  Object.fromEntries(
    [`${CONTAINER}.${name}`, `${RULES}.${name}`, `${OPTIONS}.${name}`, `terraform_data.${name}_firewall`].map((address) => [
      address,
      action,
    ]),
  );

/** The same value with the keys of every map in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

describeWithTool("terraform", "an edit of a running lab", () => {
  let stack: StackRun;
  beforeAll(async () => {
    stack = await applied(running);
  });
  const edit = (changes: Changes) => edited(stack, labWith(changes, running));
  const editContainer = (changes: Changes) => edit({ containers: { "ollama-1": changes } });

  test("nothing: plans nothing, the guard's question included", async () => {
    expect(await edit({})).toEqual(onlyResources({}));
  });

  test("another order of keys, in every map of the lab, plans nothing", async () => {
    expect(await edited(stack, reversed(running) as LabInput)).toEqual(onlyResources({}));
  });

  test("an added container creates its own resources and touches nothing else, whatever its place among the others", async () => {
    const { resources } = await edit({ containers: { another: { vmId: 200, address: "192.0.2.20" } } });
    expect(resources).toEqual(guest("another", "create"));
  });

  test("a removed container is destroyed with its firewall, and its neighbour stays", async () => {
    const { resources } = await edit({ containers: { "ollama-1": undefined } });
    expect(resources).toEqual(guest("ollama-1", "delete"));
  });

  test("an added SSH key changes the inventory only, since Ansible delivers it", async () => {
    expect(await edit({ sshPublicKeys: [sshKey(1), sshKey(2)] })).toEqual(onlyOutputs("inventory"));
  });

  test("an added model changes the inventory only", async () => {
    expect(await editContainer({ models: ["mistral:7b"] })).toEqual(onlyOutputs("inventory"));
  });

  test("another version of Ollama changes the inventory only", async () => {
    const ollama = { version: "0.33.0", sha256: "b".repeat(64) };
    expect(await edit({ defaults: { container: { ollama } } })).toEqual(onlyOutputs("inventory"));
  });

  test("another template is downloaded in place of the former, and no container is touched", async () => {
    const other = { url: "https://mirror.lab.example/ubuntu-24.04.tar.zst", sha256: "b".repeat(64) };
    expect(await edit({ defaults: { container: { template: other } } })).toEqual(
      onlyResources({
        [`${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`]: "delete",
        [`${DOWNLOAD}.pve1_local_ubuntu-24-04-tar-zst`]: "create",
      }),
    );
  });

  test("a template of the same name with another checksum is downloaded again, and no container is touched", async () => {
    expect(await edit({ defaults: { container: { template: { sha256: "b".repeat(64) } } } })).toEqual(
      onlyResources({ [`${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`]: "replace" }),
    );
  });

  test("a template that is already there leaves the containers as they are", async () => {
    const there = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
    expect(await edit({ defaults: { container: { template: there } } })).toEqual(
      onlyResources({ [`${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`]: "delete" }),
    );
  });

  test.each([
    ["a larger disk", { diskGiB: 80 }],
    ["more memory", { memoryGiB: 24 }],
    ["more cores", { cores: 12 }],
    ["another tag", { tags: ["chat"] }],
    ["a VLAN", { vlan: 20 }],
    ["a description", { description: "Chat, for everybody" }],
    ["protection", { protect: true }],
  ])("%s updates the container in place, and nothing else", async (_edit, changes) => {
    expect(await editContainer(changes)).toEqual(onlyResources({ [`${CONTAINER}.ollama-1`]: "update" }));
  });

  test("another address updates the container in place and every output that names it", async () => {
    expect(await editContainer({ address: "192.0.2.23" })).toEqual({
      ...onlyOutputs("addresses", "api_urls", "inventory"),
      resources: { [`${CONTAINER}.ollama-1`]: "update" },
    });
  });

  test("other clients change the rules, and nothing else", async () => {
    expect(await edit({ network: { clients: ["192.0.2.0/24", "198.51.100.0/24"] } })).toEqual(
      onlyResources({ [`${RULES}.ollama-1`]: "update", [`${RULES}.ollama-2`]: "update" }),
    );
  });

  test.each<[string, Changes, string]>([
    ["another datastore", { disks: "fast" }, "pct move-volume 201 rootfs fast --delete 1"],
    [
      "a volume for models",
      { modelVolume: { sizeGiB: 100 } },
      "pct set 201 --mp0 local-lvm:100,mp=/var/lib/ollama/models,backup=0",
    ],
    ["another node", { node: "pve2" }, "pct migrate 201 pve2 --restart"],
  ])("%s replaces no container: the plan stops and says what to run in Proxmox", async (_edit, changes, command) => {
    editLab(stack.workspace, labWith({ containers: { "ollama-1": changes } }, running));
    const plan = await stack.plan();
    expect([plan.succeeded, describeRun(plan).replaceAll(/\s+/g, " ")]).toEqual([false, expect.stringContaining(command)]);
  });

  test("another VMID replaces the container and its firewall", async () => {
    expect((await editContainer({ vmId: 301 })).resources).toEqual(guest("ollama-1", "replace"));
  });

  test("a VMID that a stranger has stops the plan", async () => {
    await stack.workspace.world.addGuest({ vmId: 150, name: "router", node: "pve2", kind: "vm" });
    editLab(stack.workspace, labWith({ containers: { "ollama-1": { vmId: 150 } } }, running));
    await expect(stack).toRejectPlan(/VMID 150 of ollama-1 belongs to another guest: router, a VM on pve2/);
  });
});

describeWithTool("terraform", "a template that was deleted on the node", () => {
  test("is downloaded again, and replaces no container", async () => {
    const stack = await applied(running);
    // What a refresh does when the node no longer has the file.
    await stack.terraform("state", "rm", `${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`);
    await expect(stack).toPlanExactly({ [`${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`]: "create" });
    await expect(stack).toApplyAndThenPlanNothing();
  });
});

describeWithTool("terraform", "a protected container", () => {
  const protectedLab = labWith({ containers: { "ollama-1": { protect: true, pool: "ai" } } }, running);
  let stack: StackRun;
  beforeAll(async () => {
    stack = await applied(protectedLab);
  });
  const edit = (changes: Changes) => editLab(stack.workspace, labWith({ containers: { "ollama-1": changes } }, protectedLab));

  test("is not replaced by another VMID: Terraform refuses the plan", async () => {
    edit({ vmId: 299 });
    await expect(stack).toRejectPlan(
      /nstance cannot be destroyed Resource (instance )?proxmox_virtual_environment_container\.ollama-1/,
    );
  });

  test("gives up its protection in place", async () => {
    edit({ protect: false });
    await expect(stack).toPlanExactly({ [`${CONTAINER}.ollama-1`]: "update" });
  });

  test("is not replaced when it has another pool in the lab, or none", async () => {
    for (const pool of ["other", undefined]) {
      edit({ pool });
      await expect(stack).toPlanExactly({});
    }
  });

  test("that has left the lab is found in the plan, before anything of it is stripped", async () => {
    editLab(stack.workspace, labWith({ containers: { "ollama-1": undefined } }, protectedLab));
    await expect(stack).toRejectPlan(/ollama-1 \(VMID 201\) is protected, and no longer in the lab/);
  });
});

describeWithTool("terraform", "the ownership guard", () => {
  const stranger = (kind: "container" | "vm"): Guest => ({ vmId: 201, name: "router", node: "pve1", kind });

  test.each(["container", "vm"] as const)("stops a first plan that would take over a %s, and names both", async (kind) => {
    const stack = (await openLab(running, { guests: [stranger(kind)] })).stack("containers");
    await expect(stack).toRejectPlan(
      /VMID 201 of ollama-1 belongs to another guest: router, a (container|VM) on pve1, .*Give ollama-1 another vmId\./,
    );
  });

  test("stops the apply after a lost state, touches no guest, and says what adopts it", async () => {
    const lost: Guest = { vmId: 201, name: "test-ollama-1", node: "pve1", tags: ["tf.0badcafe.pve1.ollama-1"] };
    const stack = (await openLab(running, { guests: [lost] })).stack("containers");
    const words = describeRun(await stack.apply()).replaceAll(/\s+/g, " ");
    expect(words).toMatch(/the mark of another state, 0badcafe \(ollama-1\).*adopt: "0badcafe"/);
    expect(await stack.workspace.world.guests()).toEqual([expect.objectContaining(lost)]);
  });

  test("lets a stack be whose guests are its own, beside strangers", async () => {
    const stack = await applied(running, [{ vmId: 100, name: "router", node: "pve1" }]);
    await expect(stack).toPlanNothing();
  });

  test("lets the lab rename a guest that bears the state's mark, in place", async () => {
    const stack = await applied(running);
    editLab(stack.workspace, labWith({ containers: { "ollama-1": { name: "chat" } } }, running));
    await expect(stack).toPlanExactly({ [`${CONTAINER}.ollama-1`]: "update" });
  });

  test("stops a renamed key with the setting that moves the guest, and the move plans no new guest", async () => {
    const stack = await applied(running);
    const chat = { vmId: 201, address: "192.0.2.21" };
    editLab(stack.workspace, labWith({ containers: { "ollama-1": undefined, chat } }, running));
    await expect(stack).toRejectPlan(/VMID 201 of chat belongs to this state's guest ollama-1, .*formerKey: ollama-1/);
    editLab(
      stack.workspace,
      labWith({ containers: { "ollama-1": undefined, chat: { ...chat, formerKey: "ollama-1" } } }, running),
    );
    expect((await planned(stack)).resources[`${CONTAINER}.chat`]).toBe("update");
  });

  test("that is off asks Proxmox nothing, and stops nothing", async () => {
    const stack = await applied(labWith({ ownershipGuard: false }, running), [stranger("vm")]);
    expect((await stack.addresses()).filter((address) => address.startsWith("data."))).toEqual([]);
  });
});

describeWithTool("terraform", "a container with DHCP", () => {
  const leasing = labWith({ containers: { "ollama-2": { address: "dhcp" } } }, running);
  let stack: StackRun;
  beforeAll(async () => {
    stack = await applied(leasing);
  });

  /** The container gets its lease: what the provider reads at the next refresh. */
  function lease(address: string): void {
    const file = join(stack.workspace.root, "state/test/containers.tfstate");
    const state = JSON.parse(readFileSync(file, "utf8")) as {
      resources: { type: string; name: string; instances: { attributes: Record<string, unknown> }[] }[];
    };
    const instance = state.resources.find(({ type, name }) => type === CONTAINER && name === "ollama-2")?.instances[0];
    if (!instance) throw new Error(`${file} has no ollama-2`);
    instance.attributes["ipv4"] = { eth0: address };
    writeFileSync(file, JSON.stringify(state));
  }

  test("has null for an address and a URL while no lease is known, beside those that are", async () => {
    expect(await stack.outputs()).toMatchObject({
      addresses: { value: { "ollama-1": "192.0.2.21", "ollama-2": null } },
      api_urls: { value: { "ollama-1": "http://192.0.2.21:11434", "ollama-2": null } },
      inventory: { value: expect.stringMatching(/test-ollama-2:\n +ansible_host: null\n/) },
    });
  });

  test("plans nothing while no lease is known", async () => {
    await expect(stack).toPlanNothing();
  });

  test("changes the outputs alone when it has its lease, and then plans nothing", async () => {
    lease("192.0.2.157");
    expect(await planned(stack)).toEqual(onlyOutputs("addresses", "api_urls", "inventory"));
    await expect(stack).toApplyAndThenPlanNothing();
    expect(await stack.outputs()).toMatchObject({
      addresses: { value: { "ollama-2": "192.0.2.157" } },
      api_urls: { value: { "ollama-2": "http://192.0.2.157:11434" } },
      inventory: { value: expect.stringMatching(/test-ollama-2:\n +ansible_host: "192\.0\.2\.157"\n/) },
    });
  });
});
