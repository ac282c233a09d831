import { formed, matching, quote, type TextCheck } from "./fault";

/** How many parts the key of each type has in its base64 text, the name of the type included (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f). */
const PARTS: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 2],
  ["ssh-rsa", 3],
  ["ecdsa-sha2-nistp256", 3],
  ["ecdsa-sha2-nistp384", 3],
  ["ecdsa-sha2-nistp521", 3],
  ["sk-ssh-ed25519@openssh.com", 3],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 4],
]);

/** The parts of a key, each with its length before it in four bytes. `undefined` when the bytes end within a part. */
function partsOf(blob: string): Buffer[] | undefined {
  const bytes = Buffer.from(blob, "base64");
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** What is wrong with the base64 text of a key of this type. */
function faultInside(type: string, blob: string): string | undefined {
  const parts = partsOf(blob);
  const inside = parts?.[0]?.toString("latin1");
  if (inside !== undefined && inside !== type) return `says ${type}, but the key in it is of the type ${quote(inside)}`;
  const wanted = PARTS.get(type) ?? 0;
  if (!parts || parts.length < wanted) return "is not whole: the text of the key ends too early";
  return parts.length === wanted ? undefined : "has more after the key";
}

/** Refuses what is not one line of an OpenSSH public key file. The message about a private key does not repeat the key. */
export const checkSshPublicKey: TextCheck = formed(
  {
    pattern: /^\s*(ssh|ecdsa|sk)-/,
    example: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example",
  },
  (text) => {
    const remedy = "Write the one line of a .pub file, such as: ssh-ed25519 AAAA… user@host.";
    if (text.includes("PRIVATE KEY")) {
      return { code: "private-key", message: "this is a private key, but it must stay with its owner", remedy };
    }
    const [type = "", blob = ""] = text.trim().split(/\s+/);
    if (!PARTS.has(type) || !/^[A-Za-z0-9+/]{20,}={0,2}$/.test(blob) || /[\r\n]/.test(text.trim())) {
      return { code: "invalid-ssh-key", message: `${quote(text)} is not an SSH public key`, remedy };
    }
    const inside = faultInside(type, blob);
    return inside === undefined
      ? undefined
      : {
          code: "invalid-ssh-key",
          message: `the SSH public key ${quote(text)} ${inside}`,
          remedy: "Copy the whole line of the .pub file.",
        };
  },
);

/** Refuses what Linux does not take as the name of a user. */
export const checkUserName: TextCheck = matching(
  { pattern: /^[a-z_][a-z0-9_-]{0,31}$/, example: "terraform" },
  "invalid-user",
  "the name of a Linux user",
  "Use lower-case letters, digits, _ and -, at most 32 characters.",
);
