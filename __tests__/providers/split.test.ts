// A deployed lab is split by node with the commands that synth prints: nothing is planned after them.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { splitCommands } from "../../stacks/split-state";
import { labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { terraformBinary } from "../../testing/terraform/process";
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

describeWithProviders("a deployed lab that is split by node", () => {
  const world = withRig({ nodes: ["pve1", "pve2"] });

  /** Runs the commands that synth prints, in the project's folder. */
  function follow(workspace: Workspace, lab: LabInput): void {
    const { lab: checked } = checkLab(world.rig.here(lab), workspace.root);
    if (!checked.containers) throw new Error("the lab has no containers");
    const script = splitCommands(checked, join(workspace.root, "cdktf.out"))
      .map((line) => line.replaceAll("terraform ", `${terraformBinary()} `))
      // The last line moves the former file, whose path synth prints relative to where it runs.
      .filter((line) => !line.startsWith("mv "))
      .join("\n");
    const { status, stderr, stdout } = spawnSync("bash", ["-c", script], {
      cwd: workspace.root,
      env: workspace.env,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${script}\n${stdout}\n${stderr}`);
  }

  test("stops before the commands, and plans nothing after them", async () => {
    const run = await world.rig.deployed(whole, "containers");
    // as: the rig opens workspaces.
    const workspace = run.workspace as Workspace;
    world.rig.edit(workspace, split);
    expect(workspace.stackNames).toEqual(["containers-pve1", "containers-pve2"]);
    expect(await refusal(workspace.stack("containers-pve1"))).toContain("the mark of another state");

    follow(workspace, split);
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
    follow(workspace, split);
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
