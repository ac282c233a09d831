import { matching, type ValueCheck } from "./fault";

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
export const checkCpu: ValueCheck<string> = matching(
  /^(\d+m|\d+(\.\d{1,3})?)$/,
  "invalid-cpu",
  "an amount of CPU",
  'Write cores or thousandths of one in quotes, such as "2" or "500m".',
);

/** Refuses what is not an amount of memory or storage as Kubernetes takes it. */
export const checkMemory: ValueCheck<string> = matching(
  /^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/,
  "invalid-memory",
  "an amount of memory",
  "Write a number with its unit, such as 4Gi or 512Mi; without a unit it is bytes.",
);

/** An amount of CPU in thousandths of a core. Expects an amount that `checkCpu` accepts. */
export function millicores(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
}

/** An amount of memory in bytes. Expects an amount that `checkMemory` accepts. */
export function bytes(memory: string): number {
  const [, number = "0", unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(memory) ?? [];
  return Number(number) * (UNITS[unit] ?? 1);
}
