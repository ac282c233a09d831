// What an edit of a lab that runs changes in the output. `npm run test:terraform` asks Terraform what it plans for that.
import { isDeepStrictEqual } from "node:util";
import type { LabInput } from "../../lab/schema";
import { type Changes, labWith, ollamaLab, stackOf } from "../../testing/lab";
import { BOOTSTRAP_EDITS, deliveredTo, RUNNING_CLUSTER } from "./edits";

const SNIPPET = "proxmox_virtual_environment_file";

test.each(deliveredTo("ollama-1"))("%s changes the inventory, since Ansible delivers it", (_, changes) => {
  const [then, now] = [labWith({}), labWith(changes)].map((lab) => stackOf(lab, "containers").output?.["inventory"]);
  expect(now).not.toEqual(then);
});

test.each(BOOTSTRAP_EDITS)("%s changes the data of those it concerns, and of no other", (_, changes, keys) => {
  const dataOf = (lab: LabInput) => stackOf(lab, "cluster").resource[SNIPPET] ?? {};
  const before = dataOf(RUNNING_CLUSTER);
  const changed = Object.entries(dataOf(labWith(changes, RUNNING_CLUSTER))).filter(
    ([name, one]) => !isDeepStrictEqual(one, before[name]),
  );
  expect(changed.map(([name]) => name).sort()).toEqual(keys.map((key) => `${key}_user-data`).sort());
});

test.each<[edit: string, changes: Changes]>([
  ["other resources", { resources: { limits: { memory: "8Gi" } } }],
  ["another keep-alive", { keepAlive: "30m" }],
  ["another value of the chart", { values: { podAnnotations: { note: "mine" } } }],
])("%s of a release change no output", (_, changes) => {
  const outputs = (lab: LabInput) => stackOf(lab, "ollama").output;
  expect(outputs(labWith({ ollama: { releases: { ollama: changes } } }, ollamaLab))).toEqual(outputs(ollamaLab));
});

test("an inventory that no environment can hold is refused with configure: true, with the way out", () => {
  const environment = { OLLAMA_ORIGINS: "x".repeat(128 * 1024) };
  const lab = labWith({ configure: true, containers: { "ollama-1": { ollama: { environment } } } });
  expect(() => stackOf(lab, "containers")).toThrow(
    /inventory-too-long: the inventory has \d+ bytes, .*at most 131061\n.*configure: false/,
  );
});
