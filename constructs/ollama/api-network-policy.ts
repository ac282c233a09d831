import { NetworkPolicyV1 } from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { recommendedLabels } from "../kubernetes/namespace";

export interface ApiNetworkPolicyProps {
  readonly namespace: string;
  readonly partOf: string;
  /** Namespace that Traefik runs in. */
  readonly traefikNamespace: string;
  /** Further namespaces that may reach the API. */
  readonly namespaces: readonly string[];
  readonly dependsOn?: ITerraformDependable[];
}

/** Lets only Traefik, the namespace itself and named namespaces reach Ollama. K3s enforces it by its own controller. */
export class ApiNetworkPolicy extends Construct {
  readonly resource: NetworkPolicyV1;

  constructor(scope: Construct, id: string, props: ApiNetworkPolicyProps) {
    super(scope, id);
    const namespace = (name: string) => ({ matchLabels: { "kubernetes.io/metadata.name": name } });
    const others = [...new Set([props.namespace, ...props.namespaces])].sort();
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
                namespaceSelector: namespace(props.traefikNamespace),
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
