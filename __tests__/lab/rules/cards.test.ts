import { baseLab, clusterLab } from "../../../testing/lab";
import { accepted, container, gpu, refused, warned, worker } from "./rejected";

refused(baseLab, [
  {
    fact: "a card that its node does not have",
    lab: { proxmox: { auth: "rootPassword" }, ...container({ gpu: { type: "intel", card: "arc" } }) },
    code: "unknown-gpu",
    path: "containers.ollama-1.gpu.card",
    names: ["arc", "proxmox.nodes.pve1.gpus"],
  },
]);

refused(clusterLab, [
  {
    fact: "a card that the VM's node does not have",
    lab: worker({ gpus: ["arc"] }),
    code: "unknown-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["arc", "proxmox.nodes.pve1.gpus has rtx"],
  },
  {
    fact: "one card under two names",
    lab: {
      proxmox: {
        nodes: {
          pve1: { gpus: { same: { path: "0000:01:00.0", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 } } },
        },
      },
    },
    code: "duplicate-card",
    path: "proxmox.nodes.pve1.gpus.same.path",
    names: ["0000:01:00.0", "rtx", "same"],
  },
  {
    fact: "a card without its IOMMU group",
    lab: gpu({ iommuGroup: undefined }),
    code: "gpu-incomplete",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["lacks iommuGroup"],
  },
  {
    fact: "a card without its subsystem",
    lab: gpu({ subsystemId: undefined }),
    code: "gpu-incomplete",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["lacks subsystemId"],
  },
  {
    fact: "a card with a mapping and a path",
    lab: gpu({ mapping: "gpu-1" }),
    code: "gpu-ambiguous",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["gpu-1", "path"],
  },
  {
    fact: "a card attached without a mapping and without a path",
    lab: { proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true, path: undefined } } } } } },
    code: "gpu-incomplete",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["no path"],
  },
  {
    fact: "one function of a card when the path does not say which function",
    lab: gpu({ allFunctions: false }),
    code: "gpu-function-missing",
    path: "proxmox.nodes.pve1.gpus.rtx.path",
    names: ["0000:01:00", "whole card"],
  },
  {
    fact: "a whole card named by its second function",
    lab: gpu({ path: "0000:01:00.1" }),
    code: "gpu-function-extra",
    path: "proxmox.nodes.pve1.gpus.rtx.path",
    names: ["0000:01:00.1"],
  },
]);

accepted(clusterLab, [
  [
    "an existing mapping without path or ids",
    { proxmox: { nodes: { pve1: { gpus: { rtx: undefined, pool: { mapping: "gpu" } } } } }, ...worker({ gpus: ["pool"] }) },
  ],
  ["one function of a card", gpu({ allFunctions: false, path: "0000:01:00.0" })],
]);

warned(
  clusterLab,
  (
    [
      ["a GTX 1080", "10de:1b80", "Pascal"],
      ["a Tesla P100", "10de:15f8", "Pascal"],
      ["a GTX 980", "10de:13c0", "Maxwell"],
      ["a Titan V", "10de:1d81", "Volta"],
    ] as const
  ).map(([what, id, generation]) => ({
    fact: `${what}, which has no open kernel module,`,
    lab: gpu({ id }),
    code: "gpu-before-turing" as const,
    stacks: ["cluster"] as const,
    path: "proxmox.nodes.pve1.gpus.rtx.id",
    names: [id, generation, "the driver 580"],
    remedy: "Set cluster.nvidiaDriver: 580-closed, which has the closed modules for it.",
  })),
);

warned(clusterLab, [
  {
    fact: "a card that no branch knows any more, with closed modules, too,",
    lab: { ...gpu({ id: "10de:1180" }), cluster: { nvidiaDriver: "580-closed" } },
    code: "gpu-before-turing",
    stacks: ["cluster"],
    path: "proxmox.nodes.pve1.gpus.rtx.id",
    names: ["Kepler", "470"],
  },
]);

accepted(clusterLab, [
  ["a GTX 1080 with the closed driver", { ...gpu({ id: "10de:1b80" }), cluster: { nvidiaDriver: "580-closed" } }],
  ["the first card of Turing", gpu({ id: "10de:1e02" })],
  ["a card of another vendor with a low id", gpu({ id: "1002:1b80" })],
]);

refused(baseLab, [
  {
    fact: "a card that its node does not have, beside the two that it has,",
    lab: {
      proxmox: {
        auth: "rootPassword",
        nodes: { pve1: { gpus: { one: { path: "0000:01:00" }, two: { path: "0000:02:00" } } } },
      },
      ...container({ gpu: { type: "intel", card: "arc" } }),
    },
    code: "unknown-gpu",
    path: "containers.ollama-1.gpu.card",
    names: ["proxmox.nodes.pve1.gpus has one, two"],
  },
]);

refused(clusterLab, [
  {
    fact: "a card with a mapping that is to be attached without one",
    lab: {
      proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { mapping: "gpu-1", raw: true, path: undefined } } } } },
    },
    code: "gpu-ambiguous",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["names the mapping gpu-1, but also raw: true"],
  },
]);
