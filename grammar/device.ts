import { matching, type ValueCheck } from "./fault";

/** Refuses a device path that Proxmox would not pass to a container: it takes what lies under /dev. The provider looks at nothing. */
export const checkDevicePath: ValueCheck<string> = matching(
  /^\/dev\/[A-Za-z0-9_][A-Za-z0-9_./-]*$/,
  "invalid-device",
  "a device under /dev",
  "Write the device as the node shows it, such as /dev/dri/renderD128.",
);

/** Refuses a file mode that Proxmox refuses: exactly four octal digits, the first a 0. The provider's own pattern lets more through. */
export const checkMode: ValueCheck<string> = matching(
  /^0[0-7]{3}$/,
  "invalid-mode",
  "a file mode",
  'Write four octal digits in quotes, such as "0660".',
);
