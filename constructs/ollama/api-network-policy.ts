import { NetworkPolicyV1 } from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { K3S_TRAEFIK_NAMESPACE } from "../../catalog/k3s";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkLabelValue } from "../../grammar/kubernetes-node";
import { recommendedLabels } from "../kubernetes/namespace";
import { checkProps, prop } from "../props-error";

/** Who may reach the Ollamas of a namespace. */
export interface ApiNetworkPolicyProps {
  /** Namespace of Ollama. Changing it replaces the policy. */
  readonly namespace: string;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** Namespace that Traefik runs in. @default kube-system, where K3s runs it */
  readonly traefikNamespace?: string;
  /** Further namespaces whose pods may reach the API. @default none */
  readonly namespaces?: readonly string[];
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/** Lets only Traefik, the namespace itself and named namespaces reach Ollama. K3s enforces it with a controller of its own. */
export class ApiNetworkPolicy extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: NetworkPolicyV1;

  constructor(scope: Construct, id: string, props: ApiNetworkPolicyProps) {
    super(scope, id);
    const { traefikNamespace = K3S_TRAEFIK_NAMESPACE, namespaces = [] } = props;
    checkProps(scope, id, [
      prop("namespace", props.namespace, checkKubernetesName),
      prop("partOf", props.partOf, checkLabelValue),
      prop("traefikNamespace", traefikNamespace, checkKubernetesName),
      ...namespaces.map((name) => prop("namespaces", name, checkKubernetesName)),
    ]);
    const namespace = (name: string) => ({ matchLabels: { "kubernetes.io/metadata.name": name } });
    const others = [...new Set([props.namespace, ...namespaces])].sort();
    this.resource = new NetworkPolicyV1(this, "Resource", {
      metadata: { name: "ollama-api", namespace: props.namespace, labels: recommendedLabels("ollama", props.partOf) },
      spec: {
        podSelector: { matchLabels: { "app.kubernetes.io/name": "ollama" } },
        policyTypes: ["Ingress"],
        ingress: [
          {
            ports: [{ port: String(OLLAMA_PORT), protocol: "TCP" }],
            from: [
              {
                namespaceSelector: namespace(traefikNamespace),
                podSelector: { matchLabels: { "app.kubernetes.io/name": "traefik" } },
              },
              ...others.map((name) => ({ namespaceSelector: namespace(name) })),
            ],
          },
        ],
      },
      dependsOn: props.dependsOn,
    });
    this.resource.overrideLogicalId("ollama-api");
  }
}
