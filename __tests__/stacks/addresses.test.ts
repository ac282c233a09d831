// Addresses that are no resource of the examples: what is read, and what runs on this machine.
import { addresses, labWith, ollamaLab, stackOf } from "../../testing/lab";

const dataOf = (stack: object) =>
  Object.entries((stack as { data?: Record<string, object> }).data ?? {})
    .flatMap(([type, items]) => Object.keys(items).map((name) => `${type}.${name}`))
    .sort();

test("of what the Ollama stack reads follow from the releases", () => {
  expect(dataOf(stackOf(labWith({ ollama: { releases: { chat: {} } } }, ollamaLab), "ollama"))).toEqual([
    "kubernetes_persistent_volume_claim_v1.chat",
    "kubernetes_persistent_volume_claim_v1.ollama",
    "kubernetes_resources.protected_claims",
    "kubernetes_resources.protected_namespaces",
  ]);
});
test("of what Ansible does within the deploy follow from the containers", () => {
  const local = addresses(stackOf(labWith({ configure: true }), "containers")).filter((address) =>
    address.startsWith("null_resource."),
  );
  expect(local).toEqual(["null_resource.configure", "null_resource.ollama-1_host_key"]);
});
