import { TerraformStack, Testing } from "cdktf";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { ModelStaging, type ModelStagingProps } from "../../../constructs/ollama/model-staging";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<ModelStagingProps, "objects">;

const props: Props = {
  share: { path: "/volume1/ollama", server: "192.0.2.5" },
  releaseId: "r1",
  models: ["llama3.2:1b"],
  image: "ollama/ollama:0.32.15",
};
const make = (stack: TerraformStack, changed: Props) =>
  new ModelStaging(stack, "staging", { ...changed, objects: new ObjectsChart(stack) });

testRejectedProps<Props>(props, make, [
  ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
  ["a share at a relative path", { share: { path: "ollama" } }, "share.path: invalid-path"],
  ["a share on a server of one label", { share: { ...props.share, server: "nas" } }, "share.server: invalid-host"],
  ["a release in a folder", { releaseId: "a/b" }, "releaseId: invalid-release"],
  ["a pinned release in a folder", { pinned: "a/b" }, "pinned: invalid-release"],
  ["the image latest", { image: "ollama/ollama:latest" }, "image: invalid-image"],
  ["no models", { models: [] }, "models: no-models"],
  ["a model with a space", { models: ["llama 3"] }, "models: invalid-model"],
  ["one release, so none to go back to", { keep: 1 }, "keep: out-of-range"],
  ["two and a half releases", { keep: 2.5 }, "keep: out-of-range"],
  ["no file system", { fileSystems: [] }, "fileSystems: no-file-systems"],
  ["a file system that is none", { fileSystems: ["NFS 4"] }, "fileSystems: invalid-file-system"],
  ["no time", { timeoutSeconds: 0 }, "timeoutSeconds: out-of-range"],
]);

test("staging takes a share over NFS of either version, and keeps two releases", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  make(stack, props);
  const text = Testing.synth(stack).replaceAll("\\", "");
  expect([
    /"MOUNT_CHECK".{0,20}?"nfs nfs4"|"name":\s*"MOUNT_CHECK",\s*"value":\s*"nfs nfs4"/.test(text),
    /"KEEP\w*".{0,30}?"2"/.test(text),
  ]).toEqual([true, true]);
});
