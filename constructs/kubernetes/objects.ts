import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Release } from "@cdktf/provider-helm/lib/release";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformResource, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { checkObjectName } from "../../grammar/kubernetes-name";
import { checkProps, prop, required } from "../props-error";
import { sharedIn } from "../shared";
import { terraformName, verbatim } from "../terraform-text";
import { RELEASE_SETTINGS, releaseChecks, replacedWith } from "./helm-chart";
import { canonicalJson } from "./values";

const CHART = join(__dirname, "../../templates/objects-chart");

/** The version of the local chart. Only its Chart.yaml has it. */
function chartVersion(): string {
  const version = /^version: (\S+)$/m.exec(readFileSync(join(CHART, "Chart.yaml"), "utf8"))?.[1];
  if (version === undefined) throw new Error(`${join(CHART, "Chart.yaml")} names no version.`);
  return version;
}

/** Any Kubernetes object. */
export interface KubernetesObject {
  /** Group and version of its kind, such as `batch/v1`. */
  readonly apiVersion: string;
  /** Its kind, such as `Job`. */
  readonly kind: string;
  /** What it is called, and its labels and annotations. */
  readonly metadata: {
    /** Name of the object. */
    readonly name: string;
    /** Its namespace. @default none: it belongs to the whole cluster */
    readonly namespace?: string;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

const CHARTS_OF_STACKS = new WeakMap<TerraformStack, ObjectsChart>();

/** The local chart that installs objects as they are, copied into the stack's folder. A stack has one. */
export class ObjectsChart {
  /** As its Chart.yaml says. */
  readonly version = chartVersion();
  private readonly asset: TerraformAsset;

  constructor(stack: TerraformStack) {
    this.asset = new TerraformAsset(sharedIn(stack), "objects-chart", { path: CHART, type: AssetType.DIRECTORY });
    CHARTS_OF_STACKS.set(stack, this);
  }

  /** The chart of the stack that a construct is in. It is made when it is asked for first. */
  static of(scope: Construct): ObjectsChart {
    const stack = TerraformStack.of(scope);
    return CHARTS_OF_STACKS.get(stack) ?? new ObjectsChart(stack);
  }

  /** Path of the chart, from the stack's folder. */
  get path(): string {
    return `./${this.asset.path}`;
  }
}

/** Objects, and the release that holds them. */
export interface KubernetesObjectsProps {
  /** Name of the release, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  /** Namespace of the release. Changing it replaces the release. */
  readonly namespace: string;
  /** The stack's local chart. @default the one that the stack has, or a new one */
  readonly chart?: ObjectsChart;
  /** The objects, at least one. */
  readonly objects: readonly KubernetesObject[];
  /** How many seconds Helm waits for hooks. @default 300 */
  readonly timeoutSeconds?: number;
  /** A resource whose replacement replaces the release. @default none */
  readonly replacedWith?: TerraformResource;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * Kubernetes objects of any kind, installed by Helm from a local chart. A plan needs neither their definitions nor the cluster, which
 * `kubernetes_manifest` does, and it shows each field that changes.
 */
export class KubernetesObjects extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: Release;

  constructor(scope: Construct, id: string, props: KubernetesObjectsProps) {
    super(scope, id);
    checkProps(scope, id, [
      ...releaseChecks(props),
      required("objects", props.objects.length > 0, {
        code: "no-objects",
        message: `the release ${props.name} has no objects`,
        remedy: "Give at least one, or leave the release out.",
      }),
      ...props.objects.map(({ metadata }) => prop("objects", metadata.name, checkObjectName)),
    ]);
    const { chart = ObjectsChart.of(this) } = props;
    this.resource = new Release(this, "Resource", {
      name: props.name,
      namespace: props.namespace,
      chart: chart.path,
      // Without a version Helm's provider asks the cluster for the installed one, in the plan already (helm 3.1.1, with upgrade_install).
      version: chart.version,
      values: [verbatim(canonicalJson({ objects: props.objects }))],
      ...RELEASE_SETTINGS,
      timeout: props.timeoutSeconds ?? 300,
      lifecycle: replacedWith(props.replacedWith),
      dependsOn: props.dependsOn,
    });
    this.resource.overrideLogicalId(terraformName(props.name));
  }
}
