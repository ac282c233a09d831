import type { Fault } from "../../grammar/fault";

/** What is installed on a node, and from where. */
export interface K3sRelease {
  /** Exact name of the release, such as `v1.36.3+k3s1`. */
  readonly version: string;
  /** SHA-256 of the binary. @default the node looks it up in the release's own list */
  readonly sha256?: string;
  /**
   * Further parameters of the bootstrap scripts, such as mirrors. templates/k3s/bootstrap-lib.sh documents them. A source without https is
   * refused, unless a hash pins what comes from it. @default none
   */
  readonly parameters?: Readonly<Record<string, string>>;
}

const isPlain = (url: string | undefined): url is string => url !== undefined && !url.startsWith("https://");

/**
 * What a node would refuse to download: the bootstrap scripts take nothing that neither https nor a pinned hash proves. Without this check
 * the VM would be made and never join.
 */
export function unprovenSources({ sha256, parameters = {} }: K3sRelease): Fault[] {
  const mirror = parameters["K3S_MIRROR"];
  // A hash that is not pinned is looked up in the release's list.
  const list = parameters["K3S_CHECKSUMS_URL"] ?? mirror;
  const sources = [
    { url: list, hash: "K3S_SHA256", pinned: sha256 },
    { url: parameters["K3S_INSTALL_URL"] ?? mirror, hash: "K3S_INSTALL_SHA256" },
    { url: parameters["K3S_IMAGES_URL"] && list, hash: "K3S_IMAGES_SHA256" },
    { url: parameters["NVIDIA_KEY_URL"], hash: "NVIDIA_KEY_SHA256" },
  ];
  return sources.flatMap(({ url, hash, pinned }) =>
    isPlain(url) && !pinned && !parameters[hash]
      ? [
          {
            code: "unproven-source",
            message: `${url} does not come over https, and ${hash} is not given, so nothing proves what comes from there`,
            remedy: `Use https, or give ${hash}.`,
          },
        ]
      : [],
  );
}
