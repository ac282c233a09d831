import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { Construct } from "constructs";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkProps, prop } from "../props-error";

export interface NamespaceProps {
  /** Also the resource's name in Terraform. Changing it replaces the namespace, and everything in it. */
  readonly name: string;
  /** What it is a part of, for the label `app.kubernetes.io/part-of`. */
  readonly partOf: string;
}

/** A namespace with the labels that Kubernetes recommends. */
export class Namespace extends Construct {
  readonly resource: NamespaceV1;

  constructor(scope: Construct, id: string, props: NamespaceProps) {
    super(scope, id);
    checkProps(scope, id, [prop("name", props.name, checkKubernetesName)]);
    this.resource = new NamespaceV1(this, "Resource", {
      metadata: { name: props.name, labels: recommendedLabels(props.name, props.partOf) },
    });
    this.resource.overrideLogicalId(props.name);
  }
}

/** The labels that Kubernetes recommends for every object (app.kubernetes.io/…). */
export function recommendedLabels(name: string, partOf: string): Record<string, string> {
  return { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": partOf, "app.kubernetes.io/managed-by": "terraform" };
}
