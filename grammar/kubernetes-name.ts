import { matching, type ValueCheck } from "./fault";

/** Refuses a name that Kubernetes does not take for a namespace, a Service or a StorageClass (RFC 1123 label). */
export const checkKubernetesName: ValueCheck<string> = matching(
  /^(?!-)[a-z0-9-]{1,63}(?<!-)$/,
  "invalid-kubernetes-name",
  "a name that Kubernetes takes",
  "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
);
