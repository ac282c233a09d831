import { Release } from "@cdktf/provider-helm/lib/release";
import type { ITerraformDependable, TerraformResource, TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { CHARTS, checkChartValues, type KnownChart } from "../../catalog/charts";
import type { Check } from "../../grammar/fault";
import { checkFilePath } from "../../grammar/file-path";
import { checkChartVersion, checkOciUrl } from "../../grammar/helm-chart";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkWhole, HELM_WAIT_SECONDS_BOUNDS } from "../../grammar/size";
import { checkHttpUrl } from "../../grammar/url";
import { checkProps, type PropCheck, prop } from "../props-error";
import { terraformName, verbatim } from "../terraform-text";
import { canonicalJson, mergeValues } from "./values";

/** Where a chart comes from. */
export type ChartSource =
  | {
      /** URL of a repository. */
      readonly repository: string;
    }
  | {
      /** URL of an OCI registry, such as `oci://registry.lab.example/charts`, without the chart's name. */
      readonly oci: string;
    }
  | {
      /** Path of a .tgz, relative to the stack's folder. */
      readonly file: string;
    };

/** Which chart a construct installs, and what the user says beyond the construct's own props. */
export interface ChartChoice {
  /** Where the chart comes from. @default the repository of the chart's project */
  readonly source?: ChartSource;
  /** Exact version of the chart. Changing it upgrades the release. @default the version in the chart's file of catalog/ */
  readonly version?: string;
  /** Further values of the chart, merged over the construct's own, and checked against the chart's keys. @default none */
  readonly moreValues?: Readonly<Record<string, unknown>>;
}

/** One release of a chart that catalog/ knows. */
export interface HelmChartProps extends ChartChoice {
  /** Name of the release, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  /** Namespace of the release. Changing it replaces the release. */
  readonly namespace: string;
  /** Name of the chart. */
  readonly chart: KnownChart;
  /** The values that the construct gives. */
  readonly values: Readonly<Record<string, unknown>>;
  /** How many seconds Helm waits for the pods. @default 900 */
  readonly timeoutSeconds?: number;
  /** A resource whose replacement replaces the release. @default none */
  readonly replacedWith?: TerraformResource;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/** A chart, installed by Helm. */
export class HelmChart extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: Release;

  constructor(scope: Construct, id: string, props: HelmChartProps) {
    super(scope, id);
    const { chart, moreValues = {} } = props;
    const { source = { repository: CHARTS[chart].repository }, version = CHARTS[chart].version } = props;
    checkProps(scope, id, [
      ...releaseChecks(props),
      prop("version", version, checkChartVersion),
      ...("file" in source
        ? [prop("source.file", source.file, checkFilePath)]
        : "oci" in source
          ? [prop("source.oci", source.oci, checkOciUrl)]
          : [prop("source.repository", source.repository, checkHttpUrl)]),
      ...checkChartValues(chart, version, moreValues).map((fault) => ({ prop: "moreValues", fault })),
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

/** Refuses a name that is longer than Helm takes. */
const checkReleaseLength: Check<string> = (name) =>
  name.length <= 53
    ? undefined
    : {
        code: "release-name-too-long",
        message: `the name ${name} has ${name.length} characters, but a Helm release has at most 53`,
        remedy: "Shorten it.",
      };

/** The checks of what every Helm release has. */
export function releaseChecks({
  name,
  namespace,
  timeoutSeconds,
}: Pick<HelmChartProps, "name" | "namespace" | "timeoutSeconds">): PropCheck[] {
  return [
    prop("name", name, checkKubernetesName),
    prop("name", name, checkReleaseLength),
    prop("namespace", namespace, checkKubernetesName),
    prop("timeoutSeconds", timeoutSeconds, checkWhole(HELM_WAIT_SECONDS_BOUNDS)),
  ];
}

/** Settings that every release of this project has. */
export const RELEASE_SETTINGS = {
  // The provider forgets a release whose first install failed. Without this the next apply would fail, because the name is in use.
  upgradeInstall: true,
  wait: true,
  // With atomic, Helm would uninstall after a failed first install, and nothing would be left to look at.
  atomic: false,
  maxHistory: 10,
} as const;

/**
 * Ties the life of a release to that of another resource. The id stays the same through changes in place; a reference to the whole resource
 * would replace the release with each of them.
 */
export function replacedWith(other: TerraformResource | undefined): TerraformResourceLifecycle | undefined {
  return other && { replaceTriggeredBy: [`${other.terraformResourceType}.${other.friendlyUniqueId}.id`] };
}
