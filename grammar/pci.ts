import { type Fault, type FaultCode, formed, matching, quote, type TextCheck } from "./fault";

const PCI_PATH = /^[a-f0-9]{4}:[a-f0-9]{2}:[a-f0-9]{2}(\.[0-7])?$/;
const PCI_ID = /^[a-f0-9]{4}:[a-f0-9]{4}$/;

/** Refuses a PCI path that is not in lower case with its four-digit domain, as a mapping needs it. The function may be left out. */
export const checkPciPath: TextCheck = formed(
  { pattern: PCI_PATH, example: "0000:01:00" },
  (text): Fault<FaultCode> | undefined => {
    if (PCI_PATH.test(text)) return undefined;
    const lower = text.toLowerCase();
    const remedy =
      lower !== text && !checkPciPath(lower)
        ? `Write ${lower}.`
        : 'Write it as `lspci -D` shows it, in quotes: "0000:01:00" or "0000:01:00.0".';
    return { code: "invalid-pci-path", message: `${quote(text)} is not a PCI path`, remedy };
  },
);

/** Refuses what is not a pair of vendor and device ids in lower case, such as `10de:2684`. */
export const checkPciId: TextCheck = formed({ pattern: PCI_ID, example: "10de:2684" }, (text) =>
  PCI_ID.test(text)
    ? undefined
    : {
        code: "invalid-pci-id",
        message: `${quote(text)} is not a pair of PCI ids`,
        remedy: 'Write vendor and device as `lspci -nn` shows them, in lower case and in quotes, such as "10de:2684".',
      },
);

/** Refuses what is not the name of a PCI resource mapping. */
export const checkMappingName: TextCheck = matching(
  { pattern: /^[A-Za-z][A-Za-z0-9_-]+$/, example: "rtx" },
  "invalid-mapping",
  "the name of a resource mapping",
  "Write it as Datacenter → Resource Mappings shows it.",
);

/** The path of the whole card, without the function at its end. */
export function wholeCard(path: string): string {
  return path.replace(/\.[0-7]$/, "");
}
