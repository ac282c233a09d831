import { TerraformStack, Testing } from "cdktf";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { ModelPull, type ModelPullProps } from "../../../constructs/ollama/model-pull";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<ModelPullProps, "objects">;

const props: Props = {
  name: "ollama-models",
  namespace: "ml",
  server: "http://ollama.ml.svc:11434",
  image: "ollama/ollama:0.32.15",
  release: "ollama",
  claim: { name: "ollama", accessMode: "ReadWriteOnce" },
  models: ["llama3.2:1b"],
};
const make = (stack: TerraformStack, changed: Props) =>
  new ModelPull(stack, "pull", { ...changed, objects: new ObjectsChart(stack) });

testRejectedProps<Props>(props, make, [
  ["a server that is no URL", { server: "ollama.ml.svc:11434" }, "server: invalid-url"],
  ["the image latest", { image: "ollama/ollama:latest" }, "image: invalid-image"],
  ["a release in capitals", { release: "Ollama" }, "release: invalid-kubernetes-name"],
  ["a claim in capitals", { claim: { ...props.claim, name: "Ollama" } }, "claim.name: invalid-kubernetes-name"],
  ["no models", { models: [] }, "models: no-models"],
  ["a model with a space", { models: ["llama 3"] }, "models: invalid-model"],
  ["no time", { timeoutSeconds: 0 }, "timeoutSeconds: out-of-range"],
]);

test("the Job runs the script that it mounts", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  make(stack, props);
  expect(Testing.synth(stack).replaceAll("\\", "")).toContain('"command":["/bin/sh","/scripts/pull-models.sh"]');
});
