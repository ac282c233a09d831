import { TerraformStack, Testing } from "cdktf";
import { OLLAMA_CHART } from "../../../catalog/ollama";
import { HelmChart, type HelmChartProps } from "../../../constructs/kubernetes/helm-chart";
import { releaseOf } from "../../../testing/kubernetes";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: HelmChartProps = { name: "ollama", namespace: "ml", chart: "ollama", values: {} };

test("a chart comes from its project's repository, in the version of the catalog, where nobody says another", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  new HelmChart(stack, "chart", props);
  expect(releaseOf(JSON.parse(Testing.synth(stack)) as StackJson, "ollama")).toMatchObject({
    repository: OLLAMA_CHART.repository,
    version: OLLAMA_CHART.version,
    timeout: 900,
  });
});

describe("rejected props", () => {
  testRejectedProps<HelmChartProps>(props, (stack, changed) => new HelmChart(stack, "chart", changed), [
    ["a name that ends in a hyphen", { name: "ollama-" }, "name: invalid-kubernetes-name"],
    ["a name of 54 characters", { name: "a".repeat(54) }, "name: release-name-too-long"],
    ["a namespace in capitals", { namespace: "ML" }, "namespace: invalid-kubernetes-name"],
    ["a range of versions", { version: "~1.77" }, "version: chart-version-not-exact"],
    ["a repository that is no URL", { source: { repository: "helm.otwld.com" } }, "source.repository: invalid-url"],
    ["an OCI registry over https", { source: { oci: "https://registry.lab.example/charts" } }, "source.oci: invalid-oci"],
    ["a file in a home folder", { source: { file: "~/ollama.tgz" } }, "source.file: invalid-file-path"],
    ["a value that the chart has not", { moreValues: { replicas: 2 } }, "moreValues: unknown-chart-key"],
    ["a value of another type", { moreValues: { replicaCount: "2" } }, "moreValues: wrong-chart-type"],
    ["no time to wait", { timeoutSeconds: 0 }, "timeoutSeconds: out-of-range"],
    ["half a second", { timeoutSeconds: 0.5 }, "timeoutSeconds: out-of-range"],
  ]);
});
