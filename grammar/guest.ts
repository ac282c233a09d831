import { type Check, matching, quote } from "./fault";

/**
 * Refuses a VMID that Proxmox refuses: it reserves the numbers below 100 for itself and stops at 999,999,999.
 */
export const checkVmId: Check<number> = (value) =>
  Number.isInteger(value) && value >= 100 && value <= 999_999_999
    ? undefined
    : {
        code: "invalid-vmid",
        message: `${quote(value)} is not a VMID`,
        remedy: "Choose a whole number from 100 to 999999999; Proxmox keeps the numbers below 100 for itself.",
      };

/** Refuses a guest's name that is not one DNS label (RFC 1123): Proxmox takes it as the host name. */
export const checkGuestName: Check<string> = matching(
  /^(?!-)[a-z0-9-]{1,63}(?<!-)$/,
  "invalid-name",
  "a host name",
  "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
);

/**
 * Refuses a key that cannot name a guest and a Terraform resource at once: a DNS label that begins with a letter.
 * 40 characters leave room for the lab's name before it.
 */
export const checkKey: Check<string> = matching(
  /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
  "invalid-key",
  "a name that Terraform and Proxmox both take",
  "Begin with a lower-case letter and go on with letters, digits and hyphens; at most 40 characters.",
);

/** Refuses a tag that Proxmox would refuse, or change: it stores tags in lower case, and the difference would show in every plan. */
export const checkTag: Check<string> = matching(
  /^(?!tf\.)[a-z0-9_][a-z0-9_.+-]*$/,
  "invalid-tag",
  "a Proxmox tag",
  "Use lower-case letters, digits and _ . + -, and begin with a letter, a digit or _. Tags that begin with tf. mark whose guest it is.",
);

/** Refuses a Proxmox node's name that is not a host name. Unlike guests, nodes may have capital letters. */
export const checkNodeName: Check<string> = matching(
  /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/,
  "invalid-node-name",
  "the name of a Proxmox node",
  "Write the name as `pvesh get /nodes` shows it.",
);

/** Refuses a network bridge's name that Linux would not take: at most 15 characters. */
export const checkBridge: Check<string> = matching(
  /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/,
  "invalid-bridge",
  "the name of a bridge",
  "Write the bridge as `ip link` on the node shows it, such as vmbr0.",
);

/** Refuses a name that is not a pool's. */
export const checkPoolName: Check<string> = matching(
  /^[A-Za-z0-9._/-]+$/,
  "invalid-pool",
  "the name of a pool",
  "Write the pool as `pvesh get /pools` shows it.",
);

/** Refuses what is neither a state's part of a guest's mark nor the word for a guest that bears none. */
export const checkAdopt: Check<string> = matching(
  /^([0-9a-f]{8}|unmarked)$/,
  "invalid-adopt",
  "the mark of a state",
  "Write what the plan that was refused says: eight hexadecimal digits, in quotes if they look like a number, or unmarked.",
);
