// What `diff` says of an edit on the Kubernetes side, against what Terraform plans for it. __tests__/providers/diff.test.ts does the same for guests.
import { type Change, compare } from "../../changes/compare";
import { type Output, stackOutput } from "../../changes/output";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { synthesized } from "../../stacks/synthesize";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Workspace } from "../../testing/terraform/workspace";

/** On a cluster that is there already, two releases. */
const running: LabInput = labWith(
  {
    kubernetes: gpuLab.kubernetes,
    ollama: {
      releases: { ollama: { host: "ollama.lab.example", protect: false }, chat: { models: ["mistral:7b"], protect: false } },
    },
  },
  ollamaLab,
);

const outputOf = (lab: LabInput): Output =>
  Object.fromEntries(
    Object.entries(synthesized(checkLab(lab, "/lab").lab, "/lab/cdktf.out")).map(([id, json]) => [id, stackOutput(json)]),
  );

const PLANNED: Readonly<Partial<Record<Change["action"], string>>> = {
  destroyed: "delete",
  replaced: "replace",
  restarted: "update",
  created: "create",
  changed: "update",
};

describeWithTool("terraform", "diff and the plan agree", () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await openLab(running);
    await workspace.stack("ollama").deploy();
  });

  test.each<[string, Changes]>([
    ["one more model", { releases: { ollama: { models: ["llama3.2:1b", "qwen2.5:3b"] } } }],
    ["another StorageClass", { releases: { ollama: { storageClass: "fast" } } }],
    ["a release less", { releases: { chat: undefined } }],
    [
      "a network policy, a variable and a protection more",
      { networkPolicy: {}, releases: { chat: { protect: true, keepAlive: "30m" } } },
    ],
  ])("about %s", async (_, ollama) => {
    const after = labWith({ ollama }, running);
    editLab(workspace, after);
    const plan = await workspace.stack("ollama").plan();
    const changes = compare(outputOf(running), outputOf(after)).filter(({ stack }) => stack === "ollama");
    const said = changes.flatMap(({ address, action }) => (PLANNED[action] ? [[address, PLANNED[action]]] : []));
    expect(plan.succeeded || describeRun(plan)).toBe(true);
    // Terraform may read something again before it changes it.
    const planned = Object.entries(plan.changes).filter(([, action]) => action !== "read");
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(planned));
  });
});
