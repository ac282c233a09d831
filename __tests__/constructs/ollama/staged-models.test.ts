import type { TerraformStack } from "cdktf";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { StagedModelsMount, type StagedModelsProps } from "../../../constructs/ollama/staged-models";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<StagedModelsProps, "objects">;

const props: Props = {
  name: "ollama-models",
  namespace: "ml",
  share: { path: "/volume1/ollama" },
  releaseId: "r1",
  models: ["llama3.2:1b"],
  image: "ollama/ollama:0.32.15",
};
const make = (stack: TerraformStack, changed: Props) =>
  new StagedModelsMount(stack, "models", { ...changed, objects: new ObjectsChart(stack) });

testRejectedProps<Props>(props, make, [
  ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
  ["a share at a relative path", { share: { path: "ollama" } }, "share.path: invalid-path"],
  ["a share on a server of one label", { share: { ...props.share, server: "nas" } }, "share.server: invalid-host"],
  ["a release in a folder", { releaseId: "a/b" }, "releaseId: invalid-release"],
  ["the image latest", { image: "ollama/ollama:latest" }, "image: invalid-image"],
  ["a model with a space", { models: ["llama 3"] }, "models: invalid-model"],
]);
