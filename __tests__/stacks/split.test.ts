// `state.split: node`: the containers of each Proxmox node have a stack and a state of their own.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Testing } from "cdktf";
import { stringify } from "yaml";
import { run } from "../../cli";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { buildLab } from "../../stacks";
import { isStillWhole, splitCommands } from "../../stacks/split-state";
import { synthesize } from "../../stacks/synthesize";
import { addresses, type Changes, clusterLab, labWith, problemsOf, synthesized } from "../../testing/lab";

const whole = labWith({
  proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
  containers: {
    "ollama-2": { vmId: 202, address: "192.0.2.22", node: "pve2", protect: true },
    "ollama-3": { vmId: 203, address: "192.0.2.23" },
  },
});
const split = (changes: Changes = {}, lab: LabInput = whole) =>
  labWith(changes, { ...lab, state: { ...lab.state, split: "node" } });
const containersIn = (stack: Parameters<typeof addresses>[0] | undefined) =>
  stack ? Object.keys(stack.resource["proxmox_virtual_environment_container"] ?? {}) : undefined;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "split-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the stacks of a lab that is split by node", () => {
  const stacks = synthesized(split());

  test("are one for each node with containers", () =>
    expect(Object.keys(stacks)).toEqual(["containers-pve1", "containers-pve2"]));
  test("have the containers of their nodes", () => {
    expect(Object.values(stacks).map(containersIn)).toEqual([["ollama-1", "ollama-3"], ["ollama-2"]]);
  });
  test("have the same addresses as the one stack, together", () => {
    const shared = ["terraform_data.guests_checked", "terraform_data.this_state"];
    const ofNodes = Object.values(stacks).flatMap((stack) => addresses(stack).filter((address) => !shared.includes(address)));
    const inOne = Object.values(synthesized(whole)).flatMap((stack) => addresses(stack));
    expect(ofNodes.sort()).toEqual(inOne.filter((address) => !shared.includes(address)).sort());
  });
  test("have a state each", () => {
    const paths = Object.values(stacks).map(({ terraform }) => JSON.stringify(terraform["backend"]));
    expect(paths.map((path) => /containers-pve\d\.tfstate/.exec(path)?.[0])).toEqual([
      "containers-pve1.tfstate",
      "containers-pve2.tfstate",
    ]);
  });
  test("tell Ansible of their own containers", () => {
    expect(Object.values(stacks).map(({ output }) => Object.keys(output?.["addresses"]?.value ?? {}))).toEqual([
      ["ollama-1", "ollama-3"],
      ["ollama-2"],
    ]);
  });
  test("do not miss the protected guests of other nodes, which bear the same mark", () => {
    expect(stacks["containers-pve1"]?.locals?.["guests_refused"]).toContain('found.mark.node == "pve1"');
  });
  test("leave the cluster one stack", () => {
    const lab = split({ containers: whole.containers, proxmox: whole.proxmox, defaults: whole.defaults }, clusterLab);
    expect(Object.keys(synthesized(lab))).toEqual(["containers-pve1", "containers-pve2", "cluster", "platform"]);
  });
});

test("a lab that is not split misses its protected guests on every node", () => {
  expect(synthesized(whole)["containers"]?.locals?.["guests_refused"]).not.toContain("found.mark.node ==");
});
test("what must fit together is checked across the stacks", () => {
  const lab = split({ containers: { "ollama-2": { vmId: 201 } } });
  expect(problemsOf(lab).map(({ code }) => code)).toContain("duplicate-vmid");
});
test("a file on a shared datastore is downloaded by one stack, and the others come after it", () => {
  const template = { url: "https://mirror.lab.example/ubuntu-22.04.tar.zst", sha256: "a".repeat(64) };
  const lab = split({ storage: { files: "nas", shared: ["nas"] }, defaults: { container: { template } } });
  const { lab: checked, warnings } = checkLab(lab, folder);
  const summaries = synthesize(checked, warnings, join(folder, "cdktf.out"));
  expect(summaries.map(({ resources }) => resources["proxmox_download_file"])).toEqual([1, undefined]);
  const { stacks } = JSON.parse(readFileSync(join(folder, "cdktf.out/manifest.json"), "utf8")) as {
    stacks: Record<string, { dependencies: string[] }>;
  };
  expect(stacks["containers-pve2"]?.dependencies).toEqual(["containers-pve1"]);
});

describe("the list of a stack's addresses", () => {
  const listOf = (lab: LabInput, stack: string) => {
    const { lab: checked, warnings } = checkLab(lab, folder);
    synthesize(checked, warnings, join(folder, "cdktf.out"));
    return readFileSync(join(folder, "cdktf.out/stacks", stack, "addresses.txt"), "utf8");
  };
  test("has all of them, one on a line", () => {
    const expected = addresses(synthesized(split())["containers-pve2"] ?? { resource: {}, terraform: {} });
    expect(listOf(split(), "containers-pve2").trimEnd().split("\n").sort()).toEqual(expected);
  });
  test("is not there in a lab that is not split", () => expect(() => listOf(whole, "containers")).toThrow("ENOENT"));
});

describe("the commands that divide the state", () => {
  const commandsOf = (lab: LabInput) => {
    const { lab: checked } = checkLab(lab, folder);
    if (!checked.containers) throw new Error("the lab has no containers");
    return splitCommands(checked, "cdktf.out").join("\n");
  };
  test("read the local state from its file", () => {
    expect(commandsOf(split())).toContain("-backend-config=path=");
  });
  test("read a state elsewhere by the setting that names it", () => {
    const lab = split({ state: { type: "s3", settings: { bucket: "states", key: "{lab}/{stack}.tfstate" } } });
    expect(commandsOf(lab)).toContain("-backend-config=key=test/containers.tfstate");
  });
  test("make the backup before anything is pushed", () => {
    const commands = commandsOf(split());
    expect(commands.indexOf("state pull > state-split/containers.tfstate")).toBeLessThan(commands.indexOf("state push"));
  });
  test("are for every stack", () => expect(commandsOf(split())).toContain("for stack in containers-pve1 containers-pve2; do"));
});

describe("synth", () => {
  const synth = async (lab: LabInput) => {
    writeFileSync(join(folder, "lab.yaml"), stringify(lab));
    return (await run(["synth", join(folder, "lab.yaml")], { CDKTF_OUTDIR: join(folder, "cdktf.out") })).stdout;
  };
  test("says nothing of states while nothing is deployed", async () => {
    expect(await synth(split())).not.toContain("state push");
  });
  test("prints the commands when the local state of all containers is there", async () => {
    mkdirSync(join(folder, "state/test"), { recursive: true });
    writeFileSync(join(folder, "state/test/containers.tfstate"), "{}");
    expect(await synth(split())).toContain("Before the next deploy: the containers have one state still");
  });
  test("prints them for a state elsewhere when the output before was not split", async () => {
    const state = { type: "s3", settings: { bucket: "states", key: "{stack}" } } as const;
    await synth({ ...whole, state });
    expect(await synth(split({ state }))).toContain("state push");
  });
  test("is not in doubt about a lab that is not split", () => {
    const { lab } = checkLab(whole, folder);
    if (!lab.containers) throw new Error("the lab has no containers");
    expect(isStillWhole(lab, folder)).toBe(false);
  });
});

test("a lab of TypeScript does not print a warning that a stack of its containers has", () => {
  const printed = jest.spyOn(console, "warn").mockReturnValue();
  const template = { url: "https://mirror.lab.example/ubuntu-22.04.tar.zst" };
  buildLab(Testing.app(), split({ defaults: { container: { template } } }));
  expect(printed).not.toHaveBeenCalled();
  printed.mockRestore();
});

test("the commands that divide the state are one whole script", () => {
  const { lab } = checkLab(split(), folder);
  if (!lab.containers) throw new Error("the lab has no containers");
  const commands = splitCommands(lab, "cdktf.out");
  expect(spawnSync("bash", ["-n"], { input: commands.join("\n"), encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  expect(commands.slice(0, 2)).toEqual(["set -euo pipefail", "mkdir state-split"]);
  expect(commands.slice(-3)).toEqual([
    '  terraform -chdir=cdktf.out/stacks/"$stack" apply -input=false -refresh-only -auto-approve',
    "done",
    expect.stringMatching(/^mv .*containers\.tfstate state-split\/former\.tfstate$/),
  ]);
});
