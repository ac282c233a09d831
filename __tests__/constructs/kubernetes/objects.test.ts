import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import { parse } from "yaml";
import { KubernetesObjects, type KubernetesObjectsProps, ObjectsChart } from "../../../constructs/kubernetes/objects";
import { gpuLab, labWith, synthesized } from "../../../testing/lab";
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

test("a release of the local chart names the chart's version, because Helm's provider asks the cluster for it in the plan otherwise", () => {
  const chart = join(__dirname, "../../../templates/objects-chart/Chart.yaml");
  const { version } = parse(readFileSync(chart, "utf8")) as { version: string };
  const lab = labWith({ ollama: { releases: { ollama: { host: "ollama.lab.example" } } } }, gpuLab);
  const releases = Object.values(synthesized(lab)).flatMap(({ resource }) => Object.entries(resource["helm_release"] ?? {}));
  const local = releases.filter(([, release]) => String(release["chart"]).includes("objects-chart"));
  expect(local.length).toBeGreaterThan(2);
  expect(local.filter(([, release]) => release["version"] !== version)).toEqual([]);
});
