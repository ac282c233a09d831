import { valueOr } from "../../finding";
import { configuredAddresses } from "../addresses";
import type { Guest, ProxmoxFacts } from "../facts";
import type { Check } from "./check";

/** The addresses that a guest has now, or would have once it runs. */
function addressesOf({ vmid }: Guest, { configs, live }: ProxmoxFacts): Set<string> {
  const config = configs.get(vmid);
  const now = live.get(vmid);
  return new Set([...(config?.known ? configuredAddresses(config.value) : []), ...(now?.known ? now.value : [])]);
}

/** Addresses of the lab that guests of somebody else have, as far as Proxmox knows them. */
export const addresses: Check = function* ({ plan, facts }) {
  const own = new Set(plan.guests.map(({ vmId }) => vmId));
  const strangers = valueOr(facts.guests, []).filter(({ vmid, template }) => !own.has(vmid) && !template);
  const held = strangers.map((guest) => ({ guest, has: addressesOf(guest, facts) }));
  for (const { address, name, path } of plan.guests) {
    const other = address && held.find(({ has }) => has.has(address))?.guest;
    if (!other) continue;
    yield {
      code: "address-taken",
      severity: other.status === "running" ? "error" : "warning",
      path: [...path, "address"],
      message: `${name} gets ${address}, but ${other.name || "a guest"} (VMID ${other.vmid}) on ${other.node} has it${other.status === "running" ? "" : " once it runs"}`,
      remedy: "Choose another address, or give that guest another.",
    };
  }
  // Whoever has a static address in its configuration has said it; of the others only the guest itself knows.
  const silent = held.filter(({ guest, has }) => guest.status === "running" && has.size === 0);
  const [first] = silent;
  if (!first || plan.guests.every(({ address }) => address === undefined)) return;
  const now = facts.live.get(first.guest.vmid);
  yield {
    code: "addresses-unknown",
    severity: "unknown",
    path: ["network", "cidr"],
    message:
      `which addresses ${silent.map(({ guest }) => `${guest.name} (VMID ${guest.vmid})`).join(", ")} ${silent.length === 1 ? "has" : "have"} is not known` +
      (now?.known === false ? `: ${now.why}` : ""),
    remedy: "Compare by hand. A VM says its addresses where the guest agent is installed and enabled.",
  };
};
