/** Proxmox's template of Ubuntu for containers, and its checksum (proxmox/pve-manager, aplinfo/aplinfo.dat). */
export const CONTAINER_TEMPLATE = {
  url: "https://download.proxmox.com/images/system/ubuntu-22.04-standard_22.04-1_amd64.tar.zst",
  sha512:
    "cf617c11232c3fbce1ba9f7146ac194561411c292c445b2a5c9affe5f09729f5c38315619de4d649ff63e31dd5b536ea081fdde1b7792e6e521d1694ac7c9cb8",
} as const;

/** File on a Proxmox node with the signed list of templates and their checksums, which `pveam update` fetches. */
export const TEMPLATE_LIST = "/var/lib/pve-manager/apl-info/download.proxmox.com";

/** The release of Ubuntu that the cluster's nodes are tried with. */
export const NODE_RELEASE = "24.04";

/** The names of Ubuntu's releases, which the files and folders of its cloud images have (wiki.ubuntu.com/Releases). */
const CODENAMES: Readonly<Record<string, string>> = {
  bionic: "18.04",
  focal: "20.04",
  jammy: "22.04",
  noble: "24.04",
  plucky: "25.04",
  questing: "25.10",
};

/** The release of Ubuntu that the URL or the file of a cloud image names. `undefined` when it names none. */
export function ubuntuReleaseOf(image: string): string | undefined {
  const number = /ubuntu-(\d\d\.\d\d)/.exec(image)?.[1];
  const words = image.toLowerCase().split(/[^a-z]+/);
  return number ?? words.map((word) => CODENAMES[word]).find((release) => release !== undefined);
}

/** Host of Ubuntu's packages (wiki.ubuntu.com/Mirrors). */
export const UBUNTU_ARCHIVE_HOST = "archive.ubuntu.com";

/** The user that Ubuntu's cloud images make (documentation.ubuntu.com/public-images). */
export const CLOUD_IMAGE_USER = "ubuntu";

/** A release image of Ubuntu for the cluster's nodes, and its checksum (the SHA256SUMS beside it). Release folders stay, daily ones do not. */
export const CLOUD_IMAGE = {
  url: "https://cloud-images.ubuntu.com/releases/noble/release-20260814/ubuntu-24.04-server-cloudimg-amd64.img",
  sha256: "6e40c07ae715f744f84af0bec76415cc1987dd115b4b8de437818561f01a3733",
} as const;

/** Virtual size of Ubuntu's server cloud images in GiB, rounded up (`qemu-img info` of an image shows it). */
export const CLOUD_IMAGE_GIB = 4;
