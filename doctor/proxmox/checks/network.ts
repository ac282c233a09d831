import { valueOr } from "../../finding";
import type { Check } from "./check";

/** Bridges: there, active, aware of VLANs where the lab tags. */
export const network: Check = function* ({ plan, facts }) {
  const vnets = valueOr(facts.vnets, []);
  const seen = new Set<string>();
  for (const { node, bridge, vlan, path } of plan.guests) {
    const key = `${node} ${bridge} ${vlan}`;
    if (seen.has(key) || vnets.includes(bridge)) continue;
    seen.add(key);
    const bridges = facts.node[node]?.bridges;
    if (!bridges?.known) {
      yield {
        code: "bridges-unknown",
        severity: "unknown",
        path,
        message: `the bridges of ${node} cannot be read: ${bridges?.why ?? "the node was not asked"}`,
        remedy: "Give the credential Sys.Audit on the node for this look, or compare by hand with `ip link show type bridge`.",
      };
      continue;
    }
    const found = bridges.value.find(({ iface }) => iface === bridge);
    if (!found && bridges.value.length === 0) {
      yield {
        code: "bridges-unknown",
        severity: "unknown",
        path,
        message: `this credential sees no bridge on ${node}, so nothing says whether ${bridge} is there`,
        remedy: `Give it Sys.Audit on /nodes/${node} for this look, or run there: ip link show ${bridge}`,
      };
    } else if (!found) {
      yield {
        code: "bridge-missing",
        severity: "error",
        path,
        message: `the lab attaches guests to ${bridge}, but ${node} has ${bridges.value.map(({ iface }) => iface).join(", ")}`,
        remedy: "Name a bridge that the node has, or make it under Network of the node.",
      };
    } else if (!found.active) {
      yield {
        code: "bridge-inactive",
        severity: "error",
        path,
        message: `the bridge ${bridge} of ${node} is not active, but the lab attaches guests to it`,
        remedy: `Run on ${node}: ifreload -a`,
      };
    } else if (vlan !== undefined && !found.bridge_vlan_aware) {
      yield {
        code: "bridge-not-vlan-aware",
        severity: "warning",
        path,
        message: `the lab tags guests with VLAN ${vlan} on ${bridge}, but that bridge of ${node} is not VLAN-aware`,
        remedy: "Make it VLAN-aware (Network of the node), or leave out `vlan` and name the bridge of that VLAN.",
      };
    }
  }
};
