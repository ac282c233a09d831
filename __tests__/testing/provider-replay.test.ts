import { describeWithTool } from "../../testing/external-tool";
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

describeWithTool("terraform", "what replaces a replayed object", () => {
  const replacing: [string, Record<string, unknown>, Record<string, unknown>][] = [
    ["another node", {}, { node_name: "pve2" }],
    ["another VMID", {}, { vm_id: 301 }],
    ["another template", {}, { operating_system: [{ template_file_id: "local:vztmpl/other.tar.zst", type: "ubuntu" }] }],
    ["an SSH key", {}, { initialization: [{ hostname: "a", user_account: [{ keys: ["ssh-ed25519 AAAA"] }] }] }],
    ["a mount point", {}, { mount_point: [{ volume: "local-lvm", size: "200G", path: "/models" }] }],
    ["a pool", {}, { pool_id: "lab" }],
    ["a smaller disk", {}, { disk: [{ datastore_id: "local-lvm", size: 30 }] }],
    ["another datastore", {}, { disk: [{ datastore_id: "fast", size: 50 }] }],
  ];
  test.each(replacing)("%s replaces a container", async (_change, before, after) => {
    const stack = await openStack(containers({ a: container(201, "a", before) }));
    await stack.deploy();
    stack.workspace.become({ stack: containers({ a: container(201, "a", after) }) });
    await expect(stack).toPlanExactly({ [ADDRESS]: "replace" });
    await expect(stack).not.toReplaceNothing();
  });

  test("a larger disk, a device, a tag and a moved mount path replace no container", async () => {
    const mount = { volume: "local-lvm", size: "200G", path: "/models" };
    const stack = await openStack(containers({ a: container(201, "a", { mount_point: [mount] }) }));
    await stack.deploy();
    const after = container(201, "a", {
      disk: [{ datastore_id: "local-lvm", size: 80 }],
      device_passthrough: [{ path: "/dev/nvidia0" }],
      mount_point: [{ ...mount, path: "/srv/models" }],
      tags: ["gpu"],
    });
    stack.workspace.become({ stack: containers({ a: after }) });
    await expect(stack).toReplaceNothing();
    await expect(stack).toPlanExactly({ [ADDRESS]: "update" });
  });

  test("a changed template spares a container that ignores it", async () => {
    const lifecycle = { ignore_changes: ["operating_system[0].template_file_id"] };
    const stack = await openStack(containers({ a: container(201, "a", { lifecycle }) }));
    await stack.deploy();
    const other = [{ template_file_id: "local:vztmpl/other.tar.zst", type: "ubuntu" }];
    stack.workspace.become({ stack: containers({ a: container(201, "a", { lifecycle, operating_system: other }) }) });
    await expect(stack).toPlanNothing();
  });

  const vm = (rest: Record<string, unknown>) =>
    configuration(["proxmox"], {
      resource: { proxmox_virtual_environment_vm: { a: { vm_id: 301, name: "k3s-1", node_name: "pve1", ...rest } } },
    });

  test.each([
    ["another node", {}, { node_name: "pve2" }, "replace"],
    ["another node with migrate", { migrate: true }, { migrate: true, node_name: "pve2" }, "update"],
    ["a user-data snippet", {}, { initialization: [{ user_data_file_id: "local:snippets/a.yaml" }] }, "replace"],
    ["a second GPU", {}, { hostpci: [{ device: "hostpci0", mapping: "rtx" }] }, "update"],
    ["an EFI disk", {}, { efi_disk: [{ type: "4m" }] }, "update"],
    ["another EFI disk type", { efi_disk: [{ type: "2m" }] }, { efi_disk: [{ type: "4m" }] }, "replace"],
    ["an imported image", { disk: [{ interface: "scsi0" }] }, { disk: [{ interface: "scsi0", import_from: "x" }] }, "update"],
    ["an image by file_id", { disk: [{ interface: "scsi0" }] }, { disk: [{ interface: "scsi0", file_id: "x" }] }, "replace"],
  ] as const)("for a VM, %s", async (_change, before, after, action) => {
    const stack = await openStack(vm(before));
    await stack.deploy();
    stack.workspace.become({ stack: vm(after) });
    await expect(stack).toPlanExactly({ "proxmox_virtual_environment_vm.a": action });
  });

  const claim = (requests: string, storageClass: string) =>
    configuration(["kubernetes"], {
      resource: {
        kubernetes_persistent_volume_claim_v1: {
          models: {
            metadata: [{ name: "models", namespace: "ml" }],
            spec: [
              {
                access_modes: ["ReadWriteOnce"],
                storage_class_name: storageClass,
                resources: [{ requests: { storage: requests } }],
              },
            ],
          },
        },
      },
    });

  test.each([
    ["a larger request", claim("80Gi", "nfs-client"), "update"],
    ["another storage class", claim("50Gi", "local-path"), "replace"],
  ] as const)("for a volume claim, %s", async (_change, after, action) => {
    const stack = await openStack(claim("50Gi", "nfs-client"));
    await stack.deploy();
    stack.workspace.become({ stack: after });
    await expect(stack).toPlanExactly({ "kubernetes_persistent_volume_claim_v1.models": action });
  });
});
