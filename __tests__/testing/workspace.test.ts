import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeWithTool } from "../../testing/external-tool";
import type { TerraformJson } from "../../testing/terraform/output";
import { openStack, Workspace } from "../../testing/terraform/workspace";
import { configuration, container, containers } from "./terraform-json";

const output = { x: { value: "1" } };

describeWithTool("terraform", "a workspace", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "output-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** A cdktf output folder in which `second` is listed before the stack it depends on. */
  function writeOutput(backend: object): void {
    const stacks: Record<string, object> = {};
    for (const [name, dependencies] of [
      ["second", ["first"]],
      ["first", []],
    ] as const) {
      stacks[name] = { name, workingDirectory: `stacks/${name}`, dependencies };
      mkdirSync(join(folder, "stacks", name), { recursive: true });
      writeFileSync(join(folder, "stacks", name, "cdk.tf.json"), JSON.stringify({ terraform: { backend }, output }));
    }
    writeFileSync(join(folder, "manifest.json"), JSON.stringify({ version: "0.21.0", stacks }));
  }

  test("lists an output's stacks in the order of their dependencies", async () => {
    writeOutput({ local: { path: "x.tfstate" } });
    expect((await Workspace.open(folder)).stackNames).toEqual(["first", "second"]);
  });

  test("keeps a relative state path as it is, outside cdktf.out", async () => {
    writeOutput({ local: { path: "../../../state/lab-first.tfstate" } });
    const workspace = await Workspace.open(folder);
    await workspace.stack("first").deploy();
    expect(existsSync(join(workspace.root, "state/lab-first.tfstate"))).toBe(true);
  });

  test.each([
    ["s3", { s3: { bucket: "states", key: "first", region: "eu-central-1" } }],
    ["absolute local", { local: { path: "/nowhere/first.tfstate" } }],
  ])("replaces the %s backend by a local one of its own", async (_name, backend) => {
    writeOutput(backend);
    const workspace = await Workspace.open(folder);
    await workspace.stack("first").deploy();
    expect(existsSync(join(workspace.root, "state/first.tfstate"))).toBe(true);
  });

  test("leaves the synthesized output untouched", async () => {
    writeOutput({ s3: { bucket: "states", key: "first", region: "eu-central-1" } });
    const workspace = await Workspace.open(folder);
    await workspace.stack("first").deploy();
    expect(existsSync(join(folder, "stacks/first/backend_override.tf.json"))).toBe(false);
    expect(existsSync(join(folder, "stacks/first/.terraform"))).toBe(false);
  });

  test("refuses a folder that holds no output", async () => {
    await expect(Workspace.open(folder)).rejects.toThrow(/neither a manifest\.json/);
  });

  test("names the stacks it has when asked for another", async () => {
    writeOutput({});
    const workspace = await Workspace.open(folder);
    expect(() => workspace.stack("third")).toThrow("The output has no stack third. It has: first, second.");
  });

  test("lets stacks share one world", async () => {
    const workspace = await Workspace.open({
      a: containers({ a: container(201, "a") }),
      b: containers({ b: container(202, "b") }),
    });
    await workspace.stack("a").deploy();
    await workspace.stack("b").deploy();
    expect((await workspace.world.guests()).map(({ vmId }) => vmId)).toEqual([201, 202]);
  });

  test("runs provisioners with stubbed commands and records their calls", async () => {
    const provisioner = [{ "local-exec": { command: "ssh k3s-1 'cat token'" } }];
    const config = configuration(["null"], { resource: { null_resource: { wait: { provisioner } } } });
    const stack = await openStack(config, { commands: { ssh: "" } });
    await stack.deploy();
    expect(stack.workspace.commandCalls()).toEqual(["ssh k3s-1 cat token"]);
  });

  test("shows what a failing provisioner said", async () => {
    const provisioner = [{ "local-exec": { command: "ssh k3s-1" } }];
    const config = configuration(["null"], { resource: { null_resource: { wait: { provisioner } } } });
    const stack = await openStack(config, { commands: { ssh: "echo unreachable >&2; exit 255" } });
    await expect(stack.deploy()).rejects.toThrow(/local-exec provisioner error.*unreachable/s);
  });

  test("hands no variable of the test run's own environment to terraform", async () => {
    process.env["TF_VAR_token"] = "from outside";
    try {
      const config: TerraformJson = { variable: { token: { type: "string", default: "default" } } };
      const stack = await openStack({ ...config, output: { token: { value: "${var.token}" } } });
      await stack.deploy();
      expect(await stack.outputs()).toMatchObject({ token: { value: "default" } });
    } finally {
      delete process.env["TF_VAR_token"];
    }
  });

  test("answers data sources as the fixtures say", async () => {
    const config = configuration(["proxmox"], {
      data: { proxmox_version: { this: {} } },
      output: { release: { value: "${data.proxmox_version.this.release}" } },
    });
    const stack = await openStack(config, { data: { proxmox_version: { release: "9.1" } } });
    await stack.deploy();
    expect(await stack.outputs()).toMatchObject({ release: { value: "9.1" } });
  });

  test("fails a plan whose fixtures answer an attribute that the data source does not have", async () => {
    const config = configuration(["proxmox"], { data: { proxmox_version: { this: {} } } });
    const stack = await openStack(config, { data: { proxmox_version: { realease: "9.1" } } });
    await expect(stack).toRejectPlan(/The fixture answers realease, which proxmox_version does not have/);
  });

  test("shows the configuration of day two after becoming it", async () => {
    const stack = await openStack({ output: { x: { value: "1" } } });
    stack.workspace.become({ stack: { output: { x: { value: "2" } } } });
    expect(stack.config).toEqual({ output: { x: { value: "2" } } });
    expect(readFileSync(join(stack.folder, "cdk.tf.json"), "utf8")).toContain('"2"');
  });
});
