import { checkAddress, contains, parseCidr, parseHostAddress, toAddress, toNumber } from "../../grammar/address";
import { checkGuestName } from "../../grammar/guest";
import { minorOf } from "../../grammar/k3s-version";
import { nearest } from "../../grammar/nearest";
import { wholeCard } from "../../grammar/pci";
import { checkImageFileName } from "../../grammar/storage";
import { compareVersions } from "../../grammar/version";
import { serversOf, workersOf } from "../cluster";
import { imageFileName } from "../image";
import { formatPath, type Path } from "../problem";
import { misplaced } from "./addresses";
import { misplacedGuest } from "./proxmox";
import { type Context, error, type Finding, type Needs, rule, warning } from "./rule";

/** Members of a pool have one place in the lab; what is wrong with each of them alike is said once. */
function* once(findings: Iterable<Finding>): Iterable<Finding> {
  const said = new Set<string>();
  for (const finding of findings) {
    const id = JSON.stringify([finding.code, finding.path, finding.message]);
    if (!said.has(id)) yield finding;
    said.add(id);
  }
}

const isPooled = (path: Path) => path[1] === "pools";

/** etcd needs a majority: an even number adds a member that can fail and no failure that can be survived. */
export const serverCount = rule(["cluster"], function* ({ cluster }, { declared }) {
  const number = serversOf(cluster).length;
  if (number === 0 && declared(["cluster", "servers"])) {
    yield error("no-server", ["cluster", "servers"], "the cluster has no server", "Describe 1, 3 or 5 servers.");
  } else if (number > 0 && number % 2 === 0) {
    yield error(
      "even-servers",
      ["cluster", "servers"],
      `the cluster has ${number} servers, and an even number survives no more failures than ${number - 1} while one more can fail`,
      `Have ${number - 1} or ${number + 1}.`,
    );
  } else if (number > 5) {
    yield error(
      "too-many-servers",
      ["cluster", "servers"],
      `the cluster has ${number} servers, and each write waits for a majority of them`,
      "Have 1, 3 or 5.",
    );
  }
});

/** Which server initializes must not follow from an order that a new neighbour changes: a second one would found a second cluster. */
export const firstServer = rule(["cluster"], function* ({ cluster }) {
  const keys = serversOf(cluster).map(({ key }) => key);
  const { firstServer: first } = cluster;
  if (first !== undefined && !keys.includes(first)) {
    const meant = nearest(first, keys);
    yield error(
      "unknown-first-server",
      ["cluster", "firstServer"],
      `firstServer is ${first}, and the servers are ${keys.join(", ")}`,
      meant ? `Write ${meant}.` : "Name one of them.",
    );
  } else if (first === undefined && keys.length > 1) {
    yield error(
      "first-server-missing",
      ["cluster"],
      `there are ${keys.length} servers (${keys.join(", ")}), and firstServer does not say which of them initializes the cluster`,
      "Name it. If one of them runs already, it is that one; docs/upgrades.md has the step from one server to three.",
    );
  }
});

/** Members of etcd on one machine fail together. */
export const serversApart = rule(["cluster"], function* ({ cluster }) {
  const servers = serversOf(cluster);
  const hosts = new Set(servers.map(({ node }) => node));
  if (servers.length < 3 || hosts.size > 1) return;
  yield warning(
    "servers-together",
    ["cluster", "servers"],
    `all ${servers.length} servers are on the Proxmox node ${[...hosts].join()}, so its failure stops the cluster as if there were one`,
    "Put them on different nodes.",
  );
});

/** Every VM needs a node that the lab declares. */
export const clusterNodes = rule(["cluster", "proxmox"], (lab, context) => once(missingNodes(lab, context)));

function* missingNodes({ cluster, proxmox }: Needs<"cluster" | "proxmox">, { declared }: Context): Iterable<Finding> {
  for (const { node, path, role } of cluster.nodes) {
    const nodePath = [...path, isPooled(path) ? "nodes" : "node"];
    yield* misplacedGuest({ node, path, nodePath, kind: role }, proxmox, declared);
  }
}

/** Nodes of a cluster have static addresses in the lab's network, and a gateway: K3s does not start without a default route. */
export const clusterAddresses = rule(["cluster", "network"], function* ({ cluster, network, containers }, { declared }) {
  const range = parseCidr(network.cidr);
  if (!network.gateway && !declared(["network", "gateway"])) {
    yield error(
      "gateway-missing",
      ["network"],
      "the cluster's VMs have static addresses, and network.gateway is not set",
      "Set network.gateway.",
    );
  } else if (network.gateway && !contains(range, network.gateway) && !containers) {
    // With containers, their rule says it.
    yield error(
      "gateway-outside-network",
      ["network", "gateway"],
      `the gateway ${network.gateway} is outside network.cidr ${network.cidr}, and cannot be reached from there`,
      "Name a gateway inside the network.",
    );
  }
  for (const { address, path, key } of cluster.nodes) {
    // A pool's addresses are judged by its range.
    if (isPooled(path)) continue;
    if (!contains(range, address)) {
      yield error(
        "address-outside-network",
        [...path, "address"],
        `${address} of ${key} is outside network.cidr ${network.cidr}`,
        "Choose an address inside it.",
      );
    } else yield* misplaced(address, range, network.gateway, [...path, "address"]);
  }
});

/** The whole range of a pool is its own, also what is beyond its last member: it must be free when the pool grows. */
export const poolRanges = rule(["cluster", "network"], function* ({ cluster, network, containers, proxmox }) {
  const pools = Object.entries(cluster.pools);
  const others = [
    ...Object.entries(proxmox?.nodes ?? {}).map(([name, { address }]) => ({ address, owner: `proxmox.nodes.${name}` })),
    ...Object.entries(containers ?? {}).map(([key, { address }]) => ({
      address: parseHostAddress(address)?.ip,
      owner: `containers.${key}`,
    })),
    ...cluster.nodes.filter(({ path }) => !isPooled(path)).map(({ address, path }) => ({ address, owner: formatPath(path) })),
    { address: network.gateway, owner: "network.gateway" },
    { address: cluster.registrationAddress, owner: "cluster.registrationAddress" },
  ];
  for (const [i, [name, { count, addresses }]] of pools.entries()) {
    const path = ["cluster", "pools", name, "addresses"];
    const [from, to] = [toNumber(addresses.from), toNumber(addresses.to)];
    const room = to - from + 1;
    if (room < Math.max(count, 1)) {
      yield error(
        "pool-range-too-small",
        path,
        `the pool ${name} has ${count} members, and ${addresses.from} to ${addresses.to} has room for ${Math.max(room, 0)}`,
        "Widen the range, or lower the count.",
      );
      continue;
    }
    const range = parseCidr(network.cidr);
    const outside = [addresses.from, addresses.to].find((address) => !contains(range, address));
    if (outside) {
      yield error(
        "address-outside-network",
        path,
        `${outside} of the pool ${name} is outside network.cidr ${network.cidr}`,
        "Choose a range inside it.",
      );
      continue;
    }
    yield* [addresses.from, addresses.to].flatMap((address) => [...misplaced(address, range, undefined, path)]);
    const taken = others.filter(({ address }) => {
      if (address === undefined || checkAddress(address)) return false;
      const number = toNumber(address);
      // What a member has already is claimed twice, which another rule says; the gateway is nobody's claim.
      return number >= from && number <= to && (number >= from + count || address === network.gateway);
    });
    for (const { address, owner } of taken) {
      yield error(
        "pool-range-overlaps",
        path,
        `the range ${addresses.from} to ${addresses.to} of the pool ${name} holds ${address}, the address of ${owner}`,
        "Move the range, so that the pool can grow.",
      );
    }
    for (const [other, { addresses: theirs }] of pools.slice(0, i)) {
      const [start, end] = [Math.max(from, toNumber(theirs.from)), Math.min(to, toNumber(theirs.to))];
      if (start > end) continue;
      yield error(
        "pool-range-overlaps",
        path,
        `the range of the pool ${name} and that of the pool ${other} both hold ${toAddress(start)}`,
        "Move one of them.",
      );
    }
  }
});

/** A pool's member and a worker of the same key would be one resource. */
export const poolKeys = rule(["cluster"], function* ({ cluster }) {
  const first = new Map<string, string>();
  for (const { key, path } of cluster.nodes) {
    const other = first.get(key);
    if (other === undefined) first.set(key, formatPath(path));
    else
      yield error("duplicate-key", path, `the key ${key} is that of ${other} and of ${formatPath(path)}`, "Rename one of them.");
  }
});

/** The address that nodes register at must reach the servers, and be none of them. */
export const registrationAddress = rule(["cluster", "network"], function* ({ cluster, network }) {
  const { registrationAddress: address } = cluster;
  if (!address || checkAddress(address)) return;
  const path = ["cluster", "registrationAddress"];
  const node = cluster.nodes.find((one) => one.address === address);
  if (node) {
    yield error(
      "registration-is-node",
      path,
      `the registration address ${address} is that of ${formatPath(node.path)}, so it fails with that one node`,
      "Choose the address of a load balancer or a virtual IP, or leave it out.",
    );
    return;
  }
  const range = parseCidr(network.cidr);
  if (!contains(range, address)) {
    yield error(
      "registration-outside-network",
      path,
      `the registration address ${address} is outside network.cidr ${network.cidr}, where the nodes are`,
      "Choose an address inside it, or a name.",
    );
  } else yield* misplaced(address, range, network.gateway, path);
});

/** Exactly one source of the VMs' disks. */
export const diskSource = rule(["cluster"], function* ({ cluster }, { declared }) {
  const { image, template } = cluster;
  if (image && template) {
    yield error(
      "two-disk-sources",
      ["cluster", "template"],
      "the cluster has an image and a template, and a disk is made from one",
      "Keep one of the two.",
    );
  } else if (!image && !template && !declared(["cluster", "image"]) && !declared(["cluster", "template"])) {
    yield error(
      "no-disk-source",
      ["cluster"],
      "the cluster has neither an image nor a template to make its VMs' disks from",
      "Add image: or template:.",
    );
  }
  if (!image || typeof image === "string") return;
  const name = checkImageFileName(imageFileName(image));
  if (name) yield error(name.code, ["cluster", "image"], name.message, `${name.remedy} Set image.fileName.`);
  if (!image.sha256) {
    yield warning(
      "no-checksum",
      ["cluster", "image"],
      `${image.url} is downloaded without a checksum, so nobody would see that it was altered`,
      "Set image.sha256 from the SHA256SUMS file beside the image.",
    );
  }
  if (/\/(current|release)\//.test(image.url)) {
    yield warning(
      "moving-image",
      ["cluster", "image", "url"],
      `${image.url} is another image every few weeks, so two nodes of one lab may differ`,
      "Name a dated folder, such as …/releases/noble/release-20260814/….",
    );
  }
});

/** Proxmox cannot make a disk smaller than what is copied into it. */
export const diskHoldsImage = rule(["cluster"], function* ({ cluster }) {
  const source = cluster.image ?? cluster.template;
  // How large an image is that is there already, the lab does not say.
  if (!source || typeof source === "string") return;
  const what = cluster.image ? "image" : "template";
  const seen = new Set<string>();
  for (const { diskGiB, path } of cluster.nodes) {
    if (diskGiB >= source.sizeGiB || seen.has(formatPath(path))) continue;
    seen.add(formatPath(path));
    yield error(
      "disk-smaller-than-image",
      [...path, "diskGiB"],
      `the disk of ${formatPath(path)} has ${diskGiB} GiB, and the ${what} ${source.sizeGiB}`,
      `Set diskGiB to ${source.sizeGiB} or more.`,
    );
  }
});

/** Snippets are uploaded by SSH: no API does it. */
export const snippetsNeedSsh = rule(["cluster", "proxmox"], function* ({ proxmox }, { declared }) {
  if (proxmox.ssh || declared(["proxmox", "ssh"])) return;
  yield error(
    "ssh-missing",
    ["proxmox"],
    "the cluster's cloud-init snippets are uploaded to the Proxmox nodes by SSH, and proxmox.ssh is not set",
    "Set proxmox.ssh: { username: … }; docs/cluster.md says what that user must be allowed.",
  );
});

/** The wait and the hand-over go by SSH, and what the firewall drops ends only with their time limit. */
export const managementOfCluster = rule(["cluster", "network"], function* ({ cluster, network }) {
  if (network.management.length > 0 || (!cluster.waitForNodes && cluster.joinToken === "variable")) return;
  yield error(
    "wait-without-management",
    ["network", "management"],
    `network.management is empty, so the firewall lets nobody reach SSH, by which the deploy ${cluster.joinToken === "ssh" ? "hands over the tokens" : "waits for the nodes"}`,
    "List the network of the machine that runs Terraform, or set cluster.waitForNodes: false with joinToken: variable.",
  );
});

/** Without a key nobody gets into the VMs, this project's own wait for them included. */
export const keysForVms = rule(["cluster", "sshPublicKeys"], function* ({ sshPublicKeys }, { declared }) {
  if (sshPublicKeys.length > 0 || declared(["sshPublicKeys", 0])) return;
  yield error(
    "no-ssh-key",
    ["sshPublicKeys"],
    "the cluster's VMs take SSH keys only, and sshPublicKeys is empty",
    "List at least one.",
  );
});

/** Cards must be their node's, and described as Proxmox wants them. */
export const cards = rule(["cluster", "proxmox"], (lab, context) => once(wrongCards(lab, context)));

function* wrongCards({ cluster, proxmox }: Needs<"cluster" | "proxmox">, { declared }: Context): Iterable<Finding> {
  const checked = new Set<string>();
  for (const { gpus, node, path } of cluster.nodes) {
    const has = node === undefined ? undefined : proxmox.nodes[node]?.gpus;
    if (!has) continue;
    for (const gpu of gpus) {
      const card = has[gpu];
      const place = ["proxmox", "nodes", node ?? "", "gpus", gpu];
      if (!card) {
        if (declared(place)) continue;
        yield error(
          "unknown-gpu",
          [...path, "gpus"],
          `${formatPath(path)} wants ${gpu} of ${node}, and proxmox.nodes.${node}.gpus has ${Object.keys(has).join(", ") || "none"}`,
          `Declare ${gpu} under proxmox.nodes.${node}.gpus, or place the VM where it is.`,
        );
        continue;
      }
      if (checked.has(formatPath(place))) continue;
      checked.add(formatPath(place));
      if (card.mapping !== undefined) {
        if (card.path === undefined && !card.raw) continue;
        yield error(
          "gpu-ambiguous",
          place,
          `${formatPath(place)} names the mapping ${card.mapping} and a path of its own`,
          "Keep the mapping, or the path with its ids.",
        );
      } else if (card.raw) {
        if (card.path === undefined) {
          yield error("gpu-incomplete", place, `${formatPath(place)} is to be attached raw, and has no path`, "Add the path.");
        }
        if (proxmox.auth !== "rootPassword") {
          yield error(
            "root-only",
            [...place, "raw"],
            "proxmox.auth is apiToken, and Proxmox lets only root@pam with its password attach a PCI device without a mapping",
            "Take raw away, and a mapping is made; or set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD.",
          );
        }
      } else {
        const missing = (["path", "id", "subsystemId", "iommuGroup"] as const).filter(
          (field) => card[field] === undefined && !declared([...place, field]),
        );
        if (missing.length === 0) continue;
        yield error(
          "gpu-incomplete",
          place,
          `${formatPath(place)} lacks ${missing.join(", ")}, and Proxmox starts no VM whose mapping differs from the hardware`,
          "Copy them from the node: `pvesh get /nodes/<node>/hardware/pci --pci-class-blacklist ''`, or name an existing mapping.",
        );
      }
    }
  }
}

/** Two names for one card would let two VMs have it: the claims go by the name. */
export const cardsOnce = rule(["proxmox"], function* ({ proxmox }) {
  for (const [node, { gpus }] of Object.entries(proxmox.nodes)) {
    const names = new Map<string, { name: string; path: string; whole: boolean }[]>();
    for (const [name, { path, allFunctions }] of Object.entries(gpus)) {
      if (path === undefined) continue;
      const slot = names.get(wholeCard(path)) ?? [];
      const same = slot.find((other) => other.whole || allFunctions || other.path === path);
      if (same) {
        yield error(
          "duplicate-card",
          ["proxmox", "nodes", node, "gpus", name, "path"],
          `${path} is the card ${name} of ${node}, and ${same.path} its card ${same.name}, and these are one`,
          "Keep one of them. Two functions of one card can go to two VMs with allFunctions: false on both.",
        );
      }
      names.set(wholeCard(path), [...slot, { name, path, whole: allFunctions }]);
    }
  }
});

/** With one function of a card, its path must say which. */
export const singleFunctions = rule(["proxmox"], function* ({ proxmox }) {
  for (const [node, { gpus }] of Object.entries(proxmox.nodes)) {
    for (const [name, { allFunctions, path }] of Object.entries(gpus)) {
      const place = ["proxmox", "nodes", node, "gpus", name];
      if (!allFunctions && path !== undefined && !path.includes(".")) {
        yield error(
          "gpu-function-missing",
          [...place, "path"],
          `allFunctions is false, and the path ${path} names the whole card`,
          `Write the function too, such as ${path}.0.`,
        );
      } else if (allFunctions && path !== undefined && /\.[1-7]$/.test(path)) {
        yield error(
          "gpu-function-extra",
          [...place, "path"],
          `the whole card is passed, and the path ${path} names another function of it than the first`,
          "Write the path without its function, or set allFunctions: false.",
        );
      }
    }
  }
});

/** When the Kubernetes minor versions that were ended last came to their end (kubernetes.io/releases/patch-releases). */
const ENDED: Readonly<Record<number, string>> = {
  28: "2024-10-28",
  29: "2025-02-28",
  30: "2025-06-28",
  31: "2025-10-28",
  32: "2026-02-28",
  33: "2026-06-28",
  34: "2026-10-27",
};
const OLDEST_IN_TABLE = 28;

/** How many minor versions a kubelet may be older than the API server (version skew policy). */
const MAX_SKEW = 3;

/** Versions that end, and versions that do not go together. */
export const k3sVersions = rule(["cluster"], (lab) => once(versionFaults(lab)));

function* versionFaults({ cluster }: Needs<"cluster">): Iterable<Finding> {
  const used = new Map(cluster.nodes.map(({ k3sVersion }) => [minorOf(k3sVersion), k3sVersion]));
  for (const [minor, version] of used) {
    const ended = ENDED[minor] ?? (minor < OLDEST_IN_TABLE ? `before ${ENDED[OLDEST_IN_TABLE]}` : undefined);
    if (!ended) continue;
    yield warning(
      "k3s-ended",
      ["cluster", "k3sVersion"],
      `${version} is of Kubernetes 1.${minor}, whose last patches came ${ended}`,
      "Plan an upgrade, one minor version after another: docs/upgrades.md.",
    );
  }
  const servers = serversOf(cluster);
  const minors = servers.map(({ k3sVersion }) => minorOf(k3sVersion));
  const [oldest, newest] = [Math.min(...minors), Math.max(...minors)];
  if (newest - oldest > 1) {
    yield error(
      "server-skew",
      ["cluster", "servers"],
      `the servers are of Kubernetes 1.${oldest} to 1.${newest}, and API servers may be one minor version apart`,
      "Upgrade the older ones first.",
    );
  }
  const oldestServer = servers.reduce<string | undefined>(
    (found, { k3sVersion }) => (found === undefined || compareVersions(k3sVersion, found) < 0 ? k3sVersion : found),
    undefined,
  );
  if (oldestServer === undefined) return;
  for (const { k3sVersion, path } of workersOf(cluster)) {
    const behind = minorOf(oldestServer) - minorOf(k3sVersion);
    if (behind > MAX_SKEW || newest - minorOf(k3sVersion) > MAX_SKEW || compareVersions(k3sVersion, oldestServer) > 0) {
      yield error(
        "worker-skew",
        [...path, "k3sVersion"],
        `${formatPath(path)} has ${k3sVersion} and the oldest server ${oldestServer}: a worker may be up to ${MAX_SKEW} minor versions older, and never newer`,
        "Upgrade the servers first, then the workers.",
      );
    }
  }
}

/** A node's name must be one DNS label. */
export const clusterNames = rule(["cluster"], function* ({ cluster }) {
  const said = new Set<string>();
  for (const { name, path } of cluster.nodes) {
    if (!checkGuestName(name) || said.has(formatPath(path))) continue;
    said.add(formatPath(path));
    yield error(
      "name-too-long",
      path,
      `the node's name ${name} has ${name.length} characters, and a host name at most 63`,
      "Shorten the lab's name or the key.",
    );
  }
});
