import { matching, type TextCheck } from "./fault";

/** Refuses a name that Kubernetes does not take for a namespace, a Service or a StorageClass (RFC 1123 label). */
export const checkKubernetesName: TextCheck = matching(
  { pattern: /^(?!-)[a-z0-9-]{1,63}(?<!-)$/, example: "ollama" },
  "invalid-kubernetes-name",
  "a name that Kubernetes takes",
  "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
);

/** Refuses a name that Kubernetes takes for no object at all (RFC 1123 subdomain): labels with dots between them, at most 253 characters. */
export const checkObjectName: TextCheck = matching(
  { pattern: /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, example: "ollama.tls" },
  "invalid-kubernetes-name",
  "a name that Kubernetes takes",
  "Use lower-case letters, digits, hyphens and dots, and begin and end with a letter or a digit.",
);

/** Refuses what is not NAMESPACE/NAME of a claim. */
export const checkClaimPath: TextCheck = matching(
  { pattern: /^(?!-)[a-z0-9-]{1,63}(?<!-)\/[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, example: "ml/ollama" },
  "invalid-kubernetes-name",
  "a claim with its namespace",
  "Write NAMESPACE/NAME, as the plan shows it, such as ml/ollama.",
);

/** Refuses a name that Kubernetes does not take for a Service (RFC 1035 label): it begins with a letter. */
export const checkServiceName: TextCheck = matching(
  { pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, example: "ollama" },
  "invalid-kubernetes-name",
  "a name that Kubernetes takes for a Service",
  "Use 1 to 63 lower-case letters, digits and hyphens; begin with a letter and end with a letter or a digit.",
);
