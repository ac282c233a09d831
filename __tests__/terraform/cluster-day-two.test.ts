// What an edit of the lab does to a cluster that runs: a test plans one edit, or edits that concern different things, of a lab that has been applied.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, clusterLab, labWith } from "../../testing/lab";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";
import { BOOTSTRAP_EDITS, EVERYONE, RUNNING_CLUSTER, SPARE } from "../stacks/edits";
import { OPERATOR_COMMANDS, SECRETS } from "./operator-commands";

const VM = "proxmox_virtual_environment_vm";
const RULES = "proxmox_virtual_environment_firewall_rules";
const OPTIONS = "proxmox_virtual_environment_firewall_options";
const SNIPPET = "proxmox_virtual_environment_file";
const DOWNLOAD = "proxmox_download_file";
const MAPPING = "proxmox_hardware_mapping_pci";
const NULL = "null_resource";
const IMAGE = "noble-server-cloudimg-amd64-20250805-qcow2";

type Changed = Record<string, Action>;

async function applied(lab: LabInput): Promise<StackRun> {
  const stack = (await openLab(lab, { commands: OPERATOR_COMMANDS, variables: SECRETS })).stack("cluster");
  await stack.deploy();
  return stack;
}

/** What would happen to the applied stack if the lab were this one. */
async function edited(stack: StackRun, lab: LabInput, ...flags: string[]): Promise<Changed> {
  editLab(stack.workspace, lab);
  const plan = await stack.plan(...flags);
  if (!plan.succeeded) throw new Error(describeRun(plan));
  return plan.changes;
}

const all = (action: Action, ...addresses: string[]): Changed =>
  Object.fromEntries(addresses.map((address) => [address, action]));
/** What the text of a node's user data being another does by itself: to the snippet and to its hash, not to the VM. */
const newData = (...keys: string[]) =>
  all("replace", ...keys.flatMap((key) => [`${SNIPPET}.${key}_user-data`, `${NULL}.${key}_bootstrap`]));
/** A VM that comes, goes or is made anew, with what cannot be without it. */
const withMachine = (action: Action, ...keys: string[]) =>
  all(
    action,
    ...keys.flatMap((key) => [
      `${VM}.${key}`,
      `${RULES}.${key}`,
      `${OPTIONS}.${key}`,
      `${NULL}.${key}_host_key`,
      `terraform_data.${key}_firewall`,
    ]),
  );
/** A node that comes or goes, with all that is its own. */
const wholeNode = (action: Action, ...keys: string[]) => ({
  ...withMachine(action, ...keys),
  ...all(
    action,
    ...keys.flatMap((key) => [`${SNIPPET}.${key}_user-data`, `${SNIPPET}.${key}_meta-data`, `${NULL}.${key}_bootstrap`]),
  ),
});
/** The wait runs anew: a VM came, went or was replaced. */
const waitsAgain: Changed = { [`${NULL}.nodes_ready`]: "replace" };
const otherRules = (...keys: string[]) => all("update", ...keys.map((key) => `${RULES}.${key}`));

function reversed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describeWithTool("terraform", "a cluster that keeps its VMs", () => {
  const running = RUNNING_CLUSTER;
  const everyone = EVERYONE;
  let stack: StackRun;
  beforeAll(async () => {
    stack = await applied(running);
  });
  const edit = (changes: Changes, ...flags: string[]) => edited(stack, labWith(changes, running), ...flags);
  const cluster = (changes: Changes) => edit({ cluster: changes });
  const worker = (changes: Changes) => cluster({ workers: { "gpu-1": changes } });

  test("another order of keys, other name servers, a longer wait, a further Proxmox node and a policy for bootstrap changes change nothing", async () => {
    const changes = {
      network: { dns: ["192.0.2.2"] },
      cluster: { waitMinutes: 120, onBootstrapChange: "replaceWorkers" },
      proxmox: { nodes: { pve3: { address: "192.0.2.13" } } },
    };
    expect(await edited(stack, reversed(labWith(changes, running)) as LabInput)).toEqual({});
  });

  test("an added worker and a removed one come and go with what is their own; the others know, and the wait runs again", async () => {
    expect(await cluster({ workers: { "cpu-1": { vmId: 312, address: "192.0.2.42" }, "gpu-1": undefined } })).toEqual({
      ...wholeNode("create", "cpu-1"),
      ...wholeNode("delete", "gpu-1"),
      [`${MAPPING}.pve1_rtx`]: "delete",
      ...otherRules(...everyone.filter((key) => key !== "gpu-1")),
      ...waitsAgain,
    });
  });

  test("an edit of how VMs are set up changes no VM, and neither does a card in another slot, which changes its mapping", async () => {
    const moved: Changes = { proxmox: { nodes: { pve1: { gpus: { rtx: { path: "0000:02:00", iommuGroup: 13 } } } } } };
    const lab = [...BOOTSTRAP_EDITS.map(([, changes]) => changes), moved].reduce<LabInput>(
      (before, changes) => labWith(changes, before),
      running,
    );
    expect(await edited(stack, lab)).toEqual({ ...newData(...everyone), ...all("update", `${MAPPING}.pve1_rtx`) });
  });

  test("cores, memory, a larger disk, tags and protection change VMs in place, and nothing else", async () => {
    const workers = { "gpu-1": { memoryGiB: 64, tags: ["rack-1"] }, a: { cores: 12, diskGiB: 200, protect: true } };
    expect(await cluster({ workers })).toEqual(all("update", ...Object.keys(workers).map((key) => `${VM}.${key}`)));
  });

  test("another card is another mapping, the VM changed in place; another image is downloaded, and touches no VM", async () => {
    const image = { url: "https://images.lab.example/noble/20260101/noble-server-cloudimg-amd64.img" };
    expect(await cluster({ image, workers: { "gpu-1": { gpus: ["spare"] } } })).toEqual({
      [`${MAPPING}.pve1_rtx`]: "delete",
      [`${MAPPING}.pve1_spare`]: "create",
      [`${VM}.gpu-1`]: "update",
      [`${DOWNLOAD}.pve1_local_${IMAGE}`]: "delete",
      [`${DOWNLOAD}.pve1_local_${IMAGE.replace("20250805", "20260101")}`]: "create",
    });
  });

  test("a VM moves to another Proxmox node with its snippets and another card, and is not replaced", async () => {
    expect(await worker({ node: "pve2" })).toEqual({
      ...all("update", `${VM}.gpu-1`, `${RULES}.gpu-1`, `${OPTIONS}.gpu-1`),
      ...all("replace", `${SNIPPET}.gpu-1_user-data`, `${SNIPPET}.gpu-1_meta-data`),
      ...all("create", `${MAPPING}.pve2_rtx`, `${DOWNLOAD}.pve2_local_${IMAGE}`),
      [`${MAPPING}.pve1_rtx`]: "delete",
    });
  });

  test("a VM whose snippets lie elsewhere now is kept, and the plan warns with the command", async () => {
    editLab(stack.workspace, labWith({ storage: { files: "nas" } }, running));
    const plan = await stack.plan();
    expect(plan.changes).not.toHaveProperty(`${VM}.gpu-1`);
    const warnings = plan.diagnostics.map(({ severity, detail }) => `${severity} ${detail.replaceAll(/\s+/g, " ")}`);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^warning .*qm set 311 --cicustom user=nas:snippets\/k3s-311-user-data\.yaml,meta=nas:snippets/),
    );
  });

  test("another address stops the plan, since the running VM would keep its own", async () => {
    editLab(stack.workspace, labWith({ cluster: { workers: { "gpu-1": { address: "192.0.2.99" } } } }, running));
    await expect(stack).toRejectPlan(
      /test-gpu-1 was set up with the address 192\.0\.2\.41\/24 and keeps it.*terraform apply -replace=proxmox_virtual_environment_vm\.gpu-1/,
    );
  });

  test("a VM that is rebuilt takes its new address, gets its firewall and its place in the others', and is waited for", async () => {
    expect(await edit({ cluster: { workers: { "gpu-1": { address: "192.0.2.99" } } } }, `-replace=${VM}.gpu-1`)).toEqual({
      ...withMachine("replace", "gpu-1"),
      ...newData("gpu-1"),
      ...otherRules(...everyone.filter((key) => key !== "gpu-1")),
      ...waitsAgain,
    });
  });

  test("to several servers no VM is replaced, and the output says what to do first", async () => {
    const servers = {
      "k3s-2": { vmId: 302, address: "192.0.2.32" },
      "k3s-3": { vmId: 303, address: "192.0.2.33", node: "pve2" },
    };
    editLab(stack.workspace, labWith({ cluster: { firstServer: "k3s-1", servers } }, running));
    const plan = await stack.plan();
    expect(plan.changes).toEqual({
      ...wholeNode("create", "k3s-2", "k3s-3"),
      ...newData("k3s-1"),
      ...otherRules(...everyone),
      ...waitsAgain,
      [`${DOWNLOAD}.pve2_local_${IMAGE}`]: "create",
    });
    expect(plan.outputs).toMatchObject({ growing_from_one_server: "create" });
  });

  test("the real scripts ran at the apply, and left the kubeconfig", async () => {
    const calls = stack.workspace.commandCalls().filter((call) => call.startsWith("ssh "));
    expect(calls.join("\n")).toMatch(/ubuntu@192\.0\.2\.31.*ubuntu@192\.0\.2\.41/s);
    expect(calls.join("\n")).not.toMatch(/[0-9a-f]{64}/);
    const kubeconfig = join(stack.workspace.root, "kubeconfig-test");
    expect(readFileSync(kubeconfig, "utf8")).toContain("server: https://192.0.2.31:6443");
    expect((statSync(kubeconfig).mode & 0o777).toString(8)).toBe("600");
  });

  test("no plain output holds a token", async () => {
    const plain = Object.values(await stack.outputs()).filter(({ sensitive }) => !sensitive);
    expect(JSON.stringify(plain)).not.toMatch(/[5a]{64}/);
  });
});

describeWithTool("terraform", "a cluster whose workers are replaced with what they are made of", () => {
  const running = labWith(
    {
      ...SPARE,
      cluster: {
        onBootstrapChange: "replaceWorkers",
        joinToken: "ssh",
        pools: {
          cpu: { count: 1, nodes: ["pve1", "pve2"], firstVmId: 320, addresses: { from: "192.0.2.50", to: "192.0.2.59" } },
        },
      },
    },
    clusterLab,
  );
  const handsOverAgain: Changed = { ...waitsAgain, [`${NULL}.token_hand_over`]: "replace" };
  let stack: StackRun;
  beforeAll(async () => {
    stack = await applied(running);
  });
  const edit = (changes: Changes) => edited(stack, labWith(changes, running));

  test("K3s replaces every worker, and changes the data of the server, which stays", async () => {
    expect(await edit({ cluster: { k3sVersion: "v1.36.4+k3s1" } })).toEqual({
      ...newData("cpu-1", "gpu-1", "k3s-1"),
      ...withMachine("replace", "cpu-1", "gpu-1"),
      ...handsOverAgain,
    });
  });

  test("a policy of keep, set with the edit, replaces none", async () => {
    expect(await edit({ cluster: { k3sVersion: "v1.36.4+k3s1", onBootstrapChange: "keep" } })).toEqual(
      newData("cpu-1", "gpu-1", "k3s-1"),
    );
  });

  test("the policy of keep alone, a larger VM and another Proxmox node replace none", async () => {
    const workers = { "gpu-1": { memoryGiB: 64, node: "pve2" } };
    const changes = await edit({ cluster: { onBootstrapChange: "keep", workers } });
    expect(changes).toMatchObject({ [`${VM}.gpu-1`]: "update" });
    expect(Object.keys(changes).filter((address) => address.startsWith(NULL))).toEqual([]);
  });

  test("a larger pool has new members, and the old stay", async () => {
    expect(await edit({ cluster: { pools: { cpu: { count: 2 } } } })).toEqual({
      ...wholeNode("create", "cpu-2"),
      ...otherRules("cpu-1", "gpu-1", "k3s-1"),
      [`${DOWNLOAD}.pve2_local_${IMAGE}`]: "create",
      ...handsOverAgain,
    });
  });

  test("a smaller pool loses its last member", async () => {
    expect(await edit({ cluster: { pools: { cpu: { count: 0 } } } })).toEqual({
      ...wholeNode("delete", "cpu-1"),
      ...otherRules("gpu-1", "k3s-1"),
      ...handsOverAgain,
    });
  });

  test("the state has no token", async () => {
    const { stdout } = await stack.terraform("state", "pull");
    expect(stdout).toContain("proxmox_virtual_environment_file");
    expect(stdout).not.toMatch(/::(server|node):[0-9a-f]{64}/);
    expect(stdout).not.toMatch(/k3s_(server|agent)_token/);
  });

  test("the driver replaces the GPU worker, its firewall with it, and no other; tokens are handed over and awaited again, and then there is nothing more to do", async () => {
    editLab(stack.workspace, labWith({ cluster: { nvidiaDriver: "575" } }, running));
    const plan = await stack.plan();
    expect(plan.changes).toEqual({ ...newData("gpu-1"), ...withMachine("replace", "gpu-1"), ...handsOverAgain });
    const before = stack.workspace.commandCalls().length;
    expect(describeRun(await stack.apply(plan))).toMatch(/^terraform apply.*: succeeded/);
    const calls = stack.workspace.commandCalls().slice(before);
    expect(calls.filter((call) => call.includes("condition=ready")).length).toBeGreaterThan(0);
    await expect(stack).toPlanNothing();
  });
});
