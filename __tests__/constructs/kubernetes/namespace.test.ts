import { Namespace, type NamespaceProps } from "../../../constructs/kubernetes/namespace";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<NamespaceProps>({ name: "ml" }, (stack, changed) => new Namespace(stack, "namespace", changed), [
  ["a name that ends in a hyphen", { name: "ml-" }, "name: invalid-kubernetes-name"],
  ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
]);
