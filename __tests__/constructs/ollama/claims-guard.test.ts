import { TerraformStack, Testing } from "cdktf";
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

/** What the plan says where the guard stops it: of a claim, and of a namespace. */
function messages(releases: ClaimsGuardProps["releases"]): string[] {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  const { resource } = new Namespace(stack, "namespace", { name: "ml" });
  new ClaimsGuard(stack, "claims", { namespace: { name: "ml", resource, protect: true }, releases });
  const { resource: resources } = JSON.parse(Testing.synth(stack)) as {
    resource: { kubernetes_namespace_v1: { ml: { lifecycle: { precondition: { error_message: string }[] } } } };
  };
  return resources.kubernetes_namespace_v1.ml.lifecycle.precondition.map(({ error_message }) => error_message);
}

test("a claim whose release left can be kept, or let go", () => {
  expect(messages({})[0]).toBe(
    '${join("\\n", [for name in local.protected_claims_left : "The claim ml/${name} is protected, but the lab has no release ${name} any more. ' +
      "Terraform would delete the claim, and the models. To keep it in the cluster, write in the lab, and deploy: " +
      "ollama: { keptClaims: [ml/${name}] }. To let it be deleted, run: " +
      'kubectl -n ml label persistentvolumeclaim ${name} ollama-lab/protected-by-"])}',
  );
});
test("claims of a former namespace can be kept where the releases have none now", () => {
  expect(messages({ ollama: { protect: true } })[1]).toContain(
    "ollama: { namespace: ${name} }. Or go to ml, and keep ${name} with its claims in the cluster: ollama: { keptClaims: [${name}/ollama] }. To let",
  );
});
test("where every release has a claim, the way back is the only one besides letting go", () => {
  expect(messages({})[1]).toContain("Write in the lab: ollama: { namespace: ${name} }. To let it be deleted, run: kubectl label");
});

test("a claim that stays, and the namespace of one, are taken out of the state and not deleted", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  const { resource } = new Namespace(stack, "namespace", { name: "ml" });
  new ClaimsGuard(stack, "claims", { namespace: { name: "ml", resource, protect: true }, releases: {}, kept: ["old/chat"] });
  const { removed } = JSON.parse(Testing.synth(stack)) as { removed: { from: string; lifecycle: { destroy: boolean } }[] };
  expect(removed).toEqual(
    ["kubernetes_persistent_volume_claim_v1.chat", "kubernetes_namespace_v1.old"].map((from) => ({
      from,
      lifecycle: { destroy: false },
    })),
  );
});

test("what the stack has and keeps is none of what is left", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  const { resource } = new Namespace(stack, "namespace", { name: "ml" });
  const kept = ["ml/chat", "old/chat"];
  new ClaimsGuard(stack, "claims", {
    namespace: { name: "ml", resource, protect: true },
    releases: { ollama: { protect: true } },
    kept,
  });
  const { locals } = JSON.parse(Testing.synth(stack)) as { locals: Record<string, string> };
  expect(Object.values(locals).map((text) => /contains\((\[.*?\])/.exec(text)?.[1])).toEqual([
    '["ollama","chat"]',
    '["ml","old"]',
  ]);
});
