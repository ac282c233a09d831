import { TerraformStack as Stack, type TerraformStack, Testing } from "cdktf";
import { DevicePlugin, type DevicePluginProps } from "../../../constructs/kubernetes/device-plugin";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { valuesOf } from "../../../testing/kubernetes";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<DevicePluginProps, "objects">;

const make = (stack: TerraformStack, props: Props) =>
  new DevicePlugin(stack, "plugin", { ...props, objects: new ObjectsChart(stack) });

test("without a word it runs where this project's GPU workers are", () => {
  const stack = new Stack(Testing.app({ stackTraces: false }), "stack");
  make(stack, {});
  expect(valuesOf(JSON.parse(Testing.synth(stack)) as StackJson, "nvidia-device-plugin")).toMatchObject({
    nodeSelector: { "nvidia.com/gpu.present": "true" },
    tolerations: [{ key: "CriticalAddonsOnly" }, { key: "nvidia.com/gpu" }],
  });
});

describe("rejected props", () => {
  testRejectedProps<Props>({}, make, [
    ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
    ["a selector that is no label", { nodeSelector: { "gpu present": "true" } }, "nodeSelector: invalid-label"],
    ["a taint's key with a space", { taintKey: "nvidia gpu" }, "taintKey: invalid-taint"],
    ["one share of a GPU", { timeSlicing: 1 }, "timeSlicing: out-of-range"],
    ["65 shares of a GPU", { timeSlicing: 65 }, "timeSlicing: out-of-range"],
    ["two and a half shares", { timeSlicing: 2.5 }, "timeSlicing: out-of-range"],
    ["an image without a tag", { smokeTestImage: "nvidia/cuda" }, "smokeTestImage: invalid-image"],
  ]);
});
