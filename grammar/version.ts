import { matching, type TextCheck } from "./fault";

/** Refuses an Ollama version that is not exact, such as `latest` or `0.32`. */
export const checkOllamaVersion: TextCheck = matching(
  { pattern: /^\d+\.\d+\.\d+(-rc\d+)?$/, example: "0.32.15" },
  "invalid-ollama-version",
  "an exact Ollama version",
  "Write it as its release is named, without the v, such as 0.32.15.",
);

/** Refuses what is not the version of an NVIDIA driver. */
export const checkNvidiaVersion: TextCheck = matching(
  { pattern: /^\d+\.\d+(\.\d+)?$/, example: "580.95.05" },
  "invalid-driver-version",
  "the version of an NVIDIA driver",
  "Write it as `nvidia-smi` on the node shows it, such as 580.95.05.",
);

/** Refuses what is neither a branch of the NVIDIA driver nor `distribution`. */
export const checkNvidiaBranch: TextCheck = matching(
  { pattern: /^(\d{3}(-server)?(-closed)?|distribution)$/, example: "580-server" },
  "invalid-driver-branch",
  "a branch of the NVIDIA driver",
  'Write its number in quotes, such as "580", "580-server" or "580-closed", or distribution.',
);

/** Compares two versions of the form `a.b.c` by their numbers, and ignores a suffix after them. */
export function compareVersions(left: string, right: string): number {
  const numbers = (version: string) => (/\d+(\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number);
  const [a, b] = [numbers(left), numbers(right)];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
