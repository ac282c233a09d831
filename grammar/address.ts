import { type Fault, type FaultCode, formed, quote, type TextCheck } from "./fault";

/** An IPv4 network: its lowest address as an unsigned 32-bit number, and the length of its prefix in bits. */
export interface Network {
  readonly base: number;
  readonly prefix: number;
}

/** An IPv4 address, with or without the prefix length of its network. */
export interface HostAddress {
  readonly ip: string;
  /** Absent for a bare address, which takes the prefix of the lab's network. */
  readonly prefix?: number;
}

/** The address as an unsigned 32-bit number. Expects a valid address: check it first. */
export function toNumber(ip: string): number {
  return ip.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
}

/** The dotted form of an unsigned 32-bit number. */
export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

/** Four numbers from 0 to 255, without leading zeros. As `isIPv4` of `node:net`, which takes longer to load than a lab takes to check. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const isIPv4 = (text: string) => IPV4.test(text);

function split(text: string): { ip: string; prefix: number | undefined } | undefined {
  const [ip = "", bits, ...rest] = text.split("/");
  if (!isIPv4(ip) || rest.length > 0) return undefined;
  if (bits === undefined) return { ip, prefix: undefined };
  return /^(0|[1-9]\d?)$/.test(bits) && Number(bits) <= 32 ? { ip, prefix: Number(bits) } : undefined;
}

function baseOf(ip: string, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return Math.floor(toNumber(ip) / size) * size;
}

/** Refuses what is not a plain IPv4 address, such as `192.0.2.1`. */
export const checkAddress: TextCheck = formed({ pattern: /^\d{1,3}(\.\d{1,3}){3}$/, example: "192.0.2.21" }, (text) =>
  isIPv4(text)
    ? undefined
    : {
        code: "invalid-address",
        message: `${quote(text)} is not an IPv4 address`,
        remedy: "Write four numbers, such as 192.0.2.21.",
      },
);

/** Refuses what is neither `dhcp` nor an IPv4 address with or without a prefix. */
export const checkHostAddress: TextCheck = formed(
  { pattern: /^(dhcp|\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?)$/, example: "192.0.2.21" },
  (text) => {
    if (text === "dhcp" || split(text)) return undefined;
    return {
      code: "invalid-address",
      message: `${quote(text)} is neither an IPv4 address nor dhcp`,
      remedy: "Write an address such as 192.0.2.21 or 192.0.2.21/24, or the word dhcp.",
    };
  },
);

/** Refuses what is not a network in CIDR form. For an address inside a network, the remedy names the network. */
export const checkCidr: TextCheck = formed(
  { pattern: /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, example: "192.0.2.0/24" },
  (text): Fault<FaultCode> | undefined => {
    const parts = split(text);
    if (parts?.prefix === undefined) {
      return {
        code: "invalid-network",
        message: `${quote(text)} is not an IPv4 network`,
        remedy: "Write a network such as 192.0.2.0/24.",
      };
    }
    const base = toAddress(baseOf(parts.ip, parts.prefix));
    if (base !== parts.ip) {
      return {
        code: "network-host-bits",
        message: `${quote(text)} is an address inside a network, not a network`,
        remedy: `Write ${base}/${parts.prefix}.`,
      };
    }
    return undefined;
  },
);

/** Reads a network in CIDR form. Throws on text that `checkCidr` refuses. */
export function parseCidr(text: string): Network {
  const fault = checkCidr(text);
  const parts = split(text);
  if (fault || parts?.prefix === undefined) throw new RangeError(fault?.message ?? text);
  return { base: toNumber(parts.ip), prefix: parts.prefix };
}

/** Reads `192.0.2.21` or `192.0.2.21/24`; `undefined` for `dhcp`. Throws on text that `checkHostAddress` refuses. */
export function parseHostAddress(text: string): HostAddress | undefined {
  if (text === "dhcp") return undefined;
  const parts = split(text);
  if (!parts) throw new RangeError(`${quote(text)} is not an IPv4 address`);
  return parts.prefix === undefined ? { ip: parts.ip } : { ip: parts.ip, prefix: parts.prefix };
}

/** The network that contains an address with a prefix. */
export function networkOf(ip: string, prefix: number): Network {
  return { base: baseOf(ip, prefix), prefix };
}

/** The CIDR form of a network. */
export function formatNetwork(network: Network): string {
  return `${toAddress(network.base)}/${network.prefix}`;
}

/** Whether the address is in the network. The first and the last address of the network count as well. */
export function contains(network: Network, ip: string): boolean {
  return baseOf(ip, network.prefix) === network.base;
}

/**
 * `network` or `broadcast` when no host can have the address, otherwise `undefined`.
 * Networks of 31 and 32 bits have neither (RFC 3021).
 */
export function reservedRole(network: Network, ip: string): "network" | "broadcast" | undefined {
  if (network.prefix > 30) return undefined;
  const offset = toNumber(ip) - network.base;
  if (offset === 0) return "network";
  return offset === 2 ** (32 - network.prefix) - 1 ? "broadcast" : undefined;
}
