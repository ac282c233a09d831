import { REGISTRIES } from "../catalog/registries";
import type { CloudConfigProps } from "../constructs/k3s/cloud-config";
import { type RegistryMirror, registriesConfig } from "../constructs/k3s/registries";
import type { Lab } from "../lab/lab";

/** The content of a node's registries.yaml. Undefined when the lab has no mirror of images. */
export function registriesOf({ mirrors }: Lab): string | undefined {
  const { images } = mirrors;
  if (!images) return undefined;
  const all = (endpoint: string): Record<string, RegistryMirror> =>
    Object.fromEntries(REGISTRIES.map((registry) => [registry, { endpoint }]));
  return registriesConfig(typeof images === "string" ? all(images) : images);
}

/** The parameters of the bootstrap scripts that name mirrors. */
export function bootstrapMirrors({ mirrors: { k3s, k3sImages, nvidia } }: Lab): Record<string, string> {
  return {
    ...(k3s && { K3S_MIRROR: k3s.replace(/\/$/, "") }),
    ...(k3sImages && { K3S_IMAGES_URL: k3sImages.url }),
    ...(k3sImages?.sha256 && { K3S_IMAGES_SHA256: k3sImages.sha256 }),
    ...(nvidia && { NVIDIA_APT_URL: nvidia.apt, NVIDIA_KEY_URL: nvidia.key }),
  };
}

/** Where a node gets Ubuntu's packages. */
export function aptMirror({ mirrors }: Lab): CloudConfigProps["aptMirror"] {
  return mirrors.ubuntu;
}
