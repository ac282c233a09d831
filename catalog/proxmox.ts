/** The names that Proxmox's installer gives: a bridge, a datastore for disks, and one for files (pve.proxmox.com/pve-docs, chapter Storage). */
export const INSTALLED = { bridge: "vmbr0", disks: "local-lvm", files: "local" } as const;

/** The oldest Proxmox VE that this project works with: resource mappings and content type `import` need it (pve.proxmox.com/wiki/Roadmap). */
export const OLDEST_PROXMOX = "8.4";

/** The newest major release of Proxmox VE that this project was written for (same page). */
export const NEWEST_PROXMOX = 9;
