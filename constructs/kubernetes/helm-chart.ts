import { Release } from "@cdktf/provider-helm/lib/release";
import type { ITerraformDependable, TerraformResource, TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { checkChartValues, type KnownChart } from "../../catalog/charts";
import { checkChartVersion } from "../../grammar/helm-chart";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkProps, prop, required } from "../props-error";
import { terraformName, verbatim } from "../terraform-text";
import { canonicalJson, mergeValues } from "./values";

/** Where a chart comes from: a repository, an OCI registry, or a .tgz, its path relative to the stack's folder. */
export type ChartSource = { readonly repository: string } | { readonly oci: string } | { readonly file: string };

export interface HelmChartProps {
  /** Name of the release, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  readonly namespace: string;
  readonly chart: KnownChart;
  readonly source: ChartSource;
  /** Exact. */
  readonly version: string;
  /** What this project says. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the user says beyond it: merged over the values, and checked against the chart's keys. @default nothing */
  readonly moreValues?: Readonly<Record<string, unknown>>;
  /** How long Helm waits for the pods, in seconds. @default 900 */
  readonly timeoutSeconds?: number;
  /** When that is replaced, so is this. @default nothing */
  readonly replacedWith?: TerraformResource;
  readonly dependsOn?: ITerraformDependable[];
}

/** A chart, installed by Helm. */
export class HelmChart extends Construct {
  readonly resource: Release;

  constructor(scope: Construct, id: string, props: HelmChartProps) {
    super(scope, id);
    const { chart, source, version, moreValues = {} } = props;
    checkProps(scope, id, [
      prop("name", props.name, checkKubernetesName),
      required("name", props.name.length <= 53, {
        code: "release-name-too-long",
        message: `the name ${props.name} has ${props.name.length} characters, and a Helm release at most 53`,
        remedy: "Shorten it.",
      }),
      prop("version", version, checkChartVersion),
      ...checkChartValues(chart, version, moreValues).map((fault) => ({ prop: `moreValues.${fault.key}`, fault })),
    ]);
    this.resource = new Release(this, "Resource", {
      name: props.name,
      namespace: props.namespace,
      ...("file" in source ? { chart: source.file } : { chart, repository: "oci" in source ? source.oci : source.repository }),
      version,
      values: [verbatim(canonicalJson(mergeValues(props.values, moreValues)))],
      ...RELEASE_SETTINGS,
      timeout: props.timeoutSeconds ?? 900,
      lifecycle: replacedWith(props.replacedWith),
      dependsOn: props.dependsOn,
    });
    this.resource.overrideLogicalId(terraformName(props.name));
  }
}

/** Settings that every release of this project has. */
export const RELEASE_SETTINGS = {
  // The provider forgets a create that failed, and the next apply would find the name in use.
  upgradeInstall: true,
  wait: true,
  // Would uninstall on a failed first install, and take away what there is to look at.
  atomic: false,
  maxHistory: 10,
} as const;

/**
 * Ties a release to another resource's life. By its id, which stays through changes in place: named as a whole, it would replace the release
 * then, too.
 */
export function replacedWith(other: TerraformResource | undefined): TerraformResourceLifecycle | undefined {
  return other && { replaceTriggeredBy: [`${other.terraformResourceType}.${other.friendlyUniqueId}.id`] };
}
