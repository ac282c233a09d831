import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { Construct } from "constructs";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkLabelValue } from "../../grammar/kubernetes-node";
import { checkProps, prop } from "../props-error";
import { terraformName } from "../terraform-text";

/** One namespace. */
export interface NamespaceProps {
  /** Also the resource's name in Terraform, with a `_` before a digit at its beginning. Changing it replaces the namespace, and everything in it. */
  readonly name: string;
  /** Refuse to destroy it. With a namespace go all claims in it, those included that Terraform no longer manages. @default false */
  readonly protect?: boolean;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
}

/** A namespace with the labels that Kubernetes recommends. */
export class Namespace extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: NamespaceV1;

  constructor(scope: Construct, id: string, props: NamespaceProps) {
    super(scope, id);
    checkProps(scope, id, [prop("name", props.name, checkKubernetesName), prop("partOf", props.partOf, checkLabelValue)]);
    this.resource = new NamespaceV1(this, "Resource", {
      metadata: { name: props.name, labels: recommendedLabels(props.name, props.partOf) },
      ...(props.protect && { lifecycle: { preventDestroy: true } }),
    });
    this.resource.overrideLogicalId(terraformName(props.name));
  }
}

/** The labels that Kubernetes recommends for every object (app.kubernetes.io/…). */
export function recommendedLabels(name: string, partOf?: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": name,
    ...(partOf !== undefined && { "app.kubernetes.io/part-of": partOf }),
    "app.kubernetes.io/managed-by": "terraform",
  };
}
