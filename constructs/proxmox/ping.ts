import type { OpenPort } from "./guest-firewall";

/** Lets these networks ping a guest, with all of ICMP: the rules of the provider cannot name its types. */
export function ping(sources: readonly string[]): OpenPort {
  return { service: "ping", protocol: "icmp", sources };
}
