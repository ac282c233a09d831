// A deployed lab is split by node with the commands that synth prints: nothing is planned after them, whether its state is a file or on a server.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { splitCommands } from "../../stacks/split-state";
import { labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { terraformBinary } from "../../testing/terraform/process";
import { StateServer } from "../../testing/terraform/state-server";
import type { Workspace } from "../../testing/terraform/workspace";
import { planned, refusal, running, withRig } from "./rig";

/** Containers on two nodes: one is protected, one is in a pool, one leases its address. */
const whole: LabInput = labWith(
  {
    containers: {
      "ollama-2": { node: "pve2", protect: true },
      "ollama-3": { vmId: 203, address: "dhcp", node: "pve2" },
      "ollama-4": { vmId: 204, address: "192.0.2.24" },
    },
  },
  running,
);
const split: LabInput = { ...whole, state: { split: "node" } };

/** The commands that synth prints, for the program under test. */
function commandsFor(lab: LabInput, workspace: Workspace): string {
  const { lab: checked } = checkLab(lab, workspace.root);
  if (!checked.containers) throw new Error("the lab has no containers");
  return (
    splitCommands(checked, join(workspace.root, "cdktf.out"))
      .map((line) => line.replaceAll("terraform ", `${terraformBinary()} `))
      // The last line moves the former file, whose path synth prints relative to where it runs.
      .filter((line) => !line.startsWith("mv "))
      .join("\n")
  );
}

/** Runs them in the project's folder. A state server of this process answers meanwhile. */
async function follow(workspace: Workspace, lab: LabInput): Promise<void> {
  const script = commandsFor(lab, workspace);
  const { status, text } = await new Promise<{ status: number | null; text: string }>((done, failed) => {
    const child = spawn("bash", ["-c", script], { cwd: workspace.root, env: workspace.env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", failed);
    child.on("close", (code) => done({ status: code, text: Buffer.concat(chunks).toString("utf8") }));
  });
  if (status !== 0) throw new Error(`${script}\n${text}`);
}

describeWithProviders("a deployed lab that is split by node", () => {
  const world = withRig({ nodes: ["pve1", "pve2"] });

  test("stops before the commands, and plans nothing after them", async () => {
    const run = await world.rig.deployed(whole, "containers");
    // as: the rig opens workspaces.
    const workspace = run.workspace as Workspace;
    world.rig.edit(workspace, split);
    expect(workspace.stackNames).toEqual(["containers-pve1", "containers-pve2"]);
    expect(await refusal(workspace.stack("containers-pve1"))).toContain("the mark of another state");

    await follow(workspace, world.rig.here(split));
    expect(existsSync(join(workspace.root, "state-split/containers.tfstate"))).toBe(true);
    for (const name of workspace.stackNames) {
      const stack = workspace.stack(name);
      expect([name, await planned(stack)]).toEqual([name, {}]);
      expect([name, (await stack.plan()).outputs]).toEqual([name, {}]);
    }
  });

  test("goes on as two stacks: an edit of one node's container is planned in its stack alone", async () => {
    const run = await world.rig.deployed(whole, "containers");
    const workspace = run.workspace as Workspace;
    world.rig.edit(workspace, split);
    await follow(workspace, world.rig.here(split));
    world.rig.edit(workspace, labWith({ containers: { "ollama-4": { cores: 4 } } }, split));
    expect(await planned(workspace.stack("containers-pve1"))).toEqual({
      "proxmox_virtual_environment_container.ollama-4": "update",
    });
    expect(await planned(workspace.stack("containers-pve2"))).toEqual({});
  });

  test("deploys from nothing as two stacks, and plans nothing after it", async () => {
    const workspace = await world.rig.open(split);
    for (const name of workspace.stackNames) await workspace.stack(name).deploy();
    for (const name of workspace.stackNames) expect([name, await planned(workspace.stack(name))]).toEqual([name, {}]);
  });
});

describeWithProviders("a deployed lab that is split by node, with its state on a server", () => {
  const world = withRig({ nodes: ["pve1", "pve2"] });
  let states: StateServer;
  beforeAll(async () => {
    states = await StateServer.start();
  });
  afterAll(() => states.stop());

  /** The lab with its states on the server, one for each stack, each with its lock. */
  function onServer(lab: LabInput, how: "none" | "node"): LabInput {
    const address = `${states.url}/{lab}/{stack}`;
    const settings = { address, lock_address: address, unlock_address: address };
    return { ...lab, state: { type: "http", settings, split: how } };
  }

  /** Takes away the file by which workspaces keep states in files of their own. */
  function keepingBackends(workspace: Workspace): Workspace {
    for (const name of workspace.stackNames) rmSync(join(workspace.stack(name).folder, "backend_override.tf.json"));
    return workspace;
  }

  test("has a backup first, then two states, and plans nothing after the commands", async () => {
    const workspace = keepingBackends(await world.rig.open(onServer(whole, "none")));
    await workspace.stack("containers").deploy();
    expect(states.paths).toEqual(["/test/containers"]);
    const former = states.state("/test/containers");

    const after = onServer(whole, "node");
    world.rig.edit(workspace, after);
    keepingBackends(workspace);
    expect(await refusal(workspace.stack("containers-pve1"))).toContain("the mark of another state");

    const asked = states.requests.length;
    await follow(workspace, world.rig.here(after));
    const since = states.requests.slice(asked);
    const backup = JSON.parse(readFileSync(join(workspace.root, "state-split/containers.tfstate"), "utf8")) as {
      resources: unknown[];
    };
    expect(backup.resources).toEqual((JSON.parse(former ?? "{}") as { resources: unknown[] }).resources);
    expect(since.indexOf("GET /test/containers")).toBeLessThan(since.findIndex((request) => request.startsWith("POST ")));
    expect(states.state("/test/containers")).toBe(former);
    expect(states.paths).toEqual(["/test/containers", "/test/containers-pve1", "/test/containers-pve2"]);
    // Each push and each refresh held the lock of its own state, and none is left.
    const pushed = ["/test/containers-pve1", "/test/containers-pve2"];
    expect(pushed.map((path) => since.includes(`LOCK ${path}`))).toEqual([true, true]);
    expect(states.locked).toEqual([]);
    for (const name of workspace.stackNames) {
      const plan = await workspace.stack(name).plan();
      expect([name, plan.succeeded, plan.changes, plan.outputs]).toEqual([name, true, {}, {}]);
    }
  });
});
