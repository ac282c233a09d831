import { K3S_STORAGE_CLASS } from "../../catalog/k3s";
import { finder } from "../finding";
import { accessModeOf } from "../kubernetes";
import type { Path } from "../problem";
import { rule } from "./rule";

const kinds = {
  "node-storage-shared": {
    severity: "error",
    stacks: ["ollama"],
    meaning: `Several pods share a claim of \`${K3S_STORAGE_CLASS}\`, but its volumes are folders of one node.`,
    example: `
      kubernetes: { storageClass: local-path } # and no nfs
      ollama:
        releases:
          ollama: { accessMode: ReadWriteMany, gpus: 0 }
    `,
    remedy: "Use a StorageClass on shared storage, such as the one of kubernetes.nfs.",
  },
  "storage-class-missing": {
    severity: "warning",
    stacks: ["ollama"],
    meaning: "A release needs a StorageClass that nothing in this lab creates in the new cluster.",
    example: `
      kubernetes: { storageClass: nfs-client } # and no nfs
      ollama:
        releases:
          ollama: { storageGi: 50 }
    `,
    remedy: `Set kubernetes.nfs, use ${K3S_STORAGE_CLASS}, or create the class before you deploy the stack ollama.`,
  },
} as const;
const found = finder(kinds);

/** In a cluster that the lab creates, a StorageClass exists only when K3s or the lab creates it. */
const storageClasses = rule(["ollama", "kubernetes", "cluster"], function* ({ ollama, kubernetes, cluster, airGapped }) {
  // An air-gapped lab has no claims.
  if (airGapped) return;
  for (const [key, release] of Object.entries(ollama.releases)) {
    const storageClass = release.storageClass ?? kubernetes.storageClass;
    const at: Path = release.storageClass
      ? ["ollama", "releases", key, "storageClass"]
      : kubernetes.storageClass === K3S_STORAGE_CLASS
        ? ["kubernetes", "storageClass"]
        : ["kubernetes", "nfs"];
    if (storageClass === K3S_STORAGE_CLASS && !cluster.disable.includes("local-storage")) {
      if (accessModeOf(release) === "ReadWriteOnce") continue;
      yield found(
        "node-storage-shared",
        at,
        `${key} wants a ReadWriteMany claim, but the volumes of ${K3S_STORAGE_CLASS} are folders of one node`,
      );
    } else if (!kubernetes.nfs || storageClass !== kubernetes.storageClass) {
      yield found(
        "storage-class-missing",
        at,
        `${key} takes its claim from the StorageClass ${storageClass}, but nothing in this lab creates it in the new cluster`,
      );
    }
  }
});

export const storage = { title: "Storage of Kubernetes", kinds, rules: [storageClasses] };
