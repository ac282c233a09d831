/**
 * When the Kubernetes minor versions that ended last got their last patches, as ISO dates (kubernetes.io/releases/patch-releases).
 * The oldest entry also stands for everything before it.
 */
export const KUBERNETES_ENDED: Readonly<Record<number, string>> = {
  28: "2024-10-28",
  29: "2025-02-28",
  30: "2025-06-28",
  31: "2025-10-28",
  32: "2026-02-28",
  33: "2026-06-28",
  34: "2026-10-27",
};

/** The oldest minor version in `KUBERNETES_ENDED`. */
export const OLDEST_KUBERNETES_ENDED = Math.min(...Object.keys(KUBERNETES_ENDED).map(Number));

/** How many minor versions a kubelet may be older than the API server (kubernetes.io/releases/version-skew-policy). */
export const KUBELET_SKEW = 3;

/** How many minor versions the API servers of one cluster may be apart (same page). */
export const API_SERVER_SKEW = 1;

/** The first minor version whose sidecars count for a pod's readiness by default (kubernetes.io/docs/concepts/workloads/pods/sidecar-containers). */
export const SIDECAR_MINOR = 29;

/** The label of each node with its host name (kubernetes.io/docs/reference/labels-annotations-taints). */
export const HOSTNAME_LABEL = "kubernetes.io/hostname";

/** Page that says how Helm is installed. */
export const HELM_INSTALL = "https://helm.sh/docs/intro/install";

/** Page that says how kubectl is installed. */
export const KUBECTL_INSTALL = "https://kubernetes.io/docs/tasks/tools/";
