// The proof that the replay lets Terraform reject what is wrong, in Terraform's own words.
import { describeWithTool } from "../../testing/external-tool";
import type { Guest } from "../../testing/provider-replay/world";
import type { TerraformJson } from "../../testing/terraform/output";
import type { Diagnostic } from "../../testing/terraform/process";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

describeWithTool("terraform", "one validate rejects", () => {
  const wrong: Record<string, [fact: string, container: Record<string, unknown>, words: RegExp]> = {
    typed: [
      "a value of the wrong type",
      { cpu: [{ cores: "many" }] },
      /^Incorrect attribute value type Inappropriate value for attribute "cores": a number is required/,
    ],
    homeless: [
      "a missing required attribute",
      { node_name: undefined },
      /^Missing required argument The argument "node_name" is required/,
    ],
    extra: [
      "an attribute that the provider does not have",
      { memory_gib: 16 },
      /^Extraneous JSON object property No argument or block type is named "memory_gib"/,
    ],
    twofold: ["a second block where one is allowed", { cpu: [{ cores: 1 }, { cores: 2 }] }, /^Too many cpu blocks/],
    dangling: [
      "a dangling reference",
      { description: "${proxmox_virtual_environment_container.nobody.id}" },
      /^Reference to undeclared resource/,
    ],
  };
  const objects = Object.entries(wrong).map(([name, [, rest]], index) => [name, container(201 + index, name, rest)]);
  const vm = { node_name: "pve1", network_device: [{ bridge: "vmbr0" }] };
  let errors: Diagnostic[];
  beforeAll(async () => {
    const config = configuration(["proxmox"], {
      resource: {
        proxmox_virtual_environment_container: Object.fromEntries(objects),
        proxmox_virtual_environment_vm: { wired: vm },
      },
    });
    const { diagnostics } = await (await openStack(config)).validate();
    errors = diagnostics.filter(({ severity }) => severity === "error");
  });
  /** What is said of the object of this name. */
  const saidOf = (name: string) =>
    errors
      .filter(({ place = "" }) => place.split(/\W/).includes(name))
      .map(({ summary, detail }) => `${summary} ${detail}`.replaceAll(/\s+/g, " "));

  test.each(Object.entries(wrong).map(([name, [fact, , words]]) => ({ fact, name, words })))("$fact", ({ name, words }) => {
    expect(saidOf(name)).toEqual([expect.stringMatching(words)]);
  });

  test("a network_device with keys missing", () => {
    expect(saidOf("wired")).toEqual([
      expect.stringMatching(/Inappropriate value for attribute "network_device": element 0: attributes "disconnected"/),
    ]);
  });
});

describeWithTool("terraform", "Terraform rejects", () => {
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

  test("makes the second plan replace, and fails the matcher for an empty plan with the plan as its message", async () => {
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

  const guests: Guest[] = [
    { vmId: 105, name: "router", node: "pve1" },
    { vmId: 106, name: "db", node: "pve2", kind: "vm" },
  ];

  test.each([
    ["container", 105, /Resource precondition failed VMID 105 belongs to router\./],
    ["VM", 106, /Resource precondition failed VMID 106 belongs to db\./],
  ])("stops the plan when another %s holds the VMID", async (_, vmId, words) => {
    await expect(await openStack(guarded(vmId, "ollama-1"), { guests })).toRejectPlan(words);
  });

  test("lets the stack plan nothing when the guest is its own, and stops the plan when a stranger took the VMID behind Terraform's back", async () => {
    const stack = await openStack(guarded(201, "ollama-1"), { guests });
    await expect(stack).toApplyAndThenPlanNothing();
    await stack.workspace.world.addGuest({ vmId: 201, name: "stranger", node: "pve1" });
    await expect(stack).toRejectPlan(/VMID 201 belongs to stranger\./);
  });
});
