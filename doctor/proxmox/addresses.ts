import { z } from "zod";
import { type Known, known } from "../finding";
import type { Ask } from "./ask";

/** A guest, as far as it has to be found. */
interface Located {
  readonly node: string;
  readonly type: "lxc" | "qemu";
  readonly vmid: number;
}

const interfaces = z.array(
  z.object({
    name: z.string(),
    "ip-addresses": z.array(z.object({ "ip-address": z.string() })).default([]),
    /** What Proxmox VE 8 answers for containers in the place of the list. */
    inet: z.string().optional(),
  }),
);

function addressesIn(found: z.infer<typeof interfaces>): string[] {
  const all = found.flatMap((one) => [...one["ip-addresses"].map((address) => address["ip-address"]), one.inet ?? ""]);
  const plain = all.map((address) => address.replace(/\/\d+$/, "")).filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address));
  return [...new Set(plain)].filter((address) => !address.startsWith("127."));
}

/**
 * The IPv4 addresses that a running guest has now: a container's as Proxmox sees them, a VM's as its guest agent says. A VM without an agent
 * does not say.
 */
export async function liveAddresses(ask: Ask, { node, type, vmid }: Located): Promise<Known<readonly string[]>> {
  if (type === "lxc") {
    const found = await ask(interfaces, `/nodes/${node}/lxc/${vmid}/interfaces`);
    return found.known ? known(addressesIn(found.value)) : found;
  }
  const found = await ask(z.object({ result: interfaces }), `/nodes/${node}/qemu/${vmid}/agent/network-get-interfaces`);
  return found.known ? known(addressesIn(found.value.result)) : found;
}

/** The static IPv4 addresses in a guest's configuration, without their prefixes. */
export function configuredAddresses(config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const address = /^(?:net|ipconfig)\d+$/.test(key) ? /(?:^|,)ip=([0-9.]+)/.exec(String(value))?.[1] : undefined;
    return address ? [address] : [];
  });
}
