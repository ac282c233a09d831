// The rights that a lab needs, and the documents that print them. What Proxmox makes of them: __tests__/providers/rights.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { grantCommands, rightsOf } from "../../doctor";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { clusterLab, labWith } from "../../testing/lab";

const ROOT = join(__dirname, "../..");
const home = parse(readFileSync(join(ROOT, "examples/default.yaml"), "utf8")) as LabInput;
const containersAlone = labWith(
  {
    cluster: undefined,
    kubernetes: undefined,
    ollama: undefined,
    proxmox: { ssh: undefined, nodes: { pve1: { gpus: undefined } } },
    defaults: { server: undefined, worker: undefined },
  },
  home,
);
const rights = (lab: LabInput, release: 8 | 9 = 9) => rightsOf(checkLab(lab, "/lab").lab, release);
const printed = (lab: LabInput) => grantCommands(rights(lab));
const documented = (page: string) => readFileSync(join(ROOT, "docs", page), "utf8").split("\n");
const names = (lab: LabInput, release: 8 | 9 = 9) => rights(lab, release).map(({ path, privilege }) => `${path} ${privilege}`);

test("docs/proxmox.md prints the commands for the containers of examples/default.yaml, line by line", () => {
  const commands = printed(containersAlone);
  expect(documented("proxmox.md").filter((line) => /^pveum (?!pool )/.test(line))).toEqual(commands);
});

test("docs/cluster.md prints the commands that the cluster of examples/default.yaml adds, line by line", () => {
  const before = new Set(printed(containersAlone));
  const added = printed(home).filter((command) => !before.has(command));
  expect(documented("cluster.md").filter((line) => line.startsWith("pveum "))).toEqual(added);
});

test("what is needed on / is granted on / alone", () => {
  expect(printed(clusterLab).filter((command) => command.includes("--propagate 0"))).toEqual([
    "pveum acl modify / --users terraform@pve --roles LabAudit --propagate 0",
  ]);
});

test("Mapping.Use reads a card's mapping, so Mapping.Audit is not asked for", () => {
  expect(names(clusterLab).filter((right) => right.startsWith("/mapping"))).toEqual([
    "/mapping/pci Mapping.Modify",
    "/mapping/pci Mapping.Use",
  ]);
});

test("a storage that only keeps files needs no Datastore.AllocateSpace", () => {
  expect(names(clusterLab).filter((right) => right.includes("AllocateSpace"))).toEqual([
    "/storage/local-lvm Datastore.AllocateSpace",
  ]);
});

test("Proxmox VE 8 reads the guest agent by VM.Monitor, 9 by VM.GuestAgent.Audit", () => {
  const agent = /Monitor|GuestAgent/;
  expect(names(clusterLab, 8).filter((right) => agent.test(right))).toEqual(["/vms VM.Monitor"]);
  expect(names(clusterLab, 9).filter((right) => agent.test(right))).toEqual(["/vms VM.GuestAgent.Audit"]);
});
