import { checkGuestName } from "../../grammar/guest";
import { nearest } from "../../grammar/nearest";
import type { DraftLab } from "../draft";
import { finder, GUEST_STACKS } from "../finding";
import { formatPath, type Path, STACK_IDS, type StackId } from "../problem";
import { rule } from "./rule";

const kinds = {
  "empty-lab": {
    severity: "error",
    stacks: STACK_IDS,
    meaning: "The lab has no guest and no deployment, so there is nothing to create.",
    example: "name: homelab # and nothing else",
    remedy: "Add containers:, cluster: or ollama:, as the labs in examples/ do.",
  },
  "section-missing": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "Containers and VMs need `proxmox:` (where to create them) and `network:` (their addresses).",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21 } # but there is no proxmox:
    `,
    remedy: "Add the section, as the labs in examples/ do.",
  },
  "node-missing": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "A guest does not say on which of several Proxmox nodes it runs, and the defaults do not say it either. With one node it runs there.",
    example: `
      proxmox:
        nodes: { pve2: {} } # beside pve1
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21 } # and no defaults.container.node
    `,
    remedy: "Set node for the guest, or in the defaults.",
  },
  "unknown-node": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest runs on a Proxmox node that `proxmox.nodes` does not have.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, node: pve9 }
    `,
    remedy: "Declare the node under proxmox.nodes, or write the name of one that is there.",
  },
  "memory-in-mib": {
    severity: "warning",
    stacks: GUEST_STACKS,
    meaning:
      "A guest has a terabyte of memory or more. The number is in GiB, but it looks like one in MiB, as Proxmox shows memory.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, memoryGiB: 4096 }
    `,
    remedy: "Write the memory in GiB.",
  },
  "name-too-long": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "A guest's name becomes its host name, and a host name has at most 63 characters. By default it is the lab's name and the key.",
    example: `
      name: the-lab-of-the-whole-house
      containers:
        ollama-for-the-children-and-the-guests:
          { vmId: 202, address: 192.0.2.22 }
    `,
    remedy: "Shorten the lab's name or the key, or set name.",
    once: "place",
  },
} as const;
const found = finder(kinds);

/** A lab that creates nothing is a mistake. */
const somethingToDo = rule([], function* (lab, { declared }) {
  const { kubernetes } = lab;
  const described = lab.cluster || lab.ollama || kubernetes?.nfs || kubernetes?.certManager || kubernetes?.devicePlugin;
  if (described || Object.keys(lab.containers ?? {}).length > 0) return;
  if (["containers", "containerPools", "cluster", "ollama"].some((section) => declared([section]))) return;
  yield found("empty-lab", [], "the lab describes no guest and no deployment");
});

/** Guests need a Proxmox and a network. */
const sectionsOfGuests = rule([], function* (lab, { declared }) {
  const containers = declared(["containers"]) ? "containers" : "containerPools";
  const guests = lab.containers ? containers : lab.cluster ? "cluster" : undefined;
  if (!guests) return;
  for (const section of ["proxmox", "network"] as const) {
    if (lab[section] || declared([section])) continue;
    yield found("section-missing", [section], `${section} is missing, but ${guests} needs it`, {
      remedy: `Add ${section}:, as the labs in examples/ do.`,
    });
  }
});

/** A guest, as far as its node and its name are concerned. */
interface Guest {
  readonly path: Path;
  readonly stack: StackId;
  /** The entry of `defaults` that it takes its settings from. */
  readonly defaults: "container" | "server" | "worker";
  readonly node: string | undefined;
  /** Where the lab says the node, or would say it. */
  readonly nodePath: Path;
  readonly name: string;
  readonly memoryGiB: number;
}

function guestsOf({ containers, cluster }: DraftLab): Guest[] {
  return [
    ...Object.entries(containers ?? {}).map(([key, { node, name, memoryGiB }]) => {
      const path = ["containers", key];
      return { path, stack: "containers", defaults: "container", node, nodePath: [...path, "node"], name, memoryGiB } as const;
    }),
    ...(cluster?.nodes ?? []).map(({ path, role, node, name, memoryGiB }) => {
      const nodePath = [...path, path[1] === "pools" ? "nodes" : "node"];
      return { path, stack: "cluster", defaults: role, node, nodePath, name, memoryGiB } as const;
    }),
  ];
}

/** Every guest runs on a node that the lab declares. */
const nodesOfGuests = rule(["proxmox"], function* ({ proxmox, ...lab }, { declared }) {
  const known = Object.keys(proxmox.nodes);
  for (const { path, stack, defaults, node, nodePath } of guestsOf(lab)) {
    const stacks = [stack];
    if (node === undefined) {
      if (declared([...path, "node"]) || declared(["defaults", defaults, "node"])) continue;
      yield found("node-missing", path, `${formatPath(path)} names no Proxmox node, and defaults.${defaults}.node is not set`, {
        remedy: `Set one of the two; the lab has ${known.join(", ")}.`,
        stacks,
      });
    } else if (!known.includes(node) && !declared(["proxmox", "nodes", node])) {
      const meant = nearest(node, known);
      yield found(
        "unknown-node",
        nodePath,
        `${formatPath(path)} runs on the node ${node}, but proxmox.nodes has only ${known.join(", ")}`,
        { remedy: `${meant ? `Write ${meant}, or declare` : "Declare"} ${node} under proxmox.nodes.`, stacks },
      );
    }
  }
});

/** From this on a number of GiB is taken for one of MiB. */
const MIB_LOOK = 1024;

/** Proxmox shows memory in MiB, and the lab takes GiB. */
const memoryOfGuests = rule([], function* (lab) {
  for (const { path, stack, memoryGiB } of guestsOf(lab)) {
    if (memoryGiB < MIB_LOOK) continue;
    yield found(
      "memory-in-mib",
      [...path, "memoryGiB"],
      `${formatPath(path)} has ${memoryGiB} GiB of memory, which is ${memoryGiB / 1024} TiB`,
      { remedy: `Write ${memoryGiB / 1024} if ${memoryGiB} MiB is meant.`, stacks: [stack] },
    );
  }
});

/** A guest's name must be a valid host name. The lab's name and the key may be too long together. */
const namesOfGuests = rule([], function* (lab) {
  for (const { path, stack, name } of guestsOf(lab)) {
    if (!checkGuestName(name)) continue;
    yield found("name-too-long", path, `the name ${name} has ${name.length} characters, but a host name has at most 63`, {
      stacks: [stack],
    });
  }
});

export const guests = {
  title: "Guests",
  kinds,
  rules: [somethingToDo, sectionsOfGuests, nodesOfGuests, memoryOfGuests, namesOfGuests],
};
