import { isAbsolute, join, relative } from "node:path";
import type { TerraformStack } from "cdktf";
import { CHARTS, type KnownChart } from "../catalog/charts";
import { ClusterAccess } from "../constructs/kubernetes/cluster-access";
import type { ChartSource } from "../constructs/kubernetes/helm-chart";
import type { Chart, Lab } from "../lab/lab";
import { stackFolder } from "./stack-folder";

/** The path of a file that the lab names, relative to the stack's folder, where Terraform runs. An absolute path stays as it is. */
export function fileFrom(stack: TerraformStack, lab: Lab, path: string): string {
  return isAbsolute(path) ? path : relative(stackFolder(stack), join(lab.directory, path));
}

/** Makes the providers that reach the lab's cluster. */
export function clusterAccess(stack: TerraformStack, lab: Lab, kubeconfig = lab.kubernetes.kubeconfig): ClusterAccess {
  return new ClusterAccess(stack, "access", { kubeconfig: fileFrom(stack, lab, kubeconfig) });
}

/** Where a chart comes from: the source that the lab names, else the mirror of charts, else the repository that publishes it. */
export function chartSource(stack: TerraformStack, lab: Lab, name: KnownChart, { version, source }: Chart): ChartSource {
  if (source) return "file" in source ? { file: fileFrom(stack, lab, source.file) } : source;
  const mirror = lab.mirrors.charts;
  if (!mirror) return { repository: CHARTS[name].repository };
  if (mirror.startsWith("oci://")) return { oci: mirror };
  return mirror.startsWith("https://")
    ? { repository: mirror }
    : { file: fileFrom(stack, lab, `${mirror}/${name}-${version}.tgz`) };
}
