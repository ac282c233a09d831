import { baseLab, clusterLab } from "../../../testing/lab";
import { accepted, alsoContainer, cluster, container, pool, refused, worker } from "./rejected";

refused(baseLab, [
  {
    fact: "an address outside the network",
    lab: container({ address: "198.51.100.21" }),
    code: "address-outside-network",
    path: "containers.ollama-1.address",
    names: ["198.51.100.21", "192.0.2.0/24"],
  },
  {
    fact: "the gateway's address",
    lab: container({ address: "192.0.2.1" }),
    code: "address-is-gateway",
    path: "containers.ollama-1.address",
    names: ["192.0.2.1"],
  },
  {
    fact: "the network's own address",
    lab: container({ address: "192.0.2.0" }),
    code: "reserved-address",
    path: "containers.ollama-1.address",
    names: ["network", "192.0.2.0/24"],
  },
  {
    fact: "the broadcast address",
    lab: container({ address: "192.0.2.255" }),
    code: "reserved-address",
    path: "containers.ollama-1.address",
    names: ["broadcast", "192.0.2.0/24"],
  },
  {
    fact: "a static address without a gateway",
    lab: { network: { gateway: undefined } },
    code: "gateway-missing",
    path: "containers.ollama-1.address",
    names: ["192.0.2.21", "network.gateway"],
  },
  {
    fact: "a gateway together with DHCP",
    lab: container({ address: "dhcp", gateway: "192.0.2.1" }),
    code: "gateway-with-dhcp",
    path: "containers.ollama-1.gateway",
    names: ["DHCP", "192.0.2.1"],
  },
  {
    fact: "a gateway outside the network",
    lab: { network: { gateway: "198.51.100.1" } },
    code: "gateway-outside-network",
    path: "network.gateway",
    names: ["198.51.100.1", "192.0.2.0/24"],
  },
  {
    fact: "another prefix than that of the network",
    lab: container({ address: "192.0.2.21/16" }),
    code: "prefix-differs",
    path: "containers.ollama-1.address",
    names: ["/16", "192.0.2.0/24"],
    remedy: "Write 192.0.2.21, or 192.0.2.21/24.",
  },
  {
    fact: "a prefix that leaves the gateway out",
    lab: container({ address: "192.0.2.200/25" }),
    code: "prefix-differs",
    path: "containers.ollama-1.address",
    names: ["192.0.2.1", "192.0.2.128/25"],
    remedy: "Write 192.0.2.200, or 192.0.2.200/24.",
  },
  {
    fact: "the address of a name server",
    lab: { network: { dns: ["192.0.2.2", "192.0.2.21"] } },
    code: "address-of-service",
    path: "containers.ollama-1.address",
    names: ["192.0.2.21", "network.dns[1]"],
    remedy: "Choose another address.",
  },
  {
    fact: "the address of the container's own name server",
    lab: container({ dns: ["192.0.2.21"] }),
    code: "address-of-service",
    path: "containers.ollama-1.address",
    names: ["192.0.2.21", "containers.ollama-1.dns[0]"],
  },
  {
    fact: "the address of the NFS server",
    lab: { kubernetes: { nfs: { server: "192.0.2.21", path: "/k8s" } } },
    code: "address-of-service",
    path: "containers.ollama-1.address",
    names: ["192.0.2.21", "kubernetes.nfs.server"],
  },
]);

refused(clusterLab, [
  {
    fact: "a worker with the address of the NFS server",
    lab: { kubernetes: { nfs: { server: "192.0.2.41", path: "/k8s" } } },
    code: "address-of-service",
    path: "cluster.workers.gpu-1.address",
    names: ["192.0.2.41", "kubernetes.nfs.server"],
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
    fact: "a pool that is too small, and for nothing else while it is",
    lab: pool({ count: 11, addresses: { from: "198.51.100.1", to: "198.51.100.2" } }),
    code: "pool-range-too-small",
    path: "cluster.pools.cpu.addresses",
    names: ["11 members", "room for 2"],
  },
  {
    fact: "a pool whose range leaves the network",
    lab: pool({ addresses: { from: "192.0.2.250", to: "192.0.3.9" } }),
    code: "address-outside-network",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.3.9", "192.0.2.0/24"],
  },
  {
    fact: "a pool whose range begins at the network's own address",
    lab: { network: { gateway: "192.0.2.129" }, ...pool({ addresses: { from: "192.0.2.0", to: "192.0.2.9" } }) },
    code: "reserved-address",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.0"],
  },
  {
    fact: "a pool whose range holds the gateway",
    lab: { network: { gateway: "192.0.2.51" }, ...pool() },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.51", "network.gateway"],
  },
  {
    fact: "a pool whose range holds the address of another guest, after its last member,",
    lab: { ...alsoContainer({ address: "192.0.2.55" }), ...pool() },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.55", "containers.ollama-1"],
  },
  {
    fact: "a pool whose range holds the address of a Proxmox node",
    lab: { ...pool(), proxmox: { nodes: { pve1: { address: "192.0.2.58" } } } },
    code: "pool-range-overlaps",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.58", "proxmox.nodes.pve1"],
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
]);

accepted(baseLab, [
  [
    "a container on another network, with a prefix and a gateway of its own,",
    container({ address: "198.51.100.21/24", gateway: "198.51.100.1", vlan: 20 }),
  ],
]);

accepted(clusterLab, [
  ["a pool beside a worker", pool()],
  ["a pool without a member", pool({ count: 0 })],
  ["a name as registration address", cluster({ registrationAddress: "k3s.lab.example" })],
  ["a cluster beside a container", alsoContainer()],
]);

refused(clusterLab, [
  {
    fact: "a pool that has the address of the NFS server",
    lab: { kubernetes: { nfs: { server: "192.0.2.50", path: "/k8s" } }, ...pool() },
    code: "address-of-service",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.50", "kubernetes.nfs.server"],
  },
]);
