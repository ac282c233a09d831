import { formed, quote, type TextCheck } from "./fault";

/**
 * Refuses a MAC address that is not six pairs of capital hexadecimal digits, or that is a multicast address.
 * Proxmox stores capitals, so every plan would show a difference for small letters.
 */
export const checkMac: TextCheck = formed(
  { pattern: /^[0-9A-F][02468ACE](:[0-9A-F]{2}){5}$/, example: "BC:24:11:00:00:21" },
  (text) => {
    const fault = (message: string, remedy: string) => ({ code: "invalid-mac", message, remedy }) as const;
    if (!/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/.test(text)) {
      return fault(`${quote(text)} is not a MAC address`, "Write six pairs of hexadecimal digits, such as BC:24:11:00:00:21.");
    }
    if (text !== text.toUpperCase()) {
      return fault(`${quote(text)} has small letters, but Proxmox stores capitals`, `Write ${text.toUpperCase()}.`);
    }
    if (Number.parseInt(text.slice(0, 2), 16) % 2 === 1) {
      return fault(`${quote(text)} is a multicast address`, "Choose one whose first pair is even, such as BC:24:11:00:00:21.");
    }
    return undefined;
  },
);
