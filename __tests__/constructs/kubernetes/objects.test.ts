import type { TerraformStack } from "cdktf";
import { KubernetesObjects, type KubernetesObjectsProps, ObjectsChart } from "../../../constructs/kubernetes/objects";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<KubernetesObjectsProps, "chart">;

const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" } };
const make = (stack: TerraformStack, props: Props) =>
  new KubernetesObjects(stack, "objects", { ...props, chart: new ObjectsChart(stack) });

testRejectedProps<Props>({ name: "objects", namespace: "ml", objects: [object] }, make, [
  ["a name that ends in a hyphen", { name: "objects-" }, "name: invalid-kubernetes-name"],
  ["a name of 54 characters", { name: "a".repeat(54) }, "name: release-name-too-long"],
  ["a namespace in capitals", { namespace: "ML" }, "namespace: invalid-kubernetes-name"],
  ["no objects", { objects: [] }, "objects: no-objects"],
  [
    "an object with a name in capitals",
    { objects: [{ ...object, metadata: { name: "Settings" } }] },
    "objects: invalid-kubernetes-name",
  ],
  ["more than a week to wait", { timeoutSeconds: 700_000 }, "timeoutSeconds: out-of-range"],
]);
