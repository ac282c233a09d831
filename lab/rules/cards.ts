import { generationBeforeTuring, LAST_CLOSED_BRANCH } from "../../catalog/nvidia";
import { wholeCard } from "../../grammar/pci";
import { finder, GUEST_STACKS } from "../finding";
import { formatPath } from "../problem";
import { rule } from "./rule";

const kinds = {
  "unknown-gpu": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest wants a graphics card that `proxmox.nodes.<node>.gpus` does not have for the node it runs on.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, gpus: [arc] }
    `,
    remedy: "Declare the card under gpus of that node, or run the guest on the node that has the card.",
  },
  "gpu-ambiguous": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "A graphics card has a mapping that exists already, and also a path, from which this project would make a mapping.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { mapping: gpu-1, path: "0000:01:00" }
    `,
    remedy: "Keep the mapping, or the path with its ids.",
  },
  "gpu-incomplete": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "A fact about a graphics card is missing. Proxmox starts no VM whose mapping differs from the hardware.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:01:00", id: "10de:2684", iommuGroup: 12 } # no subsystemId
    `,
    remedy: "Read them on the node: `ssh root@NODE sh -s < templates/proxmox/gpu-facts.sh`, or name an existing mapping.",
  },
  "duplicate-card": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "One graphics card has two names. Two guests could then both have it, because the lab tells cards apart by their names.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 }
              same: { path: "0000:01:00.0", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 }
    `,
    remedy: "Keep one of them. Two functions of one card can go to two VMs with allFunctions: false on both.",
  },
  "gpu-function-missing": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "With `allFunctions: false` one function of a card is passed, but the path does not say which.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:01:00", allFunctions: false }
    `,
    remedy: 'Write the function too, such as "0000:01:00.0".',
  },
  "gpu-function-extra": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The whole card is passed, but the path names one function of it that is not the first.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:01:00.1" }
    `,
    remedy: "Write the path without its function, or set allFunctions: false.",
  },
  "gpu-before-turing": {
    severity: "warning",
    stacks: ["cluster"],
    meaning:
      "A card is older than Turing. NVIDIA's open kernel modules, which the workers install, do not know it: the worker would never join.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:01:00", id: "10de:1b80", subsystemId: "1043:88e2", iommuGroup: 12 } # a GTX 1080
      cluster:
        nvidiaDriver: "580"
    `,
    remedy: `Set cluster.nvidiaDriver: ${LAST_CLOSED_BRANCH}-closed, which has the closed modules for it.`,
  },
} as const;
const found = finder(kinds);

/** The driver that workers install has to know their cards. */
const generationsOfCards = rule(["cluster", "proxmox"], function* ({ cluster, proxmox }) {
  for (const { gpus, node } of cluster.nodes) {
    for (const gpu of gpus) {
      const id = proxmox.nodes[node ?? ""]?.gpus[gpu]?.id;
      const old = id === undefined ? undefined : generationBeforeTuring(id);
      if (!id || !old) continue;
      const reached = old.lastBranch === LAST_CLOSED_BRANCH;
      if (reached && cluster.nvidiaDriver.endsWith("-closed")) continue;
      yield found(
        "gpu-before-turing",
        ["proxmox", "nodes", node ?? "", "gpus", gpu, "id"],
        `${gpu} (${id}) is of the generation ${old.generation}, but the driver ${cluster.nvidiaDriver} has ` +
          (reached
            ? "open kernel modules alone, which begin with Turing"
            : `no module for it: ${old.lastBranch} was the last branch that had`),
        reached ? {} : { remedy: "Take a newer card: the Ubuntu of the workers has no driver for this one." },
      );
    }
  }
});

/** A card that a container names must be a card of its node. */
const cardsOfContainers = rule(["containers", "proxmox"], function* ({ containers, proxmox }, { declared }) {
  for (const [key, { gpu, node }] of Object.entries(containers)) {
    if (!gpu?.card || !node || !proxmox.nodes[node]) continue;
    const cards = Object.keys(proxmox.nodes[node].gpus);
    if (cards.includes(gpu.card) || declared(["proxmox", "nodes", node, "gpus", gpu.card])) continue;
    yield found(
      "unknown-gpu",
      ["containers", key, "gpu", "card"],
      `containers.${key} names the card ${gpu.card}, but proxmox.nodes.${node}.gpus has ${cards.join(", ") || "none"}`,
      { remedy: `Declare ${gpu.card} under proxmox.nodes.${node}.gpus, or name a card that is there.`, stacks: ["containers"] },
    );
  }
});

/** A card that a VM wants must be a card of its node. */
const cardsOfVms = rule(["cluster", "proxmox"], function* ({ cluster, proxmox }, { declared }) {
  for (const { gpus, node, path } of cluster.nodes) {
    const has = node === undefined ? undefined : proxmox.nodes[node]?.gpus;
    if (!has) continue;
    for (const gpu of gpus) {
      if (has[gpu] || declared(["proxmox", "nodes", node ?? "", "gpus", gpu])) continue;
      yield found(
        "unknown-gpu",
        [...path, "gpus"],
        `${formatPath(path)} wants the card ${gpu} of ${node}, but proxmox.nodes.${node}.gpus has ${Object.keys(has).join(", ") || "none"}`,
        {
          remedy: `Declare ${gpu} under proxmox.nodes.${node}.gpus, or run the VM on the node that has it.`,
          stacks: ["cluster"],
        },
      );
    }
  }
});

/** The facts that Proxmox compares with the hardware when a VM starts. */
const FACTS = ["path", "id", "subsystemId", "iommuGroup"] as const;

/** A card that a VM wants is described as Proxmox needs it. */
const factsOfCards = rule(["cluster", "proxmox"], function* ({ cluster, proxmox }, { declared }) {
  for (const { gpus, node } of cluster.nodes) {
    for (const gpu of gpus) {
      const card = proxmox.nodes[node ?? ""]?.gpus[gpu];
      if (!card) continue;
      const place = ["proxmox", "nodes", node ?? "", "gpus", gpu];
      if (card.mapping !== undefined) {
        if (card.path === undefined && !card.raw) continue;
        yield found(
          "gpu-ambiguous",
          place,
          `${formatPath(place)} names the mapping ${card.mapping}, but also ${card.path === undefined ? "raw: true" : `the path ${card.path}`}`,
        );
      } else if (card.raw) {
        if (card.path !== undefined) continue;
        yield found("gpu-incomplete", place, `${formatPath(place)} has raw: true, but no path`, { remedy: "Add the path." });
      } else {
        const missing = FACTS.filter((field) => card[field] === undefined && !declared([...place, field]));
        if (missing.length === 0) continue;
        yield found(
          "gpu-incomplete",
          place,
          `${formatPath(place)} lacks ${missing.join(", ")}, but Proxmox starts no VM whose mapping differs from the hardware`,
        );
      }
    }
  }
});

/** One card must not have two names: the rule about claims compares names, so two VMs could both have the card. */
const cardsOnce = rule(["proxmox"], function* ({ proxmox }) {
  for (const [node, { gpus }] of Object.entries(proxmox.nodes)) {
    const names = new Map<string, { name: string; path: string; whole: boolean }[]>();
    for (const [name, { path, allFunctions }] of Object.entries(gpus)) {
      if (path === undefined) continue;
      const slot = names.get(wholeCard(path)) ?? [];
      const same = slot.find((other) => other.whole || allFunctions || other.path === path);
      if (same) {
        yield found(
          "duplicate-card",
          ["proxmox", "nodes", node, "gpus", name, "path"],
          `${name} (${path}) and ${same.name} (${same.path}) of ${node} are the same card`,
        );
      }
      names.set(wholeCard(path), [...slot, { name, path, whole: allFunctions }]);
    }
  }
});

/** The path names a function exactly when one function is passed. */
const functionsOfCards = rule(["proxmox"], function* ({ proxmox }) {
  for (const [node, { gpus }] of Object.entries(proxmox.nodes)) {
    for (const [name, { allFunctions, path }] of Object.entries(gpus)) {
      if (path === undefined) continue;
      const place = ["proxmox", "nodes", node, "gpus", name, "path"];
      if (!allFunctions && !path.includes(".")) {
        yield found("gpu-function-missing", place, `allFunctions is false, but the path ${path} names the whole card`, {
          remedy: `Write the function too, such as ${path}.0.`,
        });
      } else if (allFunctions && /\.[1-7]$/.test(path)) {
        yield found(
          "gpu-function-extra",
          place,
          `the whole card is passed, but the path ${path} names a function of it that is not the first`,
        );
      }
    }
  }
});

export const cards = {
  title: "Graphics cards",
  kinds,
  rules: [generationsOfCards, cardsOfContainers, cardsOfVms, factsOfCards, cardsOnce, functionsOfCards],
};
