import { matching, quote, type TextCheck, type ValueCheck } from "./fault";

/**
 * Refuses a number that is not a VMID. Proxmox keeps the numbers below 100 for itself, and 999,999,999 is the largest.
 */
export const checkVmId: ValueCheck<number> = (value) =>
  Number.isInteger(value) && value >= 100 && value <= 999_999_999
    ? undefined
    : {
        code: "invalid-vmid",
        message: `${quote(value)} is not a VMID`,
        remedy: "Choose a whole number from 100 to 999999999; Proxmox keeps the numbers below 100 for itself.",
      };

/** Refuses a guest's name that is not one DNS label (RFC 1123), because it becomes the host name. */
export const checkGuestName: TextCheck = matching(
  { pattern: /^(?!-)[a-z0-9-]{1,63}(?<!-)$/, example: "ollama-1" },
  "invalid-name",
  "a host name",
  "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
);

/**
 * Refuses a key that cannot name both a guest and a Terraform resource. It must be a DNS label that begins with a letter.
 * 40 characters leave room for the lab's name before it.
 */
export const checkKey: TextCheck = matching(
  { pattern: /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, example: "ollama-1" },
  "invalid-key",
  "a name that Terraform and Proxmox both take",
  "Begin with a lower-case letter and go on with letters, digits and hyphens; at most 40 characters.",
);

/** Refuses a tag that Proxmox refuses or changes. It stores tags in lower case, so every plan would show a difference. */
export const checkTag: TextCheck = matching(
  { pattern: /^(?!tf\.)[a-z0-9_][a-z0-9_.+-]*$/, example: "production" },
  "invalid-tag",
  "a Proxmox tag",
  "Use lower-case letters, digits and _ . + -, and begin with a letter, a digit or _. Tags that begin with tf. mark whose guest it is.",
);

/** Refuses what is not the name of a Proxmox node. Unlike a guest's name it may have capital letters. */
export const checkNodeName: TextCheck = matching(
  { pattern: /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/, example: "pve1" },
  "invalid-node-name",
  "the name of a Proxmox node",
  "Write the name as `pvesh get /nodes` shows it.",
);

/** Refuses what Linux does not take as the name of a network bridge. It has at most 15 characters. */
export const checkBridge: TextCheck = matching(
  { pattern: /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/, example: "vmbr0" },
  "invalid-bridge",
  "the name of a bridge",
  "Write the bridge as `ip link` on the node shows it, such as vmbr0.",
);

/** Refuses what is not the name of a Proxmox pool. */
export const checkPoolName: TextCheck = matching(
  { pattern: /^[A-Za-z0-9._/-]+$/, example: "lab" },
  "invalid-pool",
  "the name of a pool",
  "Write the pool as `pvesh get /pools` shows it.",
);

/** Refuses what is neither a state's part of a guest's mark nor the word for a guest that bears none. */
export const checkAdopt: TextCheck = matching(
  { pattern: /^([0-9a-f]{8}|unmarked)$/, example: "unmarked" },
  "invalid-adopt",
  "the mark of a state",
  "Write what the plan that was refused says: eight hexadecimal digits, in quotes if they look like a number, or unmarked.",
);
