import { K3S_SERVER_CORES, K3S_SERVER_GIB } from "../../catalog/k3s";
import { GPU_WORKER_LEAST } from "../../catalog/nvidia";
import { nearest } from "../../grammar/nearest";
import { serversOf, workersOf } from "../cluster";
import { finder } from "../finding";
import { formatPath } from "../problem";
import { rule } from "./rule";

const kinds = {
  "no-server": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "A K3s cluster needs at least one server.",
    example: `
      cluster:
        servers: {}
    `,
    remedy: "Describe 1, 3 or 5 servers.",
  },
  "even-servers": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "The servers' etcd works while more than half of them run. With an even number one more can fail, but the cluster survives no more failures than with one server fewer.",
    example: `
      cluster:
        firstServer: k3s-1
        servers:
          k3s-1: { vmId: 301, address: 192.0.2.31 }
          k3s-2: { vmId: 302, address: 192.0.2.32 }
    `,
    remedy: "Add a server, or remove one.",
  },
  "too-many-servers": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "Every write waits until more than half of the servers have it, so more than five servers only make the cluster slower.",
    example: `
      cluster:
        firstServer: k3s-1
        servers:
          k3s-1: { vmId: 301, address: 192.0.2.31 }
          k3s-2: { vmId: 302, address: 192.0.2.32 }
          k3s-3: { vmId: 303, address: 192.0.2.33 }
          k3s-4: { vmId: 304, address: 192.0.2.34 }
          k3s-5: { vmId: 305, address: 192.0.2.35 }
          k3s-6: { vmId: 306, address: 192.0.2.36 }
          k3s-7: { vmId: 307, address: 192.0.2.37 }
    `,
    remedy: "Have 1, 3 or 5 servers.",
  },
  "unknown-first-server": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "`firstServer` names no server of the cluster.",
    example: `
      cluster:
        firstServer: k3s-9
    `,
    remedy: "Write the key of a server.",
  },
  "first-server-missing": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "One server initializes the cluster and the others join it. If the lab's order decided, a new server could come first and start a second cluster.",
    example: `
      cluster:
        servers: # and no firstServer
          k3s-1: { vmId: 301, address: 192.0.2.31 }
          k3s-2: { vmId: 302, address: 192.0.2.32 }
          k3s-3: { vmId: 303, address: 192.0.2.33 }
    `,
    remedy: "Set firstServer. If one server runs already, name that one; docs/upgrades.md has the step from one server to three.",
  },
  "server-too-small": {
    severity: "warning",
    stacks: ["cluster"],
    meaning:
      "A K3s server has less memory or fewer cores than K3s asks for. Without memory the kernel ends etcd or the API server at random times, and without cores they answer too late.",
    example: `
      cluster:
        servers:
          k3s-1: { vmId: 301, address: 192.0.2.31, memoryGiB: 1 }
    `,
    remedy: `Give it ${K3S_SERVER_GIB} GiB of memory and ${K3S_SERVER_CORES} cores or more.`,
  },
  "gpu-worker-too-small": {
    severity: "warning",
    stacks: ["cluster"],
    meaning:
      "A GPU worker has less memory or disk than its driver, K3s and the images of Ollama need. A disk that is nearly full makes Kubernetes remove images and pods.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, gpus: [rtx], diskGiB: 20 }
    `,
    remedy: `Give it ${GPU_WORKER_LEAST.memoryGiB} GiB of memory and ${GPU_WORKER_LEAST.diskGiB} GiB of disk or more.`,
  },
  "servers-together": {
    severity: "warning",
    stacks: ["cluster"],
    meaning: "All servers are on one Proxmox node, so they fail together when it fails.",
    example: `
      cluster:
        firstServer: k3s-1
        servers: # all on defaults.server.node
          k3s-1: { vmId: 301, address: 192.0.2.31 }
          k3s-2: { vmId: 302, address: 192.0.2.32 }
          k3s-3: { vmId: 303, address: 192.0.2.33 }
    `,
    remedy: "Put the servers on different Proxmox nodes.",
  },
} as const;
const found = finder(kinds);

/** etcd needs a majority. An even number of servers adds a member that can fail, but no failure that the cluster survives. */
const serverCount = rule(["cluster"], function* ({ cluster }, { declared }) {
  const path = ["cluster", "servers"];
  const number = serversOf(cluster).length;
  if (number === 0 && declared(path)) yield found("no-server", path, "the cluster has no server");
  else if (number > 0 && number % 2 === 0) {
    yield found(
      "even-servers",
      path,
      `the cluster has ${number} servers, but it survives no more failures than with ${number - 1}, and one more server can fail`,
      { remedy: `Have ${number - 1} or ${number + 1} servers.` },
    );
  } else if (number > 5) {
    yield found("too-many-servers", path, `the cluster has ${number} servers, but every write waits for more than half of them`);
  }
});

/**
 * The lab names the server that initializes the cluster. It must not follow from the order of the keys:
 * a new key could come first, and that server would start a second cluster.
 */
const firstServer = rule(["cluster"], function* ({ cluster }) {
  const keys = serversOf(cluster).map(({ key }) => key);
  const { firstServer: first } = cluster;
  if (first !== undefined && !keys.includes(first)) {
    const meant = nearest(first, keys);
    yield found(
      "unknown-first-server",
      ["cluster", "firstServer"],
      `firstServer is ${first}, but the servers are ${keys.join(", ")}`,
      {
        remedy: meant ? `Write ${meant}.` : "Write one of them.",
      },
    );
  } else if (first === undefined && keys.length > 1) {
    yield found(
      "first-server-missing",
      ["cluster"],
      `there are ${keys.length} servers (${keys.join(", ")}), but firstServer does not say which of them initializes the cluster`,
    );
  }
});

/** A server has the memory that K3s asks for. */
const sizeOfServers = rule(["cluster"], function* ({ cluster }) {
  for (const { path, memoryGiB, cores } of serversOf(cluster)) {
    if (memoryGiB < K3S_SERVER_GIB) {
      yield found(
        "server-too-small",
        [...path, "memoryGiB"],
        `${formatPath(path)} has ${memoryGiB} GiB of memory, but a K3s server needs at least ${K3S_SERVER_GIB}`,
        { remedy: `Set memoryGiB to ${K3S_SERVER_GIB} or more.` },
      );
    }
    if (cores < K3S_SERVER_CORES) {
      yield found(
        "server-too-small",
        [...path, "cores"],
        `${formatPath(path)} has ${cores} core, but a K3s server needs at least ${K3S_SERVER_CORES}`,
        { remedy: `Set cores to ${K3S_SERVER_CORES} or more.` },
      );
    }
  }
});

/** A GPU worker has room for its driver and the images. */
const sizeOfGpuWorkers = rule(["cluster"], function* ({ cluster }) {
  for (const { path, gpus, ...worker } of workersOf(cluster)) {
    if (gpus.length === 0) continue;
    for (const size of ["memoryGiB", "diskGiB"] as const) {
      const least = GPU_WORKER_LEAST[size];
      if (worker[size] >= least) continue;
      yield found(
        "gpu-worker-too-small",
        [...path, size],
        `${formatPath(path)} has ${worker[size]} GiB of ${size === "diskGiB" ? "disk" : "memory"}, but a GPU worker needs at least ${least}`,
        { remedy: `Set ${size} to ${least} or more.` },
      );
    }
  }
});

/** Servers on one machine fail together. */
const serversApart = rule(["cluster"], function* ({ cluster }) {
  const servers = serversOf(cluster);
  const hosts = new Set(servers.map(({ node }) => node));
  if (servers.length < 3 || hosts.size > 1) return;
  yield found(
    "servers-together",
    ["cluster", "servers"],
    `all ${servers.length} servers are on the Proxmox node ${[...hosts].join()}, so the cluster stops when it fails`,
  );
});

export const servers = {
  title: "K3s servers",
  kinds,
  rules: [serverCount, firstServer, sizeOfServers, sizeOfGpuWorkers, serversApart],
};
