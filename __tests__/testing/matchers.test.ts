import { describeWithTool } from "../../testing/external-tool";
import { openStack } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

describeWithTool("terraform", "a matcher on a stack", () => {
  test("names the planned changes and the wanted ones when they differ", async () => {
    const stack = await openStack(containers({ a: container(201, "a"), b: container(202, "b") }));
    await expect(expect(stack).toPlanExactly({ "proxmox_virtual_environment_container.a": "create" })).rejects.toThrow(
      /exactly\s+proxmox_virtual_environment_container\.a: create.*Planned:.*container\.b: create/s,
    );
  });

  test("shows Terraform's diagnostic and its place when a stack is not valid", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }));
    await expect(expect(stack).toBeValid()).rejects.toThrow(
      /cdk\.tf\.json:\d+: resource\.proxmox_virtual_environment_container\.a.*a number is required/s,
    );
  });

  test("does not take one rejection for another", async () => {
    const stack = await openStack(containers({ a: container(201, "a", { cpu: [{ cores: "many" }] }) }));
    await expect(expect(stack).toRejectPlan(/Cycle/)).rejects.toThrow(/a message like \/Cycle\//);
  });

  test("does not take a warning for a rejection", async () => {
    const dns = [{ server: "192.0.2.1" }];
    const stack = await openStack(containers({ a: container(201, "a", { initialization: [{ hostname: "a", dns }] }) }));
    await expect(expect(stack).toBeInvalid(/deprecated/)).rejects.toThrow(/warning: Argument is deprecated/);
  });

  test("does not take a plan that succeeds for a rejection", async () => {
    const stack = await openStack(containers({ a: container(201, "a") }));
    await expect(expect(stack).toRejectPlan(/./)).rejects.toThrow(/terraform plan.*: succeeded/);
  });

  test("does not take a failed plan for one that replaces nothing", async () => {
    const stack = await openStack(containers({ a: container(201, "${local.missing}") }));
    await expect(expect(stack).toReplaceNothing()).rejects.toThrow(/Reference to undeclared local value/);
  });

  test("tells a sensitive output from a plain and a missing one", async () => {
    const stack = await openStack(
      {
        variable: { token: { type: "string", sensitive: true } },
        output: { token: { value: "${var.token}", sensitive: true }, plain: { value: "x" } },
      },
      { variables: { token: "abc" } },
    );
    await expect(stack).toHaveSensitiveOutput("token");
    await expect(stack).not.toHaveSensitiveOutput("plain");
    await expect(expect(stack).toHaveSensitiveOutput("missing")).rejects.toThrow(/token: sensitive/);
  });
});

describe("toHaveExactly", () => {
  const config = containers({ a: container(201, "a"), b: container(202, "b", { node_name: "pve2" }) });
  const type = "proxmox_virtual_environment_container";

  test("counts the resources of a type", () => {
    expect(config).toHaveExactly(2, type);
    expect(config).toHaveExactly(0, "helm_release");
  });

  test("counts those with the properties only", () => {
    expect(config).toHaveExactly(1, type, { node_name: "pve2" });
    expect(config).toHaveExactly(2, type, { vm_id: expect.any(Number) });
  });

  test("fails when one more matches than wanted, and says which differ", () => {
    expect(() => expect(config).toHaveExactly(1, type)).toThrow(/2 of 2 match/);
    expect(() => expect(config).toHaveExactly(2, type, { node_name: "pve2" })).toThrow(/differs: .*\.a/);
  });

  test("finds nothing in a configuration without resources", () => {
    expect(configuration(["null"], {})).toHaveExactly(0, "null_resource");
  });
});
