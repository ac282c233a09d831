import { Namespace } from "../../../constructs/kubernetes/namespace";
import { ClaimsGuard, type ClaimsGuardProps } from "../../../constructs/ollama/claims-guard";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<Omit<ClaimsGuardProps, "namespace">>(
  { releases: {} },
  (stack, changed) => {
    const { resource } = new Namespace(stack, "namespace", { name: "ml" });
    return new ClaimsGuard(stack, "claims", { namespace: { name: "ml", resource, protect: true }, ...changed });
  },
  [["a claim without its namespace", { kept: ["ollama"] }, "kept: invalid-kubernetes-name"]],
);
