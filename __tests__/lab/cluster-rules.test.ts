import { formatPath } from "../../lab/problem";
import { baseLab, type Changes, clusterLab, labWith, problemsOf } from "../../testing/lab";

/** A lab that one rule rejects, and what the rule says of it. */
interface Rejected {
  readonly fact: string;
  readonly lab: Changes;
  readonly code: string;
  readonly path: string;
  /** Both sides, as the message must name them. */
  readonly names: readonly string[];
}

const cluster = (changes: Changes) => ({ cluster: changes });
const worker = (changes: Changes) => cluster({ workers: { "gpu-1": changes } });
const secondWorker = (changes: Changes = {}) =>
  cluster({ workers: { "cpu-1": { vmId: 312, address: "192.0.2.42", ...changes } } });
const gpu = (changes: Changes) => ({ proxmox: { nodes: { pve1: { gpus: { rtx: changes } } } } });
const container = (changes: Changes = {}) => ({
  defaults: { container: baseLab.defaults?.container },
  containers: { "ollama-1": { vmId: 201, address: "192.0.2.21", ...changes } },
});
/** Servers k3s-1 (already there) to k3s-N, the first of which initializes, on a node each unless told otherwise. */
const servers = (number: number, changes: Changes = {}, node?: string) => ({
  proxmox: { nodes: { pve2: { address: "192.0.2.12" }, pve3: { address: "192.0.2.13" } } },
  cluster: {
    firstServer: "k3s-1",
    servers: Object.fromEntries(
      Array.from({ length: number }, (_, i) => [
        `k3s-${i + 1}`,
        { vmId: 301 + i, address: `192.0.2.${31 + i}`, node: node ?? `pve${(i % 3) + 1}` },
      ]),
    ),
    ...changes,
  },
});
const cpuPool = {
  count: 2,
  nodes: ["pve1"],
  firstVmId: 320,
  addresses: { from: "192.0.2.50", to: "192.0.2.59" },
};
const pool = (changes: Changes = {}) => cluster({ pools: { cpu: { ...cpuPool, ...changes } } });

const errors: Rejected[] = [
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
    fact: "several servers none of which is named as the first",
    lab: servers(3, { firstServer: undefined }),
    code: "first-server-missing",
    path: "cluster",
    names: ["k3s-1, k3s-2, k3s-3", "firstServer"],
  },
  {
    fact: "a first server that is none",
    lab: cluster({ firstServer: "k3s-9" }),
    code: "unknown-first-server",
    path: "cluster.firstServer",
    names: ["k3s-9", "k3s-1"],
  },
  {
    fact: "a VM without a Proxmox node",
    lab: { defaults: { worker: { node: undefined } } },
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
    fact: "a pool on a Proxmox node that is not declared, said once for all its members,",
    lab: pool({ nodes: ["pve1", "pve9"], count: 6 }),
    code: "unknown-node",
    path: "cluster.pools.cpu.nodes",
    names: ["pve9", "pve1"],
  },
  {
    fact: "a network without a gateway",
    lab: { network: { gateway: undefined } },
    code: "gateway-missing",
    path: "network",
    names: ["network.gateway"],
  },
  {
    fact: "a gateway outside the network",
    lab: { network: { gateway: "198.51.100.1" } },
    code: "gateway-outside-network",
    path: "network.gateway",
    names: ["198.51.100.1", "192.0.2.0/24"],
  },
  {
    fact: "an address outside the network",
    lab: worker({ address: "198.51.100.41" }),
    code: "address-outside-network",
    path: "cluster.workers.gpu-1.address",
    names: ["198.51.100.41", "192.0.2.0/24"],
  },
  {
    fact: "the gateway's address",
    lab: worker({ address: "192.0.2.1" }),
    code: "address-is-gateway",
    path: "cluster.workers.gpu-1.address",
    names: ["192.0.2.1"],
  },
  {
    fact: "the broadcast address",
    lab: worker({ address: "192.0.2.255" }),
    code: "reserved-address",
    path: "cluster.workers.gpu-1.address",
    names: ["broadcast", "192.0.2.0/24"],
  },
  {
    fact: "a pool with more members than addresses",
    lab: pool({ count: 11 }),
    code: "pool-range-too-small",
    path: "cluster.pools.cpu.addresses",
    names: ["11 members", "room for 10"],
  },
  {
    fact: "a pool whose range ends before it begins",
    lab: pool({ addresses: { from: "192.0.2.59", to: "192.0.2.50" } }),
    code: "pool-range-too-small",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.59 to 192.0.2.50", "room for 0"],
  },
  {
    fact: "a pool whose range leaves the network",
    lab: pool({ addresses: { from: "192.0.2.250", to: "192.0.3.9" } }),
    code: "address-outside-network",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.3.9", "192.0.2.0/24"],
  },
  {
    fact: "a pool whose range holds the gateway",
    lab: { network: { gateway: "192.0.2.51" }, ...pool() },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.51", "network.gateway"],
  },
  {
    fact: "a pool whose range holds another guest, though its members do not reach it yet,",
    lab: { ...container({ address: "192.0.2.55" }), ...pool() },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.55", "containers.ollama-1"],
  },
  {
    fact: "a pool whose range holds a Proxmox node",
    lab: { ...pool(), proxmox: { nodes: { pve1: { address: "192.0.2.58" } } } },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.58", "proxmox.nodes.pve1"],
  },
  {
    fact: "a pool whose member has another guest's address",
    lab: pool({ addresses: { from: "192.0.2.40", to: "192.0.2.45" } }),
    code: "duplicate-address",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.41", "cluster.workers.gpu-1.address", "cpu-2"],
  },
  {
    fact: "two pools whose ranges overlap",
    lab: cluster({
      pools: {
        a: { count: 1, nodes: ["pve1"], firstVmId: 320, addresses: { from: "192.0.2.50", to: "192.0.2.55" } },
        b: { count: 1, nodes: ["pve1"], firstVmId: 330, addresses: { from: "192.0.2.53", to: "192.0.2.59" } },
      },
    }),
    code: "pool-range-overlaps",
    path: "cluster.pools.b.addresses",
    names: ["pool b", "pool a", "192.0.2.53"],
  },
  {
    fact: "a pool's member with the VMID of another guest",
    lab: pool({ firstVmId: 310 }),
    code: "duplicate-vmid",
    path: "cluster.pools.cpu.firstVmId",
    names: ["311", "cluster.workers.gpu-1.vmId", "cpu-2"],
  },
  {
    fact: "a worker with the key of a pool's member",
    lab: cluster({
      workers: { "cpu-2": { vmId: 312, address: "192.0.2.42" } },
      pools: { cpu: cpuPool },
    }),
    code: "duplicate-key",
    path: "cluster.pools.cpu",
    names: ["cpu-2", "cluster.workers.cpu-2"],
  },
  {
    fact: "the registration address of a node",
    lab: cluster({ registrationAddress: "192.0.2.31" }),
    code: "registration-is-node",
    path: "cluster.registrationAddress",
    names: ["192.0.2.31", "cluster.servers.k3s-1"],
  },
  {
    fact: "a registration address outside the network",
    lab: cluster({ registrationAddress: "198.51.100.30" }),
    code: "registration-outside-network",
    path: "cluster.registrationAddress",
    names: ["198.51.100.30", "192.0.2.0/24"],
  },
  {
    fact: "the gateway as registration address",
    lab: cluster({ registrationAddress: "192.0.2.1" }),
    code: "address-is-gateway",
    path: "cluster.registrationAddress",
    names: ["192.0.2.1"],
  },
  {
    fact: "a Proxmox node's address as registration address",
    lab: cluster({ registrationAddress: "192.0.2.11" }),
    code: "duplicate-address",
    path: "cluster.registrationAddress",
    names: ["192.0.2.11", "proxmox.nodes.pve1.address"],
  },
  {
    fact: "neither an image nor a template",
    lab: cluster({ image: undefined }),
    code: "no-disk-source",
    path: "cluster",
    names: ["image", "template"],
  },
  {
    fact: "an image beside a template",
    lab: cluster({ template: { vmId: 9000 } }),
    code: "two-disk-sources",
    path: "cluster.template",
    names: ["image", "template"],
  },
  {
    fact: "an image that is there already under a volume id that is none",
    lab: cluster({ image: "local:iso/noble.img" }),
    code: "invalid-image-volume",
    path: "cluster.image",
    names: ["local:iso/noble.img"],
  },
  {
    fact: "an image of a type that Proxmox does not import",
    lab: cluster({ image: { url: "https://images.lab.example/20250805/noble-live-server-amd64.iso" } }),
    code: "unusable-image-name",
    path: "cluster.image",
    names: ["noble-live-server-amd64.iso"],
  },
  {
    fact: "an image under a name that Proxmox does not import",
    lab: cluster({ image: { fileName: "noble.img" } }),
    code: "invalid-image-name",
    path: "cluster.image.fileName",
    names: ["noble.img"],
  },
  {
    fact: "a disk smaller than the image",
    lab: { ...worker({ diskGiB: 5 }), cluster: { image: { sizeGiB: 8 }, workers: { "gpu-1": { diskGiB: 5 } } } },
    code: "disk-smaller-than-image",
    path: "cluster.workers.gpu-1.diskGiB",
    names: ["5 GiB", "8"],
  },
  {
    fact: "a disk smaller than the template",
    lab: cluster({ image: undefined, template: { vmId: 9000, sizeGiB: 120 }, servers: { "k3s-1": { diskGiB: 120 } } }),
    code: "disk-smaller-than-image",
    path: "cluster.workers.gpu-1.diskGiB",
    names: ["100 GiB", "template has 120"],
  },
  {
    fact: "the template's VMID for a guest",
    lab: cluster({ image: undefined, template: { vmId: 311 } }),
    code: "duplicate-vmid",
    path: "cluster.workers.gpu-1.vmId",
    names: ["311", "cluster.template.vmId"],
  },
  {
    fact: "snippets without SSH",
    lab: { proxmox: { ssh: undefined } },
    code: "ssh-missing",
    path: "proxmox",
    names: ["SSH", "proxmox.ssh"],
  },
  {
    fact: "VMs that nobody can log in to",
    lab: { sshPublicKeys: [] },
    code: "no-ssh-key",
    path: "sshPublicKeys",
    names: ["sshPublicKeys is empty"],
  },
  {
    fact: "a wait for nodes that the firewall lets nobody reach",
    lab: { network: { management: [] } },
    code: "wait-without-management",
    path: "network.management",
    names: ["SSH", "waits for the nodes"],
  },
  {
    fact: "a hand-over to nodes that the firewall lets nobody reach, without a wait too,",
    lab: { network: { management: [] }, cluster: { joinToken: "ssh", waitForNodes: false } },
    code: "wait-without-management",
    path: "network.management",
    names: ["hands over the tokens"],
  },
  {
    fact: "a card that the VM's node does not have",
    lab: worker({ gpus: ["arc"] }),
    code: "unknown-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["arc", "proxmox.nodes.pve1.gpus has rtx"],
  },
  {
    fact: "one card for two VMs",
    lab: secondWorker({ gpus: ["rtx"] }),
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1", "cluster.workers.cpu-1.gpus"],
  },
  {
    fact: "one card for two members of a pool",
    lab: cluster({
      workers: { "gpu-1": undefined },
      pools: {
        gpu: {
          count: 2,
          nodes: ["pve1"],
          firstVmId: 320,
          addresses: { from: "192.0.2.50", to: "192.0.2.59" },
          gpus: ["rtx"],
        },
      },
    }),
    code: "duplicate-gpu",
    path: "cluster.pools.gpu.gpus",
    names: ["gpu-1", "gpu-2"],
  },
  {
    fact: "one card twice for one VM",
    lab: worker({ gpus: ["rtx", "rtx"] }),
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1"],
  },
  {
    fact: "a card for a VM and for a container",
    lab: {
      proxmox: { auth: "rootPassword" },
      ...container({ gpu: { type: "nvidia", card: "rtx", driverVersion: "580.95.05" } }),
    },
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1", "containers.ollama-1.gpu"],
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
    fact: "a PCI path in upper case",
    lab: gpu({ path: "0000:0A:00" }),
    code: "invalid-pci-path",
    path: "proxmox.nodes.pve1.gpus.rtx.path",
    names: ["0000:0A:00"],
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
    fact: "a mapping beside a path",
    lab: gpu({ mapping: "gpu-1" }),
    code: "gpu-ambiguous",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["gpu-1", "path"],
  },
  {
    fact: "a raw PCI device under an API token",
    lab: gpu({ raw: true }),
    code: "root-only",
    path: "proxmox.nodes.pve1.gpus.rtx.raw",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a raw PCI device without its path",
    lab: { proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true, path: undefined } } } } } },
    code: "gpu-incomplete",
    path: "proxmox.nodes.pve1.gpus.rtx",
    names: ["no path"],
  },
  {
    fact: "one function of a card, without saying which,",
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
  {
    fact: "a K3s version that is no release's name",
    lab: cluster({ k3sVersion: "v1.36.3" }),
    code: "invalid-k3s-version",
    path: "cluster.k3sVersion",
    names: ["v1.36.3"],
  },
  {
    fact: "a K3s version with a release candidate's name",
    lab: cluster({ k3sVersion: "1.36.3-rc1+k3s1" }),
    code: "invalid-k3s-version",
    path: "cluster.k3sVersion",
    names: ["1.36.3-rc1+k3s1"],
  },
  {
    fact: "a label of kubernetes.io that a node may not give itself",
    lab: worker({ labels: { "node-role.kubernetes.io/gpu": "true" } }),
    code: "reserved-label",
    path: "cluster.workers.gpu-1.labels.node-role.kubernetes.io/gpu",
    names: ["node-role.kubernetes.io"],
  },
  {
    fact: "a label of k8s.io, among the defaults too,",
    lab: { defaults: { worker: { labels: { "k8s.io/disk": "ssd" } } } },
    code: "reserved-label",
    path: "defaults.worker.labels.k8s.io/disk",
    names: ["k8s.io"],
  },
  {
    fact: "a label whose value Kubernetes refuses",
    lab: worker({ labels: { disk: "very fast" } }),
    code: "invalid-label",
    path: "cluster.workers.gpu-1.labels.disk",
    names: ["very fast"],
  },
  {
    fact: "a taint without an effect",
    lab: worker({ taints: ["gpu=yes"] }),
    code: "invalid-taint",
    path: "cluster.workers.gpu-1.taints[0]",
    names: ["gpu=yes"],
  },
  {
    fact: "servers two minor versions apart",
    lab: servers(3, {
      servers: {
        ...servers(3).cluster.servers,
        "k3s-2": { vmId: 302, address: "192.0.2.32", node: "pve2", k3sVersion: "v1.38.0+k3s1" },
      },
    }),
    code: "server-skew",
    path: "cluster.servers",
    names: ["1.36", "1.38"],
  },
  {
    fact: "a worker newer than the servers",
    lab: worker({ k3sVersion: "v1.36.4+k3s1" }),
    code: "worker-skew",
    path: "cluster.workers.gpu-1.k3sVersion",
    names: ["v1.36.4+k3s1", "v1.36.3+k3s1"],
  },
  {
    fact: "a pool four minor versions older than the servers, said once,",
    lab: {
      ...pool({ k3sVersion: "v1.35.1+k3s1" }),
      cluster: { ...pool({ k3sVersion: "v1.35.1+k3s1" }).cluster, k3sVersion: "v1.39.0+k3s1" },
    },
    code: "worker-skew",
    path: "cluster.pools.cpu.k3sVersion",
    names: ["v1.35.1+k3s1", "v1.39.0+k3s1", "3 minor"],
  },
  {
    fact: "a VM with the VMID of a container",
    lab: container({ vmId: 311 }),
    code: "duplicate-vmid",
    path: "cluster.workers.gpu-1.vmId",
    names: ["311", "containers.ollama-1.vmId"],
  },
  {
    fact: "a VM with the name of a container",
    lab: { ...container({ name: "shared" }), ...worker({ name: "shared" }) },
    code: "duplicate-name",
    path: "cluster.workers.gpu-1.name",
    names: ["shared", "containers.ollama-1.name"],
  },
  {
    fact: "a VM with the address of a container",
    lab: container({ address: "192.0.2.41" }),
    code: "duplicate-address",
    path: "cluster.workers.gpu-1.address",
    names: ["192.0.2.41", "containers.ollama-1.address"],
  },
  {
    fact: "a pool whose members' names are too long, said once,",
    lab: {
      name: "a".repeat(40),
      cluster: { pools: { ["b".repeat(30)]: cpuPool } },
    },
    code: "name-too-long",
    path: `cluster.pools.${"b".repeat(30)}`,
    names: ["73", "63"],
  },
];

const warnings: Rejected[] = [
  {
    fact: "an image without a checksum",
    lab: cluster({ image: { sha256: undefined } }),
    code: "no-checksum",
    path: "cluster.image",
    names: ["noble-server-cloudimg-amd64.img"],
  },
  {
    fact: "an image that is another every few weeks",
    lab: cluster({ image: { url: "https://images.lab.example/noble/current/noble-server-cloudimg-amd64.img" } }),
    code: "moving-image",
    path: "cluster.image.url",
    names: ["/current/"],
  },
  {
    fact: "a K3s version of a line that has ended, by a table and not by the clock,",
    lab: cluster({ k3sVersion: "v1.30.5+k3s1" }),
    code: "k3s-ended",
    path: "cluster.k3sVersion",
    names: ["1.30", "2025-06-28"],
  },
  {
    fact: "a K3s version older than the table",
    lab: cluster({ k3sVersion: "v1.24.17+k3s1" }),
    code: "k3s-ended",
    path: "cluster.k3sVersion",
    names: ["1.24", "before 2024-10-28"],
  },
  {
    fact: "all servers on one Proxmox node",
    lab: servers(3, {}, "pve1"),
    code: "servers-together",
    path: "cluster.servers",
    names: ["3 servers", "pve1"],
  },
];

test("the base lab of these tests has no problem, so each change is what is found", () => {
  expect(problemsOf(clusterLab)).toEqual([]);
});

describe.each([
  { severity: "error" as const, cases: errors, verb: "is refused" },
  { severity: "warning" as const, cases: warnings, verb: "is warned of" },
])("$severity", ({ severity, cases, verb }) => {
  test.each(cases)(`$fact ${verb}`, ({ lab, code, path, names }) => {
    const problems = problemsOf(labWith(lab, clusterLab));
    expect(problems.map((problem) => ({ ...problem, path: formatPath(problem.path) }))).toEqual([
      { code, severity, path, message: expect.any(String), remedy: expect.stringMatching(/\.$/), stacks: expect.any(Array) },
    ]);
    for (const name of names) expect(problems[0]?.message).toContain(name);
  });
});

describe("accepted is", () => {
  test.each<[string, Changes]>([
    ["three servers on three nodes", servers(3)],
    ["a pool beside a worker", pool()],
    ["a pool that has no member yet", pool({ count: 0 })],
    ["a name as registration address", cluster({ registrationAddress: "k3s.lab.example" })],
    [
      "a raw PCI device with root's password",
      { proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true } } } } } },
    ],
    [
      "an existing mapping without path or ids",
      { proxmox: { nodes: { pve1: { gpus: { rtx: undefined, pool: { mapping: "gpu" } } } } }, ...worker({ gpus: ["pool"] }) },
    ],
    ["one function of a card", gpu({ allFunctions: false, path: "0000:01:00.0" })],
    ["a zone as label, which a node may give itself", worker({ labels: { "topology.kubernetes.io/zone": "pve1" } })],
    [
      "a worker three minor versions older",
      cluster({ k3sVersion: "v1.38.1+k3s1", workers: { "gpu-1": { k3sVersion: "v1.35.1+k3s1" } } }),
    ],
    ["a template", cluster({ image: undefined, template: { vmId: 9000 } })],
    ["a cluster beside containers", container()],
    ["an empty management network when nothing needs SSH", { network: { management: [] }, cluster: { waitForNodes: false } }],
  ])("%s", (_, lab) => expect(problemsOf(labWith(lab, clusterLab))).toEqual([]));
});

test("more cards than a VM takes are refused", () => {
  const [problem] = problemsOf(labWith(worker({ gpus: Array.from({ length: 17 }, (_, i) => `rtx-${i}`) }), clusterLab));
  expect([problem?.code, formatPath(problem?.path ?? [])]).toEqual([expect.any(String), "cluster.workers.gpu-1.gpus"]);
});
