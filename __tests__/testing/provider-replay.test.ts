import { describeWithTool } from "../../testing/external-tool";
import { type Guest, World } from "../../testing/provider-replay/world";
import type { TerraformJson } from "../../testing/terraform/output";
import type { Action, Plan, StackRun } from "../../testing/terraform/stack-run";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

describeWithTool("terraform", "a replayed container", () => {
  const NICS = [
    { name: "eth0", bridge: "vmbr0" },
    { name: "eth1", bridge: "vmbr1" },
  ];
  const address = (name: string) => `proxmox_virtual_environment_container.${name}`;
  let stack: StackRun;
  let created: Plan;
  let settled: Plan;
  let edited: Plan;
  let settledAgain: Plan;
  let guests: Guest[];
  beforeAll(async () => {
    const before = {
      cores: container(201, "cores", { cpu: [{ cores: 2 }] }),
      nics: container(202, "nics"),
      gone: container(203, "gone"),
    };
    const after = {
      cores: container(201, "cores", { cpu: [{ cores: 4 }] }),
      nics: container(202, "nics", { network_interface: NICS }),
    };
    stack = await openStack(containers(before));
    created = await stack.plan();
    await stack.apply(created);
    settled = await stack.plan();
    guests = await stack.workspace.world.guests();
    stack.workspace.become({ stack: containers(after) });
    edited = await stack.plan();
    await stack.apply(edited);
    settledAgain = await stack.plan();
  });

  test("is created", () => {
    expect(created.changes).toEqual({ [address("cores")]: "create", [address("nics")]: "create", [address("gone")]: "create" });
  });

  test("plans nothing after its apply", () => {
    expect([settled.succeeded, settled.empty]).toEqual([true, true]);
  });

  test("is remembered by the world while it exists", async () => {
    expect(guests).toContainEqual(expect.objectContaining({ vmId: 203, name: "gone", node: "pve1", kind: "container" }));
    expect((await stack.workspace.world.guests()).map(({ vmId }) => vmId)).toEqual([201, 202]);
  });

  test("is updated in place when its cores change, or when a block with a computed attribute is added", () => {
    expect(edited.changes).toMatchObject({ [address("cores")]: "update", [address("nics")]: "update" });
  });

  test("is destroyed when it leaves the configuration, and its neighbours stay", () => {
    expect(edited.changes).toMatchObject({ [address("gone")]: "delete" });
    expect(Object.values(edited.changes)).toHaveLength(3);
  });

  test("converges after these edits", () => {
    expect([settledAgain.succeeded, settledAgain.empty]).toEqual([true, true]);
  });

  test("gets the same computed values in every run", async () => {
    const config = containers(
      { a: container(201, "a") },
      {
        output: { all: { value: "${proxmox_virtual_environment_container.a}", sensitive: true } },
      },
    );
    const [one, two] = await Promise.all([openStack(config), openStack(config)]);
    await Promise.all([one.deploy(), two.deploy()]);
    const outputs = await one.outputs();
    expect(outputs).toEqual(await two.outputs());
    expect(outputs["all"]?.value).toMatchObject({
      id: "201",
      ipv4: {},
      network_interface: [{ mac_address: expect.stringMatching(/^02(:[0-9A-F]{2}){5}$/) }],
    });
  });
});

type Edit = readonly [change: string, before: object, after: object, action: Action];
type Objects = Record<string, object>;

const disk = (size: number, datastore = "local-lvm") => ({ disk: [{ datastore_id: datastore, size }] });
const mounted = (path: string) => ({ mount_point: [{ volume: "local-lvm", size: "200G", path }] });
const account = (keys?: string[]) => ({ initialization: [{ user_account: [{ keys }] }] });
const template = { operating_system: [{ template_file_id: "local:vztmpl/other.tar.zst", type: "ubuntu" }] };
const ignoring = { lifecycle: { ignore_changes: ["operating_system[0].template_file_id"] } };
const vmDisk = (rest: object) => ({ disk: [{ interface: "scsi0", ...rest }] });
const claim = (name: string, requests = "50Gi", storageClass = "nfs-client") => ({
  metadata: [{ name, namespace: "ml" }],
  spec: [{ access_modes: ["ReadWriteOnce"], storage_class_name: storageClass, resources: [{ requests: { storage: requests } }] }],
});

/** What is edited, the type of an object, what is written for one, and its edits. */
const EDITED: readonly [string, type: string, write: (object: object, name: string, index: number) => object, readonly Edit[]][] =
  [
    [
      "container",
      "proxmox_virtual_environment_container",
      (object, name, index) => container(201 + index, name, { initialization: [{}], ...object }),
      [
        ["the node", {}, { node_name: "pve2" }, "replace"],
        ["the VMID", {}, { vm_id: 301 }, "replace"],
        ["the template", {}, template, "replace"],
        ["the template, ignored, and a tag", ignoring, { ...ignoring, ...template, tags: ["gpu"] }, "update"],
        ["an added SSH key", {}, account(["ssh-ed25519 AAAA"]), "replace"],
        ["an added user account without a key", {}, account(), "replace"],
        ["an added mount point", {}, mounted("/models"), "replace"],
        ["the path of a mount point", mounted("/models"), mounted("/srv/models"), "update"],
        ["the pool", {}, { pool_id: "lab" }, "replace"],
        ["a smaller disk, which Proxmox then refuses in the apply", disk(50), disk(30), "update"],
        ["a larger disk", disk(50), disk(80), "update"],
        ["the datastore", disk(50), disk(50, "fast"), "replace"],
        ["an added device", {}, { device_passthrough: [{ path: "/dev/nvidia0" }] }, "update"],
        ["tags", {}, { tags: ["gpu"] }, "update"],
      ],
    ],
    [
      "VM",
      "proxmox_virtual_environment_vm",
      (object, name, index) => ({ vm_id: 401 + index, name, node_name: "pve1", ...object }),
      [
        ["the node", {}, { node_name: "pve2" }, "replace"],
        ["the node, with migrate", { migrate: true }, { migrate: true, node_name: "pve2" }, "update"],
        ["a user-data snippet", {}, { initialization: [{ user_data_file_id: "local:snippets/a.yaml" }] }, "replace"],
        ["an added GPU", {}, { hostpci: [{ device: "hostpci0", mapping: "rtx" }] }, "update"],
        ["an added EFI disk", {}, { efi_disk: [{ type: "4m" }] }, "update"],
        ["the type of the EFI disk", { efi_disk: [{ type: "2m" }] }, { efi_disk: [{ type: "4m" }] }, "replace"],
        ["the image, by import_from", vmDisk({ import_from: "local:import/a.qcow2" }), vmDisk({ import_from: "b" }), "update"],
        ["the image, by file_id", vmDisk({ file_id: "local:iso/a.img" }), vmDisk({ file_id: "b" }), "replace"],
        ["cores and memory", {}, { cpu: [{ cores: 8 }], memory: [{ dedicated: 8192 }] }, "update"],
      ],
    ],
    [
      "volume claim",
      "kubernetes_persistent_volume_claim_v1",
      (object) => object,
      [
        ["a larger request", claim("grown"), claim("grown", "80Gi"), "update"],
        ["the storage class", claim("moved"), claim("moved", "50Gi", "local-path"), "replace"],
        ["the name", claim("models"), claim("other"), "replace"],
      ],
    ],
  ];

/** One stack with an object for each edit, as it is before (1) or after (2). */
function withObjects(side: 1 | 2): TerraformJson {
  const resource = EDITED.map(([, type, write, edits]): [string, Objects] => [
    type,
    Object.fromEntries(edits.map((edit, index) => [`o${index}`, write(edit[side], `o${index}`, index)])),
  ]);
  return configuration(["proxmox", "kubernetes"], { resource: Object.fromEntries(resource) });
}

describeWithTool("terraform", "an edit of a replayed", () => {
  let plan: Plan;
  beforeAll(async () => {
    const stack = await openStack(withObjects(1));
    await stack.deploy();
    stack.workspace.become({ stack: withObjects(2) });
    plan = await stack.plan();
  });

  test("object that is planned brings no warning", () => {
    expect([plan.succeeded, plan.diagnostics]).toEqual([true, []]);
  });

  describe.each(EDITED)("%s plans to", (_, type, _write, edits) => {
    test.each(edits.map(([change, , , action], index) => [action, change, `${type}.o${index}`] as const))(
      "%s: %s",
      (action, _change, address) => {
        expect(plan.changes[address]).toBe(action);
      },
    );
  });
});

describeWithTool("terraform", "toReplaceNothing", () => {
  const stackOn = (node: string) => containers({ a: container(201, "a", { node_name: node }) });

  test("fails for a plan that replaces, and passes for one that creates", async () => {
    const stack = await openStack(stackOn("pve1"));
    await expect(stack).toReplaceNothing();
    await stack.deploy();
    stack.workspace.become({ stack: stackOn("pve2") });
    await expect(stack).not.toReplaceNothing();
  });
});

test.each([
  ["a claim", "kubernetes_persistent_volume_claim_v1", 'persistentvolumeclaims "models" already exists'],
  ["a namespace", "kubernetes_namespace_v1", 'namespaces "models" already exists'],
])("the replayed cluster refuses %s whose name is taken, and takes it again once it is gone", (_, type, words) => {
  const object = { metadata: [{ name: "models", namespace: "ml" }] };
  const world = new World({});
  expect(world.refusal(type, object)).toBeUndefined();
  world.applied(type, null, object);
  expect(world.refusal(type, object)).toBe(words);
  world.applied(type, object, null);
  expect(world.refusal(type, object)).toBeUndefined();
});
