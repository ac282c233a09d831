import { matching, type TextCheck } from "./fault";

/** Refuses a path that is not below /dev. Proxmox refuses it at the apply; the provider does not check it. */
export const checkDevicePath: TextCheck = matching(
  { pattern: /^\/dev\/[A-Za-z0-9_][A-Za-z0-9_./-]*$/, example: "/dev/dri/renderD128" },
  "invalid-device",
  "a device under /dev",
  "Write the device as the node shows it, such as /dev/dri/renderD128.",
);

/** Refuses a file mode that is not four octal digits, the first a 0. Proxmox refuses it at the apply; the provider accepts more. */
export const checkMode: TextCheck = matching(
  { pattern: /^0[0-7]{3}$/, example: "0660" },
  "invalid-mode",
  "a file mode",
  'Write four octal digits in quotes, such as "0660".',
);

/** The group and the mode of a device in a container, where nobody says others: 44 is `video` in every Debian and Ubuntu. */
export const DEVICE_DEFAULTS = { gid: 44, mode: "0660" } as const;
