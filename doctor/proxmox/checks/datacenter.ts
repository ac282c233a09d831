import type { Check } from "./check";

/** How far a node's clock may be from this machine's, in seconds: certificates and tokens fail beyond it. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** The datacenter's firewall, without which guests' rules mean nothing, and the nodes' clocks. */
export const datacenter: Check = function* ({ plan, facts }) {
  const { firewall } = facts;
  if (!firewall.known) {
    yield {
      code: "firewall-unknown",
      severity: "unknown",
      path: ["network", "management"],
      message: `whether the datacenter's firewall is on cannot be read: ${firewall.why}`,
      remedy: "Look under Datacenter → Firewall → Options, or give the credential Sys.Audit on / for this look.",
    };
  } else if (!firewall.value.enable && plan.guests.length > 0) {
    yield {
      code: "firewall-off",
      severity: "warning",
      path: ["network", "management"],
      message: "the lab gives its guests firewall rules, but the datacenter's firewall is off, so everybody reaches them",
      remedy:
        "Switch it on under Datacenter → Firewall → Options. Allow yourself in first: the nodes then accept port 8006 and 22 from their own network only.",
    };
  }
  for (const node of plan.nodes) {
    const clock = facts.node[node]?.time;
    if (!clock?.known) continue;
    const apart = Math.round(Math.abs(clock.value - facts.now));
    if (apart > CLOCK_TOLERANCE_SECONDS) {
      yield {
        code: "clock-differs",
        severity: "warning",
        path: ["proxmox", "nodes", node],
        message: `the clock of ${node} is ${apart} s apart from this machine's, and certificates and tokens have times in them`,
        remedy: `Run on ${node}: chronyc tracking`,
      };
    }
  }
};
