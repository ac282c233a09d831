import { formed, matching, quote, type TextCheck } from "./fault";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Refuses what is not an amount of CPU as Kubernetes takes it: cores, or thousandths of a core with an m. */
export const checkCpu: TextCheck = matching(
  { pattern: /^(\d+m|\d+(\.\d{1,3})?)$/, example: "500m" },
  "invalid-cpu",
  "an amount of CPU",
  'Write cores or thousandths of one in quotes, such as "2" or "500m".',
);

const MEMORY = /^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/;

/** Less memory than this is a number whose unit was forgotten: no program runs in it. */
const LEAST_BYTES = 2 ** 20;

/** Refuses what is not an amount of memory or storage as Kubernetes takes it, and a number of bytes that only lacks its unit. */
export const checkMemory: TextCheck = formed({ pattern: MEMORY, example: "4Gi" }, (text) => {
  if (!MEMORY.test(text)) {
    return {
      code: "invalid-memory",
      message: `${quote(text)} is not an amount of memory`,
      remedy: "Write a number with its unit, such as 4Gi or 512Mi; without a unit it is bytes.",
    };
  }
  const amount = bytes(text);
  if (amount === 0 || amount >= LEAST_BYTES) return undefined;
  return {
    code: "invalid-memory",
    message: `${quote(text)} is ${amount} bytes of memory, in which nothing runs`,
    remedy: /^\d+$/.test(text)
      ? `Write the unit too: ${text}Gi, if GiB are meant.`
      : "Write a number with its unit, such as 4Gi or 512Mi.",
  };
});

/** An amount of CPU in thousandths of a core. Expects an amount that `checkCpu` accepts. */
export function millicores(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
}

/** An amount of memory in bytes. Expects an amount that `checkMemory` accepts. */
export function bytes(memory: string): number {
  const [, number = "0", unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(memory) ?? [];
  return Number(number) * (UNITS[unit] ?? 1);
}
