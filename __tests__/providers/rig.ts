// What the tests of this folder share: a rig for a test file, and the labs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { LabInput } from "../../lab/schema";
import { labWith } from "../../testing/lab";
import { ProxmoxRig, type RigOptions } from "../../testing/proxmox/deployed-lab";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";
import { ROOT } from "../examples/example-labs";
import { OPERATOR_COMMANDS, SECRETS } from "../terraform/operator-commands";

/** Starts a rig before the tests of a `describe`, stops it after them. */
export function withRig(options: RigOptions = {}): { readonly rig: ProxmoxRig } {
  const holder: { rig?: ProxmoxRig } = {};
  beforeAll(async () => {
    holder.rig = await ProxmoxRig.start({ commands: OPERATOR_COMMANDS, variables: SECRETS, ...options });
  });
  beforeEach(async () => {
    await holder.rig?.proxmox.reset();
  });
  afterAll(() => holder.rig?.stop());
  return {
    get rig(): ProxmoxRig {
      if (!holder.rig) throw new Error("the rig has not started");
      return holder.rig;
    },
  };
}

/** A lab that the project ships, as its file has it. */
export function shippedLab(file: string): LabInput {
  return parse(readFileSync(join(ROOT, file), "utf8")) as LabInput;
}

/** What a plan would do, by address; throws with Terraform's words where there is no plan. */
export async function planned(stack: StackRun, ...flags: string[]): Promise<Record<string, Action>> {
  const plan = await stack.plan(...flags);
  if (!plan.succeeded) throw new Error(describeRun(plan));
  return plan.changes;
}

/** The words with which a plan or an apply was refused, on one line; throws where it was not. */
export async function refusal(stack: StackRun, how: "plan" | "apply" = "plan"): Promise<string> {
  const run = how === "plan" ? await stack.plan() : await stack.apply();
  if (run.succeeded) throw new Error(`terraform ${how} was to be refused, but it succeeded`);
  return describeRun(run).replaceAll(/\s+/g, " ");
}

/** Two containers on one of two nodes, from a template that is downloaded. */
export const running: LabInput = labWith({
  proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
  defaults: { container: { template: { url: "https://mirror.lab.example/ubuntu-22.04.tar.zst", sha256: "a".repeat(64) } } },
  containers: { "ollama-2": { vmId: 202, address: "192.0.2.22" } },
});
