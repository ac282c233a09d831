/** The registry of an image whose name has no host (distribution/reference, normalize.go). */
export const DEFAULT_REGISTRY = "docker.io";

/** The registries that K3s and the charts of this project take images from: what one mirror of all images stands for. */
export const REGISTRIES: readonly string[] = [DEFAULT_REGISTRY, "ghcr.io", "nvcr.io", "quay.io", "registry.k8s.io"];

/** The registry of an image: its first part when that is a host, otherwise Docker Hub. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]/.test(first) ? first : DEFAULT_REGISTRY;
}
