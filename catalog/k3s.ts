/** A release of K3s as an example of how its releases are named: the stable channel's when this was written (github.com/k3s-io/k3s/releases). */
export const K3S_EXAMPLE = "v1.36.3+k3s1";

/** Host of the binaries and their checksums; templates/k3s/bootstrap-lib.sh knows the path below it. */
export const K3S_RELEASE_HOST = "github.com";

/** Host of the install script; templates/k3s/bootstrap-lib.sh knows the path below it. */
export const K3S_INSTALL_HOST = "raw.githubusercontent.com";

/** Name for all images that K3s itself runs (docs.k3s.io/installation/airgap): they are on Docker Hub, below `rancher`. */
export const K3S_IMAGES = "rancher/…";

/** The least memory of a server, in GiB (docs.k3s.io/installation/requirements, "Hardware"). */
export const K3S_SERVER_GIB = 2;

/** The fewest cores of a server (same page). */
export const K3S_SERVER_CORES = 2;

/** The packaged components of a server that can be left out (docs.k3s.io/installation/packaged-components). */
export const K3S_COMPONENTS = ["coredns", "servicelb", "traefik", "local-storage", "metrics-server"] as const;

/** The StorageClass that K3s brings: folders of one node, for pods on that node (docs.k3s.io/storage). */
export const K3S_STORAGE_CLASS = "local-path";

/** The namespace in which K3s runs the Traefik that it brings (docs.k3s.io/networking/networking-services). */
export const K3S_TRAEFIK_NAMESPACE = "kube-system";

/** The ingress class of the Traefik that K3s brings (same page). */
export const K3S_INGRESS_CLASS = "traefik";

/** Port of the Kubernetes API on the servers (docs.k3s.io/installation/requirements, "Networking"). */
export const K3S_API_PORT = 6443;
