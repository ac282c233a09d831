import { matching, quote, type ValueCheck } from "./fault";

const TYPES =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/** Refuses what is not one line of an OpenSSH public key file. The message about a private key does not repeat the key. */
export const checkSshPublicKey: ValueCheck<string> = (text) => {
  const remedy = "Write the one line of a .pub file, such as: ssh-ed25519 AAAA… user@host.";
  if (text.includes("PRIVATE KEY")) {
    return { code: "private-key", message: "this is a private key, but it must stay with its owner", remedy };
  }
  const [type = "", blob = ""] = text.trim().split(/\s+/);
  return TYPES.test(type) && /^[A-Za-z0-9+/]{20,}={0,2}$/.test(blob) && !/[\r\n]/.test(text.trim())
    ? undefined
    : { code: "invalid-ssh-key", message: `${quote(text)} is not an SSH public key`, remedy };
};

/** Refuses what Linux does not take as the name of a user. */
export const checkUserName: ValueCheck<string> = matching(
  /^[a-z_][a-z0-9_-]{0,31}$/,
  "invalid-user",
  "the name of a Linux user",
  "Use lower-case letters, digits, _ and -, at most 32 characters.",
);
