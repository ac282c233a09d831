import { ApiNetworkPolicy, type ApiNetworkPolicyProps } from "../../../constructs/ollama/api-network-policy";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<ApiNetworkPolicyProps>(
  { namespace: "ml" },
  (stack, changed) => new ApiNetworkPolicy(stack, "policy", changed),
  [
    ["a namespace in capitals", { namespace: "ML" }, "namespace: invalid-kubernetes-name"],
    ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
    ["Traefik in a namespace that is none", { traefikNamespace: "kube_system" }, "traefikNamespace: invalid-kubernetes-name"],
    ["a further namespace that is none", { namespaces: ["chat", "Chat"] }, "namespaces: invalid-kubernetes-name"],
  ],
);
