import { describeWithTool } from "../../testing/external-tool";
import { World } from "../../testing/provider-replay/world";
import type { TerraformJson } from "../../testing/terraform/output";
import type { Action, Plan } from "../../testing/terraform/stack-run";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

const ADDRESS = "proxmox_virtual_environment_container.a";

describeWithTool("terraform", "a replayed container", () => {
  test("is created", async () => {
    const stack = await openStack(containers({ a: container(201, "a") }));
    await expect(stack).toPlanExactly({ [ADDRESS]: "create" });
  });

  test("plans nothing after its apply", async () => {
    const stack = await openStack(containers({ a: container(201, "a") }));
    await expect(stack).toApplyAndThenPlanNothing();
  });

  test("is updated in place when its cores change", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: 2 }] }) }));
    await stack.deploy();
    stack.workspace.become({ stack: containers({ a: container(201, "a", { cpu: [{ cores: 4 }] }) }) });
    await expect(stack).toPlanExactly({ [ADDRESS]: "update" });
    await expect(stack).toApplyAndThenPlanNothing();
  });

  test("converges after a block with a computed attribute is added", async () => {
    const stack = await openStack(containers({ a: container(201, "a") }));
    await stack.deploy();
    const nics = [
      { name: "eth0", bridge: "vmbr0" },
      { name: "eth1", bridge: "vmbr1" },
    ];
    stack.workspace.become({ stack: containers({ a: container(201, "a", { network_interface: nics }) }) });
    await expect(stack).toPlanExactly({ [ADDRESS]: "update" });
    await expect(stack).toApplyAndThenPlanNothing();
  });

  test("is destroyed when it leaves the configuration, and its neighbour stays", async () => {
    const stack = await openStack(containers({ a: container(201, "a"), b: container(202, "b") }));
    await stack.deploy();
    stack.workspace.become({ stack: containers({ b: container(202, "b") }) });
    await expect(stack).toPlanExactly({ [ADDRESS]: "delete" });
  });

  test("is remembered by the world while it exists", async () => {
    const stack = await openStack(containers({ a: container(201, "ollama-1") }));
    await stack.deploy();
    expect(await stack.workspace.world.guests()).toMatchObject([
      { vmId: 201, name: "ollama-1", node: "pve1", kind: "container" },
    ]);
    await stack.destroy();
    expect(await stack.workspace.world.guests()).toEqual([]);
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

type Edits = readonly (readonly [change: string, before: object, after: object, action: Action])[];

/** Applies one object for each edit as it is before, and plans all of them as they are after. */
function planEdits(edits: Edits, write: (objects: Record<string, object>) => TerraformJson): () => Promise<Plan> {
  const objects = (side: 1 | 2) => Object.fromEntries(edits.map((edit, index) => [`o${index}`, edit[side]]));
  let plan: Promise<Plan> | undefined;
  const run = async (): Promise<Plan> => {
    const stack = await openStack(write(objects(1)));
    await stack.deploy();
    stack.workspace.become({ stack: write(objects(2)) });
    return stack.plan();
  };
  return () => {
    plan ??= run();
    return plan;
  };
}

function testEdits(type: string, edits: Edits, write: (objects: Record<string, object>) => TerraformJson): void {
  const planned = planEdits(edits, write);
  test.each(edits.map(([change, , , action], index) => [action, change, `${type}.o${index}`] as const))(
    "%s: %s",
    async (action, _change, address) => {
      const { changes, succeeded, diagnostics } = await planned();
      expect({ succeeded, diagnostics }).toEqual({ succeeded: true, diagnostics: [] });
      expect(changes[address]).toBe(action);
    },
  );
}

describeWithTool("terraform", "an edit of a replayed container plans to", () => {
  const disk = (size: number, datastore = "local-lvm") => ({ disk: [{ datastore_id: datastore, size }] });
  const mounted = (path: string) => ({ mount_point: [{ volume: "local-lvm", size: "200G", path }] });
  const account = (keys?: string[]) => ({ initialization: [{ user_account: [{ keys }] }] });
  const template = { operating_system: [{ template_file_id: "local:vztmpl/other.tar.zst", type: "ubuntu" }] };
  const ignoring = { lifecycle: { ignore_changes: ["operating_system[0].template_file_id"] } };
  const edits: Edits = [
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
  ];
  testEdits("proxmox_virtual_environment_container", edits, (objects) =>
    containers(
      Object.fromEntries(
        Object.entries(objects).map(([name, rest], index) => [
          name,
          container(201 + index, name, { initialization: [{}], ...rest }),
        ]),
      ),
    ),
  );
});

describeWithTool("terraform", "an edit of a replayed VM plans to", () => {
  const disk = (rest: object) => ({ disk: [{ interface: "scsi0", ...rest }] });
  const edits: Edits = [
    ["the node", {}, { node_name: "pve2" }, "replace"],
    ["the node, with migrate", { migrate: true }, { migrate: true, node_name: "pve2" }, "update"],
    ["a user-data snippet", {}, { initialization: [{ user_data_file_id: "local:snippets/a.yaml" }] }, "replace"],
    ["an added GPU", {}, { hostpci: [{ device: "hostpci0", mapping: "rtx" }] }, "update"],
    ["an added EFI disk", {}, { efi_disk: [{ type: "4m" }] }, "update"],
    ["the type of the EFI disk", { efi_disk: [{ type: "2m" }] }, { efi_disk: [{ type: "4m" }] }, "replace"],
    ["the image, by import_from", disk({ import_from: "local:import/a.qcow2" }), disk({ import_from: "b" }), "update"],
    ["the image, by file_id", disk({ file_id: "local:iso/a.img" }), disk({ file_id: "b" }), "replace"],
    ["cores and memory", {}, { cpu: [{ cores: 8 }], memory: [{ dedicated: 8192 }] }, "update"],
  ];
  testEdits("proxmox_virtual_environment_vm", edits, (objects) =>
    configuration(["proxmox"], {
      resource: {
        proxmox_virtual_environment_vm: Object.fromEntries(
          Object.entries(objects).map(([name, rest], index) => [name, { vm_id: 301 + index, name, node_name: "pve1", ...rest }]),
        ),
      },
    }),
  );
});

describeWithTool("terraform", "an edit of a replayed volume claim plans to", () => {
  const claim = (name: string, requests = "50Gi", storageClass = "nfs-client") => ({
    metadata: [{ name, namespace: "ml" }],
    spec: [
      { access_modes: ["ReadWriteOnce"], storage_class_name: storageClass, resources: [{ requests: { storage: requests } }] },
    ],
  });
  const edits: Edits = [
    ["a larger request", claim("grown"), claim("grown", "80Gi"), "update"],
    ["the storage class", claim("moved"), claim("moved", "50Gi", "local-path"), "replace"],
    ["the name", claim("models"), claim("other"), "replace"],
  ];
  testEdits("kubernetes_persistent_volume_claim_v1", edits, (objects) =>
    configuration(["kubernetes"], { resource: { kubernetes_persistent_volume_claim_v1: objects } }),
  );
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
