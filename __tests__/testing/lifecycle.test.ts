import { describeWithTool } from "../../testing/external-tool";
import { type Lifecycle, runLifecycle } from "../../testing/terraform/lifecycle";
import type { StackRun } from "../../testing/terraform/stack-run";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

describeWithTool("terraform", "a lifecycle", () => {
  describe("of a stack with what is deprecated", () => {
    let stack: StackRun;
    let lifecycle: Lifecycle;
    beforeAll(async () => {
      const dns = [{ server: "192.0.2.1" }];
      const file = {
        content_type: "vztmpl",
        datastore_id: "local",
        node_name: "pve1",
        url: "https://images.lab.example/ubuntu.tar.zst",
      };
      const resource = {
        proxmox_virtual_environment_container: { a: container(201, "a", { initialization: [{ hostname: "a", dns }] }) },
        proxmox_virtual_environment_download_file: { a: file },
      };
      stack = await openStack(configuration(["proxmox"], { resource }));
      lifecycle = await runLifecycle(stack);
    });

    test("applies its plan", () => {
      expect(lifecycle.plan.changes).toEqual({
        "proxmox_virtual_environment_container.a": "create",
        "proxmox_virtual_environment_download_file.a": "create",
      });
    });

    test("ends with an empty state", async () => {
      expect(await stack.addresses()).toEqual([]);
    });

    test("reports the warning about a resource", () => {
      expect(lifecycle.warnings).toContainEqual(expect.objectContaining({ summary: "Deprecated Resource" }));
    });

    test("reports the warning about an argument in a nested block", () => {
      expect(lifecycle.warnings).toContainEqual(
        expect.objectContaining({ detail: expect.stringContaining("initialization.dns.server is deprecated") }),
      );
    });
  });

  test("runs objects of all four providers", async () => {
    const stack = await openStack(
      configuration(["proxmox", "kubernetes", "helm", "null"], {
        resource: {
          proxmox_hardware_mapping_pci: {
            rtx: { name: "rtx", map: [{ node: "pve1", path: "0000:01:00", id: "10de:2684", iommu_group: 12 }] },
          },
          kubernetes_secret_v1: {
            token: { metadata: [{ name: "token", namespace: "ml" }], data_wo: { token: "x" }, data_wo_revision: 1 },
          },
          kubernetes_manifest: { any: { manifest: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "any" } } } },
          helm_release: {
            ollama: {
              name: "ollama",
              chart: "ollama",
              set: [{ name: "replicas", value: "2" }],
              set_wo: [{ name: "t", value: "x" }],
            },
          },
          null_resource: { ready: { triggers: { release: "${helm_release.ollama.id}" } } },
        },
      }),
    );
    await expect(runLifecycle(stack)).resolves.toMatchObject({ warnings: [] });
  });

  test("stops at an invalid stack with Terraform's message", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }));
    await expect(runLifecycle(stack)).rejects.toThrow(/a number is required/);
  });

  test("stops at a second plan that is not empty", async () => {
    const stack = await openStack(
      configuration(["null"], { resource: { null_resource: { a: { triggers: { at: "${timestamp()}" } } } } }),
    );
    await expect(runLifecycle(stack)).rejects.toThrow(/plans changes right after its apply.*must be replaced/s);
  });

  const protectedStack = containers({ a: container(201, "a", { lifecycle: { prevent_destroy: true } }) });

  test("fails where a destroy is refused that was to succeed", async () => {
    await expect(runLifecycle(await openStack(protectedStack))).rejects.toThrow(/nstance cannot be destroyed/);
  });

  test("shows Terraform's refusal of a protected stack's destroy", async () => {
    const stack = await openStack(protectedStack);
    expect((await runLifecycle(stack, { refusesDestroy: true })).refusal).toMatch(/prevent_destroy/);
    expect(await stack.addresses()).toEqual(["proxmox_virtual_environment_container.a"]);
  });

  test("fails where a destroy succeeds that had to be refused", async () => {
    const stack = await openStack(containers({ a: container(201, "a") }));
    await expect(runLifecycle(stack, { refusesDestroy: true })).rejects.toThrow(/had to refuse the destroy/);
  });
});
