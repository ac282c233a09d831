import type { Chart } from "./chart";
import keys4134 from "./chart-keys/csi-driver-nfs-4.13.4.json";

/** The images of the chart (its values.yaml, `image`); each has a tag of its own there. */
const IMAGES = ["nfsplugin", "csi-provisioner", "csi-resizer", "csi-snapshotter", "livenessprobe", "csi-node-driver-registrar"];

/** The chart csi-driver-nfs (github.com/kubernetes-csi/csi-driver-nfs, folder charts). */
export const CSI_DRIVER_NFS_CHART = {
  name: "csi-driver-nfs",
  repository: "https://kubernetes-csi.github.io/csi-driver-nfs",
  version: "4.13.4",
  keys: { "4.13.4": keys4134 },
  images: () => IMAGES.map((image) => `registry.k8s.io/sig-storage/${image}`),
} as const satisfies Chart;

/** Name that the driver registers; a StorageClass names it as its provisioner (the chart's values.yaml, `driver.name`). */
export const NFS_PROVISIONER = "nfs.csi.k8s.io";

/** Mount options of the StorageClass unless something else is said: the ones that the driver's own example has. */
export const NFS_MOUNT_OPTIONS = ["nfsvers=4.1"] as const;
