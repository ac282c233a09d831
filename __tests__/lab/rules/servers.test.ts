import { clusterLab } from "../../../testing/lab";
import { accepted, cluster, refused, servers, warned } from "./rejected";

refused(clusterLab, [
  {
    fact: "a cluster without a server",
    lab: cluster({ servers: { "k3s-1": undefined } }),
    code: "no-server",
    path: "cluster.servers",
    names: ["no server"],
  },
  {
    fact: "an even number of servers",
    lab: servers(2),
    code: "even-servers",
    path: "cluster.servers",
    names: ["2 servers", "1"],
  },
  { fact: "more than five servers", lab: servers(7), code: "too-many-servers", path: "cluster.servers", names: ["7 servers"] },
  {
    fact: "several servers without firstServer",
    lab: servers(3, { firstServer: undefined }),
    code: "first-server-missing",
    path: "cluster",
    names: ["k3s-1, k3s-2, k3s-3", "firstServer"],
  },
  {
    fact: "a firstServer that is not a server",
    lab: cluster({ firstServer: "k3s-9" }),
    code: "unknown-first-server",
    path: "cluster.firstServer",
    names: ["k3s-9", "k3s-1"],
  },
]);

warned(clusterLab, [
  {
    fact: "a server with 1 GiB",
    lab: cluster({ servers: { "k3s-1": { memoryGiB: 1 } } }),
    code: "server-too-small",
    stacks: ["cluster"],
    path: "cluster.servers.k3s-1.memoryGiB",
    names: ["cluster.servers.k3s-1", "1 GiB", "at least 2"],
    remedy: "Set memoryGiB to 2 or more.",
  },
  {
    fact: "a server with one core",
    lab: cluster({ servers: { "k3s-1": { cores: 1 } } }),
    code: "server-too-small",
    stacks: ["cluster"],
    path: "cluster.servers.k3s-1.cores",
    names: ["cluster.servers.k3s-1", "1 core", "at least 2"],
    remedy: "Set cores to 2 or more.",
  },
  {
    fact: "a GPU worker with 20 GiB of disk",
    lab: cluster({ workers: { "gpu-1": { diskGiB: 20 } } }),
    code: "gpu-worker-too-small",
    stacks: ["cluster"],
    path: "cluster.workers.gpu-1.diskGiB",
    names: ["cluster.workers.gpu-1", "20 GiB of disk", "at least 30"],
    remedy: "Set diskGiB to 30 or more.",
  },
  {
    fact: "a GPU worker with 2 GiB of memory",
    lab: cluster({ workers: { "gpu-1": { memoryGiB: 2 } } }),
    code: "gpu-worker-too-small",
    stacks: ["cluster"],
    path: "cluster.workers.gpu-1.memoryGiB",
    names: ["cluster.workers.gpu-1", "2 GiB of memory", "at least 4"],
    remedy: "Set memoryGiB to 4 or more.",
  },
  {
    fact: "all servers on one Proxmox node",
    lab: servers(3, {}, "pve1"),
    code: "servers-together",
    stacks: ["cluster"],
    path: "cluster.servers",
    names: ["3 servers", "pve1"],
  },
]);

accepted(clusterLab, [["three servers on three nodes", servers(3)]]);
