import { baseLab, clusterLab, labWith, problemsOf } from "../../../testing/lab";
import { container, cpuPool, pool, refused, secondWorker, warned, worker } from "./rejected";

refused(baseLab, [
  {
    fact: "a node that is not declared",
    lab: container({ node: "pve2" }),
    code: "unknown-node",
    path: "containers.ollama-1.node",
    names: ["pve2", "pve1"],
  },
  {
    fact: "a container without a node, of which there are two",
    lab: { proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, defaults: { container: { node: undefined } } },
    code: "node-missing",
    path: "containers.ollama-1",
    names: ["defaults.container.node"],
  },
  {
    fact: "a guest's name with more than 63 characters",
    lab: { name: "a".repeat(40), containers: { ["b".repeat(40)]: { vmId: 202, address: "192.0.2.22" } } },
    code: "name-too-long",
    path: `containers.${"b".repeat(40)}`,
    names: ["81", "63"],
  },
  { fact: "a lab without a guest", lab: { containers: undefined }, code: "empty-lab", path: "", names: ["no guest"] },
]);

refused(clusterLab, [
  {
    fact: "a VM without a Proxmox node, of which there are two",
    lab: { proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, defaults: { worker: { node: undefined } } },
    code: "node-missing",
    path: "cluster.workers.gpu-1",
    names: ["defaults.worker.node"],
  },
  {
    fact: "a VM on a Proxmox node that is not declared",
    lab: secondWorker({ node: "pve2" }),
    code: "unknown-node",
    path: "cluster.workers.cpu-1.node",
    names: ["pve2", "pve1"],
  },
  {
    fact: "a pool on a Proxmox node that is not declared, in one problem for all members,",
    lab: pool({ nodes: ["pve1", "pve9"], count: 6 }),
    code: "unknown-node",
    path: "cluster.pools.cpu.nodes",
    names: ["pve9", "pve1"],
  },
  {
    fact: "a pool whose members' names are too long, in one problem for all members,",
    lab: {
      name: "a".repeat(40),
      cluster: { pools: { ["b".repeat(30)]: cpuPool } },
    },
    code: "name-too-long",
    path: `cluster.pools.${"b".repeat(30)}`,
    names: ["73", "63"],
  },
]);

warned(baseLab, [
  {
    fact: "memory in GiB that looks like MiB",
    lab: container({ memoryGiB: 4096 }),
    code: "memory-in-mib",
    stacks: ["containers"],
    path: "containers.ollama-1.memoryGiB",
    names: ["4096 GiB", "4 TiB"],
    remedy: "Write 4 if 4096 MiB is meant.",
  },
]);

warned(clusterLab, [
  {
    fact: "memory of a worker in GiB that looks like MiB",
    lab: worker({ memoryGiB: 16_384 }),
    code: "memory-in-mib",
    stacks: ["cluster"],
    path: "cluster.workers.gpu-1.memoryGiB",
    names: ["16384 GiB", "16 TiB"],
    remedy: "Write 16 if 16384 MiB is meant.",
  },
]);

test.each(["containers", "containerPools", "cluster", "ollama"])(
  "a lab whose %s cannot be read is not called empty",
  (section) => {
    const codes = problemsOf(labWith({ containers: undefined, [section]: 5 })).map(({ code }) => code);
    expect(codes).not.toContain("empty-lab");
  },
);
test.each([
  ["the node of a container", { containers: { "ollama-1": { node: 5 } } }],
  ["the node of all containers", { defaults: { container: { node: 5 } } }],
])("%s that cannot be read is not called missing", (_, changes) => {
  const two = { proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, defaults: { container: { node: undefined } } };
  expect(problemsOf(labWith(changes, labWith(two))).map(({ code }) => code)).toEqual(["wrong-type"]);
});
