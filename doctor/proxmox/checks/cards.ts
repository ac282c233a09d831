import { functionsOf, holderOf, idOf, othersInGroup } from "../devices";
import type { Check } from "./check";

/** The four facts of each card that a VM gets, and whether its IOMMU group can be passed. */
export const cards: Check = function* ({ plan, facts }) {
  for (const card of plan.cards) {
    const { path, node, name } = card;
    if (card.mapping) {
      const there = facts.mappings.known ? facts.mappings.value.map(({ id }) => id) : [];
      if (facts.mappings.known && !there.includes(card.mapping)) {
        yield {
          code: "mapping-missing",
          severity: "error",
          path: [...path, "mapping"],
          message: `the lab passes the mapping ${card.mapping}, but this credential sees ${there.join(", ") || "none"}`,
          remedy: "Make it under Datacenter → Resource Mappings, or give the credential Mapping.Use on it.",
        };
      }
      continue;
    }
    const devices = facts.node[node]?.devices;
    if (!devices?.known) {
      yield {
        code: "cards-unknown",
        severity: "unknown",
        path,
        message: `the PCI devices of ${node} cannot be read, so nothing proves the facts of ${name}: ${devices?.why ?? "the node was not asked"}`,
        remedy: `Give the credential Sys.Audit on / for this look, or compare by hand: pvesh get /nodes/${node}/hardware/pci`,
      };
      continue;
    }
    const functions = functionsOf(card.pciPath ?? "", card.allFunctions, devices.value);
    const first = functions[0];
    if (!first) {
      const displays = devices.value.filter((device) => device.class.startsWith("0x03"));
      const list = displays.map(({ id, device_name }) => `${id}${device_name ? ` (${device_name})` : ""}`);
      yield {
        code: "card-missing",
        severity: "error",
        path: [...path, "path"],
        message: `the lab has the card ${name} at ${card.pciPath} of ${node}, but the graphics cards there are ${list.join(", ") || "none"}`,
        remedy: "Write the path that the list shows; a new card or firmware moves the others.",
      };
      continue;
    }
    const compared = [
      ["id", card.id, idOf(first.vendor, first.device)],
      ["subsystemId", card.subsystemId, idOf(first.subsystem_vendor, first.subsystem_device)],
      // -1: it has none, which iommu-off says.
      ["iommuGroup", first.iommugroup < 0 ? undefined : card.iommuGroup, first.iommugroup],
    ] as const;
    for (const [field, said, found] of compared) {
      if (said === undefined || said === found) continue;
      yield {
        code: "card-differs",
        severity: "error",
        path: [...path, field],
        message: `the lab says ${field} ${said} for ${card.pciPath}, but ${node} has ${found}`,
        remedy: `Write ${field}: ${typeof found === "number" ? found : `"${found}"`}; Proxmox starts no VM whose mapping does not fit the card.`,
      };
    }
    if (first.iommugroup < 0) {
      yield {
        code: "iommu-off",
        severity: "error",
        path,
        message: `the card ${name} of ${node} has no IOMMU group, but the lab passes it to a VM`,
        remedy: "Switch on VT-d or AMD-Vi in the firmware; docs/cluster.md says what the kernel needs.",
      };
      continue;
    }
    const others = othersInGroup(functions, devices.value);
    if (others.length > 0) {
      yield {
        code: "iommu-group-shared",
        severity: "error",
        path,
        message:
          `the card ${name} shares IOMMU group ${first.iommugroup} of ${node} with ` +
          `${others.map(({ id, device_name }) => `${id}${device_name ? ` (${device_name})` : ""}`).join(", ")}, which the VM would take from the host`,
        remedy: "Put the card into another slot, or pass the whole group if the host can do without those devices.",
      };
    }
    const other = holderOf({ node, pciPath: card.pciPath ?? "", owner: card.vmId }, facts);
    if (other) {
      yield {
        code: "card-in-use",
        severity: "error",
        path,
        message: `the lab passes ${name} of ${node} to VMID ${card.vmId}, but ${other.name} (VMID ${other.vmid}) runs with it`,
        remedy: `Stop it first: qm shutdown ${other.vmid}`,
      };
    }
  }
};
