import { matching, type ValueCheck } from "./fault";

/** Refuses a name that Kubernetes does not take for a namespace, a Service or a StorageClass (RFC 1123 label). */
export const checkKubernetesName: ValueCheck<string> = matching(
  /^(?!-)[a-z0-9-]{1,63}(?<!-)$/,
  "invalid-kubernetes-name",
  "a name that Kubernetes takes",
  "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
);

/** Refuses what is not one exact chart version: a range is planned as one version and applied as another. */
export const checkChartVersion: ValueCheck<string> = matching(
  /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
  "chart-version-not-exact",
  "one exact version of a chart",
  "Write it in full, such as 1.77.0; no range, no latest.",
);

/** Refuses an image reference without a tag or digest, and one that is `latest`: what runs would change by itself. */
export const checkImage: ValueCheck<string> = matching(
  /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})$/,
  "invalid-image",
  "an image with an exact tag",
  "Write the repository and a tag or digest, such as ollama/ollama:0.32.15; not latest.",
);
