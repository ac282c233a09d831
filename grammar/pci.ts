import { type Fault, type FaultCode, matching, quote, type ValueCheck } from "./fault";

/** Refuses a PCI path that is not in lower case with its four-digit domain, as a mapping needs it. The function may be left out. */
export const checkPciPath: ValueCheck<string> = (text): Fault<FaultCode> | undefined => {
  if (/^[a-f0-9]{4}:[a-f0-9]{2}:[a-f0-9]{2}(\.[0-7])?$/.test(text)) return undefined;
  const lower = text.toLowerCase();
  const remedy =
    lower !== text && !checkPciPath(lower)
      ? `Write ${lower}.`
      : 'Write it as `lspci -D` shows it, in quotes: "0000:01:00" or "0000:01:00.0".';
  return { code: "invalid-pci-path", message: `${quote(text)} is not a PCI path`, remedy };
};

/** Refuses what is not a pair of vendor and device ids in lower case, such as `10de:2684`. */
export const checkPciId: ValueCheck<string> = (text) =>
  /^[a-f0-9]{4}:[a-f0-9]{4}$/.test(text)
    ? undefined
    : {
        code: "invalid-pci-id",
        message: `${quote(text)} is not a pair of PCI ids`,
        remedy: 'Write vendor and device as `lspci -nn` shows them, in lower case and in quotes, such as "10de:2684".',
      };

/** Refuses what is not the name of a PCI resource mapping. */
export const checkMappingName: ValueCheck<string> = matching(
  /^[A-Za-z][A-Za-z0-9_-]+$/,
  "invalid-mapping",
  "the name of a resource mapping",
  "Write it as Datacenter → Resource Mappings shows it.",
);

/** The path of the whole card, without the function at its end. */
export function wholeCard(path: string): string {
  return path.replace(/\.[0-7]$/, "");
}
