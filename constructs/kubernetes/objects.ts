import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Release } from "@cdktf/provider-helm/lib/release";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformResource, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { terraformName, verbatim } from "../terraform-text";
import { RELEASE_SETTINGS, replacedWith } from "./helm-chart";
import { canonicalJson } from "./values";

const CHART = join(__dirname, "../../templates/objects-chart");

/** The version of the local chart: what its Chart.yaml says, and nothing else says it. */
function chartVersion(): string {
  const version = /^version: (\S+)$/m.exec(readFileSync(join(CHART, "Chart.yaml"), "utf8"))?.[1];
  if (version === undefined) throw new Error(`${join(CHART, "Chart.yaml")} names no version.`);
  return version;
}

/** Any Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The local chart that installs objects as they are, copied into the stack's folder. One per stack. */
export class ObjectsChart {
  /** As its Chart.yaml says. */
  readonly version = chartVersion();
  private readonly asset: TerraformAsset;

  constructor(stack: TerraformStack) {
    // Directly below the stack, where its folder's name is not hashed.
    this.asset = new TerraformAsset(stack, "objects-chart", { path: CHART, type: AssetType.DIRECTORY });
  }

  /** Path of the chart, from the stack's folder. */
  get path(): string {
    return `./${this.asset.path}`;
  }
}

export interface KubernetesObjectsProps {
  /** Name of the release, and of the resource in Terraform. */
  readonly name: string;
  readonly namespace: string;
  readonly chart: ObjectsChart;
  readonly objects: readonly KubernetesObject[];
  /** How long Helm waits for hooks, in seconds. @default 300 */
  readonly timeoutSeconds?: number;
  /** When that is replaced, so is this. @default nothing */
  readonly replacedWith?: TerraformResource;
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * Kubernetes objects of any kind, installed by Helm from a local chart. So they plan before their definitions or even the cluster exist,
 * which `kubernetes_manifest` cannot, and the plan shows each field that changes.
 */
export class KubernetesObjects extends Construct {
  readonly resource: Release;

  constructor(scope: Construct, id: string, props: KubernetesObjectsProps) {
    super(scope, id);
    this.resource = new Release(this, "Resource", {
      name: props.name,
      namespace: props.namespace,
      chart: props.chart.path,
      // Without a version Helm's provider asks the cluster for the installed one, in the plan already (helm 3.1.1, with upgrade_install).
      version: props.chart.version,
      values: [verbatim(canonicalJson({ objects: props.objects }))],
      ...RELEASE_SETTINGS,
      timeout: props.timeoutSeconds ?? 300,
      lifecycle: replacedWith(props.replacedWith),
      dependsOn: props.dependsOn,
    });
    this.resource.overrideLogicalId(terraformName(props.name));
  }
}
