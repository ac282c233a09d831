import {
  checkAddress,
  contains,
  formatNetwork,
  type Network,
  networkOf,
  parseCidr,
  parseHostAddress,
  reservedRole,
  toAddress,
  toNumber,
} from "../../grammar/address";
import type { DraftCluster } from "../cluster";
import type { DraftLab } from "../draft";
import { type Finding, finder, GUEST_STACKS } from "../finding";
import { formatPath, type Path, type StackId } from "../problem";
import { type Needs, rule } from "./rule";

const kinds = {
  "reserved-address": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "The first and the last address of a network are the network's own and its broadcast address. No guest can have them.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.255 }
    `,
    remedy: "Choose an address between the first and the last of the network.",
  },
  "address-is-gateway": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest has the address of its own gateway.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.1 }
    `,
    remedy: "Choose another address.",
  },
  "address-of-service": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest has the address of the NFS server or of a name server, which the guests of the lab use.",
    example: `
      network:
        dns: [192.0.2.21]
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21 }
    `,
    remedy: "Choose another address.",
  },
  "prefix-differs": {
    severity: "error",
    stacks: ["containers"],
    meaning:
      "A container without a gateway of its own has a prefix that does not fit the lab's network: a shorter one takes hosts behind the gateway for neighbours, and a longer one can leave the gateway out.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21/16 }
    `,
    remedy: "Leave the prefix out: the container takes that of network.cidr.",
  },
  "address-outside-network": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A static address is outside the guest's network, so nothing can reach the guest.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 198.51.100.21 }
    `,
    remedy: "Choose an address inside the network.",
  },
  "cidr-missing": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "A guest has a static address, but the lab does not say which network it is in. The guest would not know its neighbours.",
    example: `
      network:
        gateway: 192.0.2.1 # and no cidr
    `,
    remedy: "Set network.cidr.",
    once: "place",
  },
  "gateway-with-dhcp": {
    severity: "error",
    stacks: ["containers"],
    meaning: "A container has a gateway, but takes its address by DHCP. The DHCP server also gives the gateway.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: dhcp, gateway: 192.0.2.1 }
    `,
    remedy: "Remove the gateway, or give a static address.",
  },
  "gateway-missing": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest with a static address needs a gateway. K3s does not start without a default route.",
    example: `
      network:
        cidr: 192.0.2.0/24 # and no gateway
    `,
    remedy: "Set network.gateway.",
  },
  "gateway-outside-network": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A guest reaches its gateway only when the gateway is in the guest's network.",
    example: `
      network:
        cidr: 192.0.2.0/24
        gateway: 198.51.100.1
    `,
    remedy: "Name a gateway inside the network.",
    once: "place",
  },
  "registration-is-node": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The registration address belongs to one node, so workers and clients lose the cluster when that node fails.",
    example: `
      cluster:
        registrationAddress: 192.0.2.31
        servers:
          k3s-1: { vmId: 301, address: 192.0.2.31 }
    `,
    remedy: "Write the address of a load balancer or a virtual IP, or remove registrationAddress.",
  },
  "registration-outside-network": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The registration address is outside the network of the nodes, which connect to it.",
    example: `
      cluster:
        registrationAddress: 198.51.100.30
    `,
    remedy: "Choose an address inside the network, or write a name.",
  },
  "pool-range-too-small": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "A pool has more members than its range has addresses.",
    example: `
      cluster:
        pools:
          cpu:
            count: 11
            nodes: [pve1]
            firstVmId: 320
            addresses: { from: 192.0.2.50, to: 192.0.2.59 }
    `,
    remedy: "Widen the range, or lower the count.",
  },
  "pool-range-overlaps": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "The range of a pool holds an address that something else has. The whole range belongs to the pool, so that it can grow.",
    example: `
      cluster:
        pools:
          cpu:
            count: 2
            nodes: [pve1]
            firstVmId: 320
            addresses: { from: 192.0.2.36, to: 192.0.2.45 }
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41 }
    `,
    remedy: "Move the range to free addresses.",
  },
} as const;
const found = finder(kinds);
type Found = Finding<keyof typeof kinds>;

/** Says what keeps a host in this network from having the address. */
function* misplaced(ip: string, network: Network, gateway: string | undefined, path: Path, stack: StackId): Iterable<Found> {
  const role = reservedRole(network, ip);
  const stacks = [stack];
  if (role) {
    yield found("reserved-address", path, `${ip} is the ${role} address of ${formatNetwork(network)}, which no guest can have`, {
      stacks,
    });
  } else if (ip === gateway) yield found("address-is-gateway", path, `${ip} is the address of the gateway`, { stacks });
}

/**
 * A container's static address lies in its network, is not reserved, and has a gateway. With DHCP the container names no gateway.
 * A container outside the lab's network has a prefix and a gateway of its own.
 */
const addressesOfContainers = rule(["containers", "network"], function* ({ containers, network }, { declared }) {
  const stacks = ["containers"] as const;
  const labNetwork = network.cidr === undefined ? undefined : parseCidr(network.cidr);
  for (const [key, container] of Object.entries(containers)) {
    const pooled = container.path[0] === "containerPools";
    const path = ["containers", key, "address"];
    const gatewayPath = ["containers", key, "gateway"];
    const address = parseHostAddress(container.address);
    if (!address) {
      if (!container.gateway) continue;
      yield found(
        "gateway-with-dhcp",
        gatewayPath,
        `the gateway ${container.gateway} is given, but the address is dhcp: DHCP brings its own gateway`,
      );
      continue;
    }
    const gateway = container.gateway ?? network.gateway;
    if (!gateway && !declared(["network", "gateway"]) && !declared(gatewayPath)) {
      yield found(
        "gateway-missing",
        path,
        pooled
          ? "the members of a pool have static addresses, but network.gateway is not given"
          : `${address.ip} is a static address, but neither network.gateway nor a gateway for containers.${key} is given`,
        { stacks },
      );
    }
    // The rule about pools checks the whole range of a pool.
    if (pooled) continue;
    const stated = address.prefix === undefined ? undefined : networkOf(address.ip, address.prefix);
    const own = (container.gateway ? stated : undefined) ?? labNetwork ?? stated;
    if (!own) {
      if (declared(["network", "cidr"])) continue;
      yield found("cidr-missing", path, `${address.ip} is a static address without a prefix, but network.cidr is not set`, {
        remedy: `Set network.cidr, such as cidr: ${formatNetwork(networkOf(address.ip, 24))}, or write the prefix too.`,
        stacks,
      });
      continue;
    }
    if (!contains(own, address.ip)) {
      yield found("address-outside-network", path, `${address.ip} is outside network.cidr ${network.cidr}`, {
        remedy: "Choose an address inside it. On another network the container needs a prefix and a gateway of its own.",
        stacks,
      });
      continue;
    }
    if (!container.gateway && address.prefix !== undefined && labNetwork) {
      const wider = address.prefix < labNetwork.prefix;
      const cutOff = gateway !== undefined && contains(own, gateway) && !contains(networkOf(address.ip, address.prefix), gateway);
      if (wider || cutOff) {
        yield found(
          "prefix-differs",
          path,
          wider
            ? `${container.address} has the prefix /${address.prefix}, but network.cidr ${network.cidr} is smaller: the container would not ask the gateway for what lies between`
            : `the gateway ${gateway} is outside ${formatNetwork(networkOf(address.ip, address.prefix))}, the network of ${container.address}`,
          { remedy: `Write ${address.ip}, or ${address.ip}/${labNetwork.prefix}.` },
        );
      }
    }
    if (gateway && !contains(own, gateway)) {
      yield found(
        "gateway-outside-network",
        container.gateway ? gatewayPath : ["network", "gateway"],
        `the gateway ${gateway} is outside ${formatNetwork(own)}, the network of ${address.ip}`,
        { stacks },
      );
    }
    yield* misplaced(address.ip, own, gateway, path, "containers");
  }
});

/** The nodes of a cluster have static addresses in the lab's network, and a gateway: K3s does not start without a default route. */
const addressesOfNodes = rule(["cluster", "network"], function* ({ cluster, network }, { declared }) {
  const stacks = ["cluster"] as const;
  if (network.cidr === undefined) {
    if (declared(["network", "cidr"])) return;
    yield found("cidr-missing", ["network"], "the cluster's VMs have static addresses, but network.cidr is not set", { stacks });
    return;
  }
  const range = parseCidr(network.cidr);
  if (!network.gateway && !declared(["network", "gateway"])) {
    yield found("gateway-missing", ["network"], "the cluster's VMs have static addresses, but network.gateway is not set", {
      stacks,
    });
  } else if (network.gateway && !contains(range, network.gateway)) {
    yield found(
      "gateway-outside-network",
      ["network", "gateway"],
      `the gateway ${network.gateway} is outside network.cidr ${network.cidr}`,
      { stacks },
    );
  }
  for (const { address, path, key } of cluster.nodes) {
    // The rule about pools checks the whole range of a pool.
    if (path[1] === "pools") continue;
    const place = [...path, "address"];
    if (contains(range, address)) yield* misplaced(address, range, network.gateway, place, "cluster");
    else {
      yield found("address-outside-network", place, `${address} of ${key} is outside network.cidr ${network.cidr}`, { stacks });
    }
  }
});

/** The address that nodes register at must be in their network, and must not be the address of one node. */
const registrationAddress = rule(["cluster", "network"], function* ({ cluster, network }) {
  const { registrationAddress: address } = cluster;
  if (!address || checkAddress(address) || network.cidr === undefined) return;
  const path = ["cluster", "registrationAddress"];
  const node = cluster.nodes.find((one) => one.address === address);
  const range = parseCidr(network.cidr);
  if (node) {
    yield found(
      "registration-is-node",
      path,
      `the registration address ${address} is the address of ${formatPath(node.path)}, so it fails when that node fails`,
    );
  } else if (contains(range, address)) yield* misplaced(address, range, network.gateway, path, "cluster");
  else {
    yield found(
      "registration-outside-network",
      path,
      `the registration address ${address} is outside network.cidr ${network.cidr}, where the nodes are`,
    );
  }
});

/** An address that something in the lab has. */
interface Taken {
  readonly address: string;
  readonly owner: string;
}

/** The addresses that are not a pool's. */
function takenAddresses({ cluster, network, containers, proxmox }: Needs<"network">): Taken[] {
  const all: { address: string | undefined; owner: string }[] = [
    ...Object.entries(proxmox?.nodes ?? {}).map(([name, { address }]) => ({ address, owner: `proxmox.nodes.${name}` })),
    ...Object.values(containers ?? {})
      .filter(({ path }) => path[0] !== "containerPools")
      .map(({ address, path }) => ({ address: parseHostAddress(address)?.ip, owner: formatPath(path) })),
    ...(cluster?.nodes ?? [])
      .filter(({ path }) => path[1] !== "pools")
      .map(({ address, path }) => ({ address, owner: formatPath(path) })),
    { address: network.gateway, owner: "network.gateway" },
    { address: cluster?.registrationAddress, owner: "cluster.registrationAddress" },
  ];
  return all.flatMap(({ address, owner }) => (address === undefined || checkAddress(address) ? [] : [{ address, owner }]));
}

/** The whole range of a pool belongs to it, also the part after its last member: those addresses must be free when it grows. */
const rangesOfPools = rule(["network"], function* (lab) {
  const pools = poolsOf(lab);
  const taken = pools.length > 0 ? takenAddresses(lab) : [];
  for (const [i, pool] of pools.entries()) yield* rangeFaults(pool, lab.network, taken, pools.slice(0, i));
});

/** A pool of containers or of workers. */
interface Pool {
  readonly name: string;
  readonly count: number;
  readonly addresses: DraftCluster["pools"][string]["addresses"];
  readonly path: Path;
  readonly stack: StackId;
}

function poolsOf({ containerPools, cluster }: DraftLab): Pool[] {
  return [
    ...Object.entries(containerPools ?? {}).map(([name, { count, addresses }]) => {
      return { name, count, addresses, path: ["containerPools", name, "addresses"], stack: "containers" } as const;
    }),
    ...Object.entries(cluster?.pools ?? {}).map(([name, { count, addresses }]) => {
      return { name, count, addresses, path: ["cluster", "pools", name, "addresses"], stack: "cluster" } as const;
    }),
  ];
}

function* rangeFaults(
  { name, count, addresses, path, stack }: Pool,
  network: Needs<"network">["network"],
  taken: readonly Taken[],
  before: readonly Pool[],
): Iterable<Found> {
  const stacks = [stack];
  const [from, to] = [toNumber(addresses.from), toNumber(addresses.to)];
  const room = to - from + 1;
  if (room < Math.max(count, 1)) {
    yield found(
      "pool-range-too-small",
      path,
      `the pool ${name} has ${count} members, but ${addresses.from} to ${addresses.to} has room for ${Math.max(room, 0)}`,
      { stacks },
    );
    return;
  }
  if (network.cidr === undefined) return;
  const range = parseCidr(network.cidr);
  const ends = [addresses.from, addresses.to];
  const outside = ends.find((address) => !contains(range, address));
  if (outside) {
    yield found("address-outside-network", path, `${outside} of the pool ${name} is outside network.cidr ${network.cidr}`, {
      remedy: "Choose a range inside it.",
      stacks,
    });
    return;
  }
  for (const address of ends) yield* misplaced(address, range, undefined, path, stack);
  for (const { address, owner } of taken) {
    const number = toNumber(address);
    if (number < from || number > to) continue;
    // An address that a member has is claimed twice, which the rule about claims reports. It does not know the gateway's.
    if (number < from + count && address !== network.gateway) continue;
    yield found(
      "pool-range-overlaps",
      path,
      `the range ${addresses.from} to ${addresses.to} of the pool ${name} holds ${address}, but that is the address of ${owner}`,
      { stacks },
    );
  }
  for (const { name: other, addresses: theirs, stack: theirStack } of before) {
    const [start, end] = [Math.max(from, toNumber(theirs.from)), Math.min(to, toNumber(theirs.to))];
    if (start > end) continue;
    yield found(
      "pool-range-overlaps",
      path,
      `the range of the pool ${name} and the range of the pool ${other} both hold ${toAddress(start)}`,
      { remedy: "Move one of them.", stacks: [...new Set([theirStack, stack])] },
    );
  }
}

/** No guest has the address of a server that the guests use. */
const addressesOfServices = rule([], function* (lab) {
  const services = new Map<string, string>();
  const add = (address: string | undefined, owner: string) => {
    if (address !== undefined && !checkAddress(address) && !services.has(address)) services.set(address, owner);
  };
  add(lab.kubernetes?.nfs?.server, "kubernetes.nfs.server");
  add(lab.ollamaNfsServer, "ollamaNfsServer");
  for (const [i, address] of (lab.network?.dns ?? []).entries()) add(address, `network.dns[${i}]`);
  for (const [key, { dns }] of Object.entries(lab.containers ?? {})) {
    for (const [i, address] of (dns ?? []).entries()) add(address, `containers.${key}.dns[${i}]`);
  }
  const guests = [
    ...Object.entries(lab.containers ?? {}).map(([key, { address }]) => ({
      address: parseHostAddress(address)?.ip,
      path: ["containers", key, "address"],
      stack: "containers" as const,
    })),
    ...(lab.cluster?.nodes ?? []).map(({ address, path }) => ({
      address,
      path: [...path, path[1] === "pools" ? "addresses" : "address"],
      stack: "cluster" as const,
    })),
  ];
  for (const { address, path, stack } of guests) {
    // What every guest has from its router is the gateway's: address-is-gateway reports it.
    const owner = address === lab.network?.gateway ? undefined : services.get(address ?? "");
    if (owner === undefined) continue;
    yield found("address-of-service", path, `${address} is the address of a guest, but ${owner} names it too`, {
      stacks: [stack],
    });
  }
});

export const addresses = {
  title: "Addresses",
  kinds,
  rules: [addressesOfContainers, addressesOfNodes, registrationAddress, rangesOfPools, addressesOfServices],
};
