import { NEWEST_PROXMOX, OLDEST_PROXMOX } from "../../../catalog/proxmox";
import type { Check } from "./check";
import { gib } from "./check";

/** The release, the nodes, and whether a node has room for the guests that the lab puts on it. */
export const nodes: Check = function* ({ plan, facts }) {
  const { version } = facts;
  if (version.known) {
    const release = Number.parseInt(version.value.version, 10);
    if (release < 8) {
      yield {
        code: "old-release",
        severity: "error",
        path: ["proxmox", "endpoint"],
        message: `Proxmox VE ${version.value.version} answers there, but resource mappings and the import of images need ${OLDEST_PROXMOX}`,
        remedy: "Upgrade the Proxmox cluster.",
      };
    } else if (release > NEWEST_PROXMOX) {
      yield {
        code: "new-release",
        severity: "warning",
        path: ["proxmox", "endpoint"],
        message: `Proxmox VE ${version.value.version} answers there, but this project was written for ${OLDEST_PROXMOX} and ${NEWEST_PROXMOX}`,
        remedy: "Read the plan with care, and look for a newer release of this project.",
      };
    }
  }
  if (!facts.nodes.known) {
    yield {
      code: "nodes-unknown",
      severity: "unknown",
      path: ["proxmox", "nodes"],
      message: `the nodes of the Proxmox cluster cannot be read: ${facts.nodes.why}`,
      remedy: "Mend the connection first, then run doctor again.",
    };
    return;
  }
  const there = new Map(facts.nodes.value.map((node) => [node.node, node]));
  for (const name of plan.nodes) {
    const node = there.get(name);
    const path = ["proxmox", "nodes", name];
    if (!node) {
      yield {
        code: "node-missing",
        severity: "error",
        path,
        message: `the lab has the node ${name}, but the Proxmox cluster has ${[...there.keys()].sort().join(", ")}`,
        remedy: "Write the node's name as `pvesh get /nodes` shows it.",
      };
      continue;
    }
    if (node.status !== "online") {
      yield {
        code: "node-offline",
        severity: "error",
        path,
        message: `the node ${name} is ${node.status}, but the lab has guests on it`,
        remedy: "Start the node, or apply the stacks of the other nodes only.",
      };
      continue;
    }
    const guests = plan.guests.filter((guest) => guest.node === name);
    const wanted = guests.reduce((sum, { memoryGiB }) => sum + memoryGiB, 0) * 1024 ** 3;
    if (node.maxmem !== undefined && wanted > node.maxmem) {
      yield {
        code: "node-memory",
        severity: "error",
        path,
        message: `the lab's guests on ${name} get ${gib(wanted)} of memory together, but the node has ${gib(node.maxmem)}`,
        remedy: "Give them less memory, or move guests to another node.",
      };
    }
    const maxcpu = node.maxcpu;
    const widest = guests.find(({ cores }) => maxcpu !== undefined && cores > maxcpu);
    if (widest) {
      yield {
        code: "node-cores",
        severity: widest.kind === "qemu" ? "error" : "warning",
        path: [...widest.path, "cores"],
        message: `${widest.name} gets ${widest.cores} cores, but ${name} has ${node.maxcpu}`,
        remedy: `Write ${node.maxcpu} or less; Proxmox starts no VM with more cores than its node has.`,
      };
    }
  }
};
