// A lab that was deployed before guests bore marks (testing/proxmox/before-marks: what was synthesized then), planned by today's code.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import type { TerraformJson } from "../../testing/terraform/output";
import { ROOT } from "../examples/example-labs";
import { planned, refusal, running, withRig } from "./rig";

describeWithProviders("a lab that was deployed before guests bore marks", () => {
  const world = withRig();

  test.each<["containers" | "cluster", LabInput]>([
    ["containers", running],
    ["cluster", clusterLab],
  ])(
    "%s: one printed step marks the guests; nothing is replaced, stopped or opened, and the next plan is empty",
    async (name, lab) => {
      const { rig } = world;
      const text = readFileSync(join(ROOT, "testing/proxmox/before-marks", `${name}.json`), "utf8");
      const former = JSON.parse(text.replaceAll("https://ENDPOINT/", rig.proxmox.endpoint)) as TerraformJson & {
        terraform: Record<string, unknown>;
        provider: { proxmox: { ssh?: Record<string, unknown> }[] };
      };
      const { ssh } = rig.here(lab).proxmox ?? {};
      const [provider] = former.provider.proxmox;
      if (provider?.ssh && ssh) {
        provider.ssh = {
          ...provider.ssh,
          username: ssh.username,
          node: [{ name: "pve1", address: "127.0.0.1", port: ssh.port }],
        };
      }
      // Where the lab of today has its state.
      former.terraform["backend"] = { local: { path: `../../../state/test/${name}.tfstate` } };
      const workspace = await rig.openOutput({ [name]: former });
      await workspace.stack(name).deploy();
      const before = (await rig.proxmox.state()).guests;

      rig.edit(workspace, lab);
      const stack = workspace.stack(name);
      expect(await refusal(stack)).toMatch(/which bears no mark of a state\..*adopt: "unmarked"/);
      const adopt = "unmarked";
      rig.edit(
        workspace,
        labWith({ defaults: name === "containers" ? { container: { adopt } } : { server: { adopt }, worker: { adopt } } }, lab),
      );
      const changes = await planned(stack);
      // What is replaced is text on the node: the snippet of a VM, which reads it at its first boot only.
      const replaced = Object.entries(changes).filter(
        ([address, action]) => /delete|replace/.test(action) && !address.includes("environment_file"),
      );
      expect(replaced).toEqual([]);
      const count = rig.proxmox.requests().length;
      await stack.deploy();
      const since = rig.proxmox.requests().slice(count);
      expect(since.filter(({ method, path }) => method === "POST" && /status\/(stop|shutdown|reboot|start)/.test(path))).toEqual(
        [],
      );
      expect(since.filter(({ params }) => params["enable"] === "0" || params["policy_in"] === "ACCEPT")).toEqual([]);
      const after = (await rig.proxmox.state()).guests;
      for (const [id, guest] of Object.entries(before)) expect([id, after[id]?.running]).toEqual([id, guest.running]);
      expect(await planned(stack)).toEqual({});
      rig.edit(workspace, lab);
      expect(await planned(stack)).toEqual({});
    },
  );
});
