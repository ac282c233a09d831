import { deployedGuests } from "../status";
import type { Check } from "./check";

/** Guests of the lab that are there: do they run, and are their firewalls on? */
export const deployed: Check = function* ({ plan, facts }) {
  for (const { guest, state, node, firewall } of deployedGuests(plan, facts)) {
    const { path, name, vmId, kind } = guest;
    if (state === "absent") continue;
    const tool = kind === "lxc" ? "pct" : "qm";
    if (state !== "running") {
      yield {
        code: "guest-stopped",
        severity: "warning",
        path,
        message: `${name} (VMID ${vmId}) is on ${node}, but it is ${state}`,
        remedy: `Look why, then start it on ${node}: ${tool} start ${vmId}`,
      };
    }
    if (firewall.known && !firewall.value.enabled) {
      yield {
        code: "guest-firewall-off",
        severity: "warning",
        path,
        message: `the firewall of ${name} (VMID ${vmId}) is off, so its rules have no effect: everybody reaches it`,
        remedy: `Switch it on: pvesh set /nodes/${node}/${kind}/${vmId}/firewall/options --enable 1. A deploy does it only where the state says that it is off.`,
      };
    } else if (firewall.known && firewall.value.unfiltered.length > 0) {
      yield {
        code: "guest-firewall-off",
        severity: "warning",
        path,
        message: `the firewall of ${name} (VMID ${vmId}) is on, but its network card ${firewall.value.unfiltered.join(" and ")} is not filtered: everybody reaches it`,
        remedy: "Deploy again: the lab filters every card of its guests.",
      };
    }
  }
};
