// What an edit of the lab does to containers that exist. One plan shows many edits, each of a container of its own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, labWith } from "../../testing/lab";
import type { Guest } from "../../testing/provider-replay/world";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";
import { deliveredTo } from "../stacks/edits";

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

/** A template of its own for a container. */
const download = (name: string, sha256 = "a") => ({
  url: `https://mirror.lab.example/${name}.tar.zst`,
  sha256: sha256.repeat(64),
});
const downloaded = (name: string, action: Action) => ({ [`${DOWNLOAD}.pve1_local_${name}-tar-zst`]: action });

type Edits = Record<
  string,
  [fact: string, before: Changes | undefined, after: Changes | undefined, fate: Record<string, Action>]
>;

/** The containers of a lab, and none of the lab that it is made from. */
function labOf(containers: Changes): LabInput {
  return labWith({ containers: { "ollama-1": undefined, "ollama-2": undefined, ...containers } }, running);
}

/** Containers with these settings, each with a VMID and an address by its place. */
function numbered(containers: Record<string, Changes | undefined>): Changes {
  return Object.fromEntries(
    Object.entries(containers).map(([key, own], index) => [
      key,
      own && { vmId: 201 + index, address: `192.0.2.${21 + index}`, ...own },
    ]),
  );
}

describeWithTool("terraform", "an edit of one container", () => {
  const update = (name: string): Record<string, Action> => ({ [`${CONTAINER}.${name}`]: "update" });
  const kept = { protect: true, pool: "ai" };
  /** A container for each edit: as it was applied, as it is after the edit, and what the plan does. Undefined: it is not in the lab. */
  const IN_PLACE: Edits = {
    disk: ["a larger disk updates the container in place", {}, { diskGiB: 80 }, update("disk")],
    memory: ["more memory updates the container in place", {}, { memoryGiB: 24 }, update("memory")],
    cores: ["more cores update the container in place", {}, { cores: 12 }, update("cores")],
    tagged: ["another tag updates the container in place", {}, { tags: ["chat"] }, update("tagged")],
    vlan: ["a VLAN updates the container in place", {}, { vlan: 20 }, update("vlan")],
    described: ["a description updates the container in place", {}, { description: "Chat, for everybody" }, update("described")],
    protected: ["protection updates the container in place", {}, { protect: true }, update("protected")],
    open: ["a protected container gives up its protection in place", { protect: true }, { protect: false }, update("open")],
    pooled: ["another pool leaves a container as it is", kept, { pool: "other" }, {}],
    poolless: ["no pool leaves a container as it is", kept, { pool: undefined }, {}],
    newer: [
      "another template is downloaded in place of the former, and the container is not touched",
      { template: download("old") },
      { template: download("new") },
      { ...downloaded("old", "delete"), ...downloaded("new", "create") },
    ],
    resummed: [
      "a template of the same name with another checksum is downloaded again, and the container is not touched",
      { template: download("same") },
      { template: download("same", "b") },
      downloaded("same", "replace"),
    ],
    ready: [
      "a template that is already there leaves the container as it is",
      { template: download("former") },
      { template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst" },
      downloaded("former", "delete"),
    ],
  };
  /** The same, of edits that outputs tell as well. */
  const TOLD: Edits = {
    moved: ["another address updates the container in place", {}, { address: "192.0.2.199" }, update("moved")],
    renamed: ["another name of a guest that bears the state's mark updates it in place", {}, { name: "chat" }, update("renamed")],
    renumbered: ["another VMID replaces the container and its firewall", {}, { vmId: 301 }, guest("renumbered", "replace")],
    added: ["an added container creates its own resources", undefined, {}, guest("added", "create")],
    removed: ["a removed container is destroyed with its firewall", {}, undefined, guest("removed", "delete")],
  };
  const told = onlyOutputs("addresses", "api_urls", "inventory").outputs;

  describe.each([
    ["alone", IN_PLACE, {}],
    ["that outputs tell as well", TOLD, told],
  ] as const)("%s", (_, edits, outputs) => {
    const before = Object.fromEntries(Object.entries(edits).map(([key, [, own]]) => [key, own]));
    const after = Object.fromEntries(Object.entries(edits).map(([key, [, own, edit]]) => [key, edit && { ...own, ...edit }]));
    let consequences: Consequences;
    beforeAll(async () => {
      consequences = await edited(await applied(labOf(numbered(before))), labOf(numbered(after)));
    });

    test.each(Object.entries(edits).map(([key, [fact, , , fate]]) => ({ fact, key, fate })))("$fact", ({ key, fate }) => {
      const own = (address: string) => address in fate || address.endsWith(`.${key}`) || address.endsWith(`.${key}_firewall`);
      expect(Object.fromEntries(Object.entries(consequences.resources).filter(([address]) => own(address)))).toEqual(fate);
    });

    test("touches nothing else, whatever its place among the others", () => {
      const fates = Object.assign({}, ...Object.values(edits).map(([, , , fate]) => fate)) as Record<string, Action>;
      expect(consequences).toEqual({ resources: fates, outputs });
    });
  });
});

describeWithTool("terraform", "an edit of a running lab", () => {
  const containers = {
    disk: {},
    volume: { models: ["nomic-embed-text"] },
    node: {},
    taken: {},
    kept: { protect: true },
    renamed: {},
  };
  const all = labOf(numbered(containers));
  const { renamed } = numbered(containers) as { renamed: Changes };
  let stack: StackRun;
  beforeAll(async () => {
    // The stranger has a VMID that the lab does not use.
    stack = await applied(all, [{ vmId: 150, name: "router", node: "pve2", kind: "vm" }]);
  });
  const edit = (changes: Changes) => edited(stack, labWith(changes, all));
  /** What a plan says that must fail. */
  const refusal = async (changes: Changes): Promise<string> => {
    editLab(stack.workspace, labWith({ containers: changes }, all));
    const plan = await stack.plan();
    return `${plan.succeeded ? "planned" : "refused"}: ${describeRun(plan).replaceAll(/\s+/g, " ")}`;
  };

  test("nothing, and another order of keys in every map of the lab, plans nothing, the guard's question included", async () => {
    expect(await edited(stack, reversed(all) as LabInput)).toEqual(onlyResources({}));
  });

  test("what Ansible delivers changes the output with the inventory, and nothing else", async () => {
    const lab = deliveredTo("disk").reduce<LabInput>((former, [, changes]) => labWith(changes, former), all);
    expect(await edited(stack, lab)).toEqual(onlyOutputs("inventory"));
  });

  test("other clients change the rules, and nothing else", async () => {
    expect(await edit({ network: { clients: ["192.0.2.0/24", "198.51.100.0/24"] } })).toEqual(
      onlyResources(Object.fromEntries(Object.keys(containers).map((key) => [`${RULES}.${key}`, "update" as const]))),
    );
  });

  describe("that would replace a container", () => {
    let words: string;
    beforeAll(async () => {
      words = await refusal({ disk: { disks: "fast" }, volume: { modelVolume: { sizeGiB: 100 } }, kept: { vmId: 299 } });
    });

    test.each([
      ["another datastore is refused, with what to run in Proxmox", /pct move-volume 201 rootfs fast --delete 1/],
      [
        "a volume for models is refused, with what to run in Proxmox",
        /pct set 202 --mp0 local-lvm:100,mp=\/var\/lib\/ollama\/models,backup=0/,
      ],
      [
        "another VMID of a protected container is refused by Terraform",
        /nstance cannot be destroyed .*Resource (instance )?proxmox_virtual_environment_container\.kept/,
      ],
    ])("%s", (_, part) => {
      expect(words).toMatch(/^refused: /);
      expect(words).toMatch(part);
    });
  });

  describe("that the guard of the guests refuses", () => {
    let words: string;
    beforeAll(async () => {
      words = await refusal({
        node: { node: "pve2" },
        taken: { vmId: 150 },
        kept: undefined,
        renamed: undefined,
        chat: renamed,
      });
    });

    test.each([
      ["another node, with what to run in Proxmox", /pct migrate 203 pve2 --restart/],
      ["a VMID that a stranger has", /VMID 150 of taken belongs to another guest: router, a VM on pve2/],
      [
        "a protected container that has left the lab, before anything of it is stripped",
        /kept \(VMID 205\) is protected, and no longer in the lab/,
      ],
      [
        "a renamed key, with the setting that moves the guest",
        /VMID 206 of chat belongs to this state's guest renamed, .*formerKey: renamed/,
      ],
    ])("%s", (_, part) => {
      expect(words).toMatch(/^refused: /);
      expect(words).toMatch(part);
    });
  });

  test("a renamed key with its former key moves the guest, and plans no new one", async () => {
    const { resources } = await edit({ containers: { renamed: undefined, chat: { ...renamed, formerKey: "renamed" } } });
    expect([resources[`${CONTAINER}.chat`], resources[`${CONTAINER}.renamed`]]).toEqual(["update", undefined]);
  });
});

describeWithTool("terraform", "a template that was deleted on the node", () => {
  test("is downloaded again, and replaces no container", async () => {
    const stack = await applied(running);
    // What a refresh does when the node no longer has the file.
    await stack.terraform("state", "rm", `${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`);
    const plan = await stack.plan();
    expect(plan.changes).toEqual({ [`${DOWNLOAD}.pve1_local_ubuntu-22-04-tar-zst`]: "create" });
    expect((await stack.apply(plan)).succeeded).toBe(true);
    await expect(stack).toPlanNothing();
  });
});

describeWithTool("terraform", "the ownership guard", () => {
  const strangers: Guest[] = [
    { vmId: 201, name: "router", node: "pve1", kind: "container" },
    { vmId: 202, name: "db", node: "pve1", kind: "vm" },
  ];

  test("stops a first plan that would take over a container or a VM, and names both sides", async () => {
    const stack = (await openLab(running, { guests: strangers })).stack("containers");
    const words = describeRun(await stack.plan()).replaceAll(/\s+/g, " ");
    expect(words).toMatch(
      /VMID 201 of ollama-1 belongs to another guest: router, a container on pve1, .*Give ollama-1 another vmId\./,
    );
    expect(words).toMatch(/VMID 202 of ollama-2 belongs to another guest: db, a VM on pve1, .*Give ollama-2 another vmId\./);
  });

  test("stops the apply after a lost state, touches no guest, and says what adopts it", async () => {
    const lost: Guest = { vmId: 201, name: "test-ollama-1", node: "pve1", tags: ["tf.0badcafe.pve1.ollama-1"] };
    const stack = (await openLab(running, { guests: [lost] })).stack("containers");
    const words = describeRun(await stack.apply()).replaceAll(/\s+/g, " ");
    expect(words).toMatch(/the mark of another state, 0badcafe \(ollama-1\).*adopt: "0badcafe"/);
    expect(await stack.workspace.world.guests()).toEqual([expect.objectContaining(lost)]);
  });

  test("that is off asks Proxmox nothing, and stops nothing", async () => {
    const stack = (await openLab(labWith({ ownershipGuard: false }, running), { guests: strangers })).stack("containers");
    expect(stack.config).not.toHaveProperty("data");
    expect((await planned(stack)).resources).toMatchObject({ ...guest("ollama-1", "create"), ...guest("ollama-2", "create") });
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
    const plan = await stack.plan();
    expect({ resources: plan.changes, outputs: plan.outputs }).toEqual(onlyOutputs("addresses", "api_urls", "inventory"));
    expect((await stack.apply(plan)).succeeded).toBe(true);
    await expect(stack).toPlanNothing();
    expect(await stack.outputs()).toMatchObject({
      addresses: { value: { "ollama-2": "192.0.2.157" } },
      api_urls: { value: { "ollama-2": "http://192.0.2.157:11434" } },
      inventory: { value: expect.stringMatching(/test-ollama-2:\n +ansible_host: "192\.0\.2\.157"\n/) },
    });
  });
});
