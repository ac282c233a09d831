/** The names that Proxmox's installer gives: a bridge, a datastore for disks, and one for files (pve.proxmox.com/pve-docs, chapter Storage). */
export const INSTALLED = { bridge: "vmbr0", disks: "local-lvm", files: "local" } as const;
