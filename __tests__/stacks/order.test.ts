// The order in which cdktf deploys the stacks of a lab.
import { Testing } from "cdktf";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { buildStacks } from "../../stacks";
import { airGappedLab, clusterLab, gpuLab, labWith } from "../../testing/lab";

/** What each stack of a lab comes after. */
function orderOf(input: LabInput): Record<string, string[]> {
  const { lab, warnings } = checkLab(input, "/lab");
  const stacks = buildStacks(Testing.app({ stackTraces: false }), lab, warnings);
  return Object.fromEntries(stacks.map((stack) => [stack.node.id, stack.dependencies.map(({ node }) => node.id).sort()]));
}

test("the platform comes after the cluster, and Ollama after both", () => {
  expect(orderOf(gpuLab)).toEqual({ cluster: [], platform: ["cluster"], ollama: ["cluster", "platform"] });
});

test("Ollama comes after the cluster where there is no platform", () => {
  const ollama = { releases: { ollama: { models: ["llama3.2:1b"] } } };
  const lab = labWith({ ollama, cluster: { workers: { "gpu-1": { gpus: [] } } } }, clusterLab);
  expect(orderOf(lab)).toEqual({ cluster: [], ollama: ["cluster"] });
});

test("Ollama comes after the models are staged", () => {
  expect(orderOf(airGappedLab)).toEqual({ "model-staging": [], ollama: ["model-staging"] });
});
