// The proof that the replay lets Terraform reject what is wrong, in Terraform's own words.
import { describeWithTool } from "../../testing/external-tool";
import type { TerraformJson } from "../../testing/terraform/output";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

describeWithTool("terraform", "Terraform rejects", () => {
  test("a value of the wrong type", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }));
    await expect(stack).toBeInvalid(
      /Incorrect attribute value type Inappropriate value for attribute "cores": a number is required/,
    );
  });

  test("a missing required attribute", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { node_name: undefined }) }));
    await expect(stack).toBeInvalid(/Missing required argument The argument "node_name" is required/);
  });

  test("an attribute that the provider does not have", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { memory_gib: 16 }) }));
    await expect(stack).toBeInvalid(/Extraneous JSON object property No argument or block type is named "memory_gib"/);
  });

  test("a second block where one is allowed", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: 1 }, { cores: 2 }] }) }));
    await expect(stack).toBeInvalid(/Too many cpu blocks/);
  });

  test("a network_device with keys missing", async () => {
    const vm = { node_name: "pve1", network_device: [{ bridge: "vmbr0" }] };
    const stack = await openStack(configuration(["proxmox"], { resource: { proxmox_virtual_environment_vm: { a: vm } } }));
    await expect(stack).toBeInvalid(/Inappropriate value for attribute "network_device": element 0: attributes "disconnected"/);
  });

  test("a dangling reference", async () => {
    const stack = await openStack(containers({ a: container(201, "${proxmox_virtual_environment_container.b.id}") }));
    await expect(stack).toBeInvalid(/Reference to undeclared resource/);
  });

  test("a cycle", async () => {
    const nulls = {
      a: { triggers: { other: "${null_resource.b.id}" } },
      b: { triggers: { other: "${null_resource.a.id}" } },
    };
    const stack = await openStack(configuration(["null"], { resource: { null_resource: nulls } }));
    await expect(stack).toBeInvalid(/Cycle: null_resource\.[ab], null_resource\.[ab]/);
  });

  test("an output of a sensitive value that is not marked", async () => {
    const stack = await openStack({
      variable: { token: { type: "string", sensitive: true } },
      output: { token: { value: "${var.token}" } },
    });
    await expect(stack).toBeInvalid(/Output refers to sensitive values/);
  });

  test("a sensitive attribute in an output that is not marked", async () => {
    const secret = { metadata: [{ name: "token", namespace: "ml" }], data: { token: "x" } };
    const stack = await openStack(
      configuration(["kubernetes"], {
        resource: { kubernetes_secret_v1: { token: secret } },
        output: { data: { value: "${kubernetes_secret_v1.token.data}" } },
      }),
    );
    await expect(stack).toRejectPlan(/Output refers to sensitive values/);
  });

  test("a variable's value that its validation forbids", async () => {
    const variable = {
      type: "string",
      validation: [{ condition: "${length(var.token) > 3}", error_message: "The token is too short." }],
    };
    const stack = await openStack({ variable: { token: variable } }, { variables: { token: "abc" } });
    await expect(stack).toRejectPlan(/Invalid value for variable The token is too short/);
  });

  test("a variable without a value", async () => {
    const stack = await openStack({ variable: { token: { type: "string" } } });
    await expect(stack).toRejectPlan(/No value for required variable/);
  });
});

describeWithTool("terraform", "an unstable value", () => {
  const now = configuration(["null"], { resource: { null_resource: { a: { triggers: { at: "${timestamp()}" } } } } });

  test("makes the second plan replace", async () => {
    const stack = await openStack(now);
    await stack.deploy();
    await expect(stack).toPlanExactly({ "null_resource.a": "replace" });
  });

  test("fails the matcher for an empty plan, with the plan as its message", async () => {
    const stack = await openStack(now);
    await expect(expect(stack).toApplyAndThenPlanNothing()).rejects.toThrow(/null_resource\.a must be replaced/);
  });

  test("in an output makes the second plan change the output", async () => {
    const stack = await openStack({ output: { at: { value: "${timestamp()}" } } });
    await expect(expect(stack).toApplyAndThenPlanNothing()).rejects.toThrow(/Changes to Outputs/);
  });
});

describeWithTool("terraform", "an ownership guard on the replayed guests", () => {
  const guarded = (vmId: number, hostname: string): TerraformJson =>
    containers(
      {
        a: container(vmId, hostname, {
          lifecycle: {
            precondition: [
              {
                condition: `\${lookup(local.guests, "${vmId}", "${hostname}") == "${hostname}"}`,
                error_message: `VMID ${vmId} belongs to \${lookup(local.guests, "${vmId}", "")}.`,
              },
            ],
          },
        }),
      },
      {
        data: {
          proxmox_virtual_environment_vms: { all: {} },
          proxmox_virtual_environment_containers: { all: {} },
        },
        locals: {
          guests:
            "${merge({ for vm in data.proxmox_virtual_environment_vms.all.vms : vm.vm_id => vm.name }, " +
            "{ for ct in data.proxmox_virtual_environment_containers.all.containers : ct.vm_id => ct.name })}",
        },
      },
    );

  test("stops the plan when another container holds the VMID", async () => {
    const stack = await openStack(guarded(201, "ollama-1"), { guests: [{ vmId: 201, name: "router", node: "pve1" }] });
    await expect(stack).toRejectPlan(/Resource precondition failed VMID 201 belongs to router\./);
  });

  test("stops the plan when a VM holds the VMID", async () => {
    const stack = await openStack(guarded(201, "ollama-1"), { guests: [{ vmId: 201, name: "db", node: "pve2", kind: "vm" }] });
    await expect(stack).toRejectPlan(/VMID 201 belongs to db\./);
  });

  test("lets the stack plan nothing when the guest is its own", async () => {
    const stack = await openStack(guarded(201, "ollama-1"), { guests: [{ vmId: 105, name: "router", node: "pve1" }] });
    await expect(stack).toApplyAndThenPlanNothing();
  });

  test("stops the plan when a stranger took the VMID behind Terraform's back", async () => {
    const stack = await openStack(guarded(201, "ollama-1"));
    await stack.deploy();
    await stack.workspace.world.addGuest({ vmId: 201, name: "stranger", node: "pve1" });
    await expect(stack).toRejectPlan(/VMID 201 belongs to stranger\./);
  });
});
