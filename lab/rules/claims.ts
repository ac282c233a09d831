import { checkAddress, parseHostAddress } from "../../grammar/address";
import { canonicalModelReference } from "../../grammar/model-reference";
import type { DraftCluster } from "../cluster";
import { type DraftLab, memberKey } from "../draft";
import { type Details, type Finding, finder, GUEST_STACKS } from "../finding";
import { devicePluginOf } from "../kubernetes";
import { formatPath, type Path, type StackId } from "../problem";
import { rule } from "./rule";

const kinds = {
  "duplicate-vmid": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "Two guests have one VMID. Containers, VMs and templates share one range of numbers in a Proxmox cluster.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21 }
        ollama-2: { vmId: 201, address: 192.0.2.22 }
    `,
    remedy: "Give one of them another VMID; containers and VMs share one range of numbers.",
  },
  "duplicate-name": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "Two guests have one name, so nobody can tell them apart in DNS or in Proxmox.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, name: chat }
        ollama-2: { vmId: 202, address: 192.0.2.22, name: chat }
    `,
    remedy: "Rename one of them: nobody can tell two guests of one name apart, in DNS or in Proxmox.",
  },
  "duplicate-address": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning: "Two guests, or a guest and a Proxmox node, have one address.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21 }
        ollama-2: { vmId: 202, address: 192.0.2.21 }
    `,
    remedy: "Give one of them another address.",
  },
  "duplicate-mac": {
    severity: "error",
    stacks: ["containers"],
    meaning: "Two guests have one MAC address.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, mac: "BC:24:11:00:00:21" }
        ollama-2: { vmId: 202, address: 192.0.2.22, mac: "BC:24:11:00:00:21" }
    `,
    remedy: "Give one of them another MAC address, or none: then Proxmox picks one.",
  },
  "duplicate-gpu": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "Two guests want one graphics card. A card is either passed to one VM, or its driver runs on the node for containers.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, gpus: [rtx] }
          gpu-2: { vmId: 312, address: 192.0.2.42, gpus: [rtx] }
    `,
    remedy: "Give it to one of them: a card is either passed to one VM, or its driver runs on the node for containers.",
  },
  "duplicate-key": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "Two containers, or two nodes of the cluster, have one key, so they would be one resource in Terraform. The members of a pool have the keys `<pool>-1`, `<pool>-2` and so on.",
    example: `
      cluster:
        workers:
          cpu-1: { vmId: 312, address: 192.0.2.42 }
        pools:
          cpu:
            count: 1
            nodes: [pve1]
            firstVmId: 320
            addresses: { from: 192.0.2.50, to: 192.0.2.59 }
    `,
    remedy: "Rename one of them.",
  },
  "duplicate-host": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "Two releases have one host. Two certificates would be written to one Secret, and chance would choose the route.",
    example: `
      ollama:
        releases:
          ollama: { host: ollama.home.example }
          second: { host: ollama.home.example }
    `,
    remedy: "Give one of them another host.",
  },
  "duplicate-entry": {
    severity: "error",
    stacks: ["containers", "cluster", "model-staging", "ollama"],
    meaning: "A list has one entry twice. Probably another one was meant.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, models: [mistral, mistral:latest] }
    `,
    remedy: "Keep one of the two.",
  },
  "release-name-taken": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "A release has the name of something that this project creates: `<release>-models` and `<release>-route` belong to another release, `https-redirect` to all routes.",
    example: `
      ollama:
        releases:
          ollama: {}
          ollama-models: {}
    `,
    remedy: "Rename the release.",
  },
  "issuer-name-taken": {
    severity: "error",
    stacks: ["platform"],
    meaning:
      "The ClusterIssuer has the name of another Helm release of the stack platform. Terraform has one resource for each name, so one of them would take the place of the other.",
    example: `
      kubernetes:
        issuer: cert-manager
        certManager: { email: operator@lab.example }
    `,
    remedy: "Rename the issuer, such as letsencrypt-prod.",
  },
  "namespace-taken": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "The namespace of Ollama exists already. This lab creates it, so the plan passes but the apply fails.",
    example: `
      ollama:
        namespace: kube-system
    `,
    remedy: "Choose a namespace for Ollama alone, such as ml.",
  },
} as const;
const found = finder(kinds);
type Found = Finding<keyof typeof kinds>;

/** A thing that only one guest can have, and who wants it. */
interface Claim {
  readonly code: "duplicate-vmid" | "duplicate-name" | "duplicate-address" | "duplicate-mac" | "duplicate-gpu";
  readonly value: string;
  readonly path: Path;
  /** Absent for a Proxmox node, which is in no stack. */
  readonly stack?: StackId;
  /** The key of the node, where the path alone does not tell: a member of a pool. */
  readonly member?: string;
  /** Several shared claims of one thing agree with each other. */
  readonly shared?: boolean;
}

const NOUNS: Readonly<Record<Claim["code"], string>> = {
  "duplicate-vmid": "the VMID",
  "duplicate-name": "the name",
  "duplicate-address": "the address",
  "duplicate-mac": "the MAC address",
  "duplicate-gpu": "the graphics card",
};

function* claimsOf(lab: DraftLab): Iterable<Claim> {
  for (const [name, node] of Object.entries(lab.proxmox?.nodes ?? {})) {
    if (node.address === undefined) continue;
    yield { code: "duplicate-address", value: node.address, path: ["proxmox", "nodes", name, "address"] };
  }
  for (const [key, container] of Object.entries(lab.containers ?? {})) {
    const pooled = container.path[0] === "containerPools";
    const at = (field: string) =>
      ({ path: ["containers", key, field], stack: "containers", ...(pooled && { member: key }) }) as const;
    yield { code: "duplicate-vmid", value: String(container.vmId), ...at("vmId") };
    yield { code: "duplicate-name", value: container.name, ...at("name") };
    const address = parseHostAddress(container.address);
    if (address) yield { code: "duplicate-address", value: address.ip, ...at("address") };
    if (container.mac) yield { code: "duplicate-mac", value: container.mac, ...at("mac") };
    if (container.gpu?.card && container.node) {
      // Containers may share a card, because its driver runs on the node. A VM takes the whole card.
      yield { code: "duplicate-gpu", value: `${container.gpu.card} of ${container.node}`, ...at("gpu"), shared: true };
    }
  }
  if (lab.cluster) yield* claimsOfCluster(lab.cluster);
}

function* claimsOfCluster({ nodes, template, registrationAddress }: DraftCluster): Iterable<Claim> {
  const stack = "cluster" as const;
  if (template) yield { code: "duplicate-vmid", value: String(template.vmId), path: ["cluster", "template", "vmId"], stack };
  const keys = new Set<string>();
  for (const { key, vmId, name, address, gpus, node, path } of nodes) {
    const pooled = path[1] === "pools";
    const at = (field: string, inPool: readonly string[]) => ({
      path: [...path, ...(pooled ? inPool : [field])],
      stack,
      ...(pooled && { member: key }),
    });
    yield { code: "duplicate-vmid", value: String(vmId), ...at("vmId", ["firstVmId"]) };
    // duplicate-key already reports a key used twice; do not report the name as well.
    if (!keys.has(key)) yield { code: "duplicate-name", value: name, ...at("name", []) };
    keys.add(key);
    yield { code: "duplicate-address", value: address, ...at("address", ["addresses"]) };
    for (const gpu of node === undefined ? [] : gpus)
      yield { code: "duplicate-gpu", value: `${gpu} of ${node}`, ...at("gpus", ["gpus"]) };
  }
  // registration-is-node already reports the address of a node of the cluster.
  if (
    registrationAddress &&
    !checkAddress(registrationAddress) &&
    nodes.every(({ address }) => address !== registrationAddress)
  ) {
    yield { code: "duplicate-address", value: registrationAddress, path: ["cluster", "registrationAddress"], stack };
  }
}

function claimant({ path, member }: Claim, { containers }: DraftLab): string {
  // The path of a member of a container pool is that of the pool, as in the finding.
  const place = path[0] === "containers" && member !== undefined ? containers?.[member]?.path : undefined;
  return member === undefined ? formatPath(path) : `${formatPath(place ?? path)} (${member})`;
}

/** Nothing that only one guest can have is claimed twice. Each claim after the first is reported. */
const uniqueClaims = rule([], function* (lab) {
  const owners = new Map<string, Claim>();
  for (const claim of claimsOf(lab)) {
    const id = `${claim.code} ${claim.value}`;
    const owner = owners.get(id);
    if (owner?.shared && claim.shared) continue;
    if (!owner) {
      owners.set(id, claim);
      continue;
    }
    yield found(
      claim.code,
      claim.path,
      claimant(owner, lab) === claimant(claim, lab)
        ? `${NOUNS[claim.code]} ${claim.value} is listed twice by ${claimant(claim, lab)}`
        : `${NOUNS[claim.code]} ${claim.value} is claimed by ${claimant(owner, lab)} and by ${claimant(claim, lab)}`,
      {
        ...(claimant(owner, lab) === claimant(claim, lab) && { remedy: "Remove one of the two." }),
        stacks: [...new Set([owner.stack, claim.stack].filter((stack) => stack !== undefined))],
      },
    );
  }
});

/** The key of a worker must not be the key of a pool's member: they would be one resource. */
const keysOfNodes = rule(["cluster"], function* ({ cluster }) {
  const first = new Map<string, string>();
  for (const { key, path } of cluster.nodes) {
    const other = first.get(key);
    if (other === undefined) first.set(key, formatPath(path));
    else
      yield found("duplicate-key", path, `the key ${key} is used by ${other} and by ${formatPath(path)}`, {
        stacks: ["cluster"],
      });
  }
});

/** The key of a container must not be the key of a pool's member: they would be one resource. */
const keysOfContainers = rule(["containers"], function* ({ containers, containerPools }) {
  for (const [name, { count }] of Object.entries(containerPools ?? {})) {
    for (let number = 1; number <= count; number += 1) {
      const key = memberKey(name, number);
      if (containers[key]?.path[0] !== "containers") continue;
      yield found(
        "duplicate-key",
        ["containers", key],
        `the key ${key} is used by containers.${key} and by containerPools.${name}`,
        {
          stacks: ["containers"],
        },
      );
    }
  }
});

/** Reports each entry that is equal to an earlier one. `identity` says what makes two entries equal. */
function* repeated(
  entries: readonly string[],
  path: Path,
  what: string,
  identity: (entry: string) => string,
  details: Details = {},
): Iterable<Found> {
  const seen = new Map<string, string>();
  for (const [index, entry] of entries.entries()) {
    const id = identity(entry);
    const first = seen.get(id);
    if (first === undefined) seen.set(id, entry);
    else {
      const same = first === entry ? "" : `; ${first} is the same`;
      yield found("duplicate-entry", [...path, index], `${what} ${entry} is listed twice${same}`, details);
    }
  }
}

/** The type and the blob of an SSH public key, without the comment after them. */
function sshIdentity(key: string): string {
  return key.trim().split(/\s+/).slice(0, 2).join(" ");
}

/** No list has an entry twice. */
const noRepetition = rule([], function* (lab) {
  yield* repeated(lab.sshPublicKeys ?? [], ["sshPublicKeys"], "the key", sshIdentity, { stacks: GUEST_STACKS });
  for (const [key, container] of Object.entries(lab.containers ?? {})) {
    const details = { stacks: ["containers"] } as const;
    yield* repeated(container.models, ["containers", key, "models"], "the model", canonicalModelReference, details);
    const devices = container.devices.map((device) => (typeof device === "string" ? device : device.path));
    yield* repeated(devices, ["containers", key, "devices"], "the device", (device) => device, details);
  }
  for (const [key, { models }] of Object.entries(lab.ollama?.releases ?? {})) {
    const details = { stacks: ["model-staging", "ollama"] } as const;
    yield* repeated(models, ["ollama", "releases", key, "models"], "the model", canonicalModelReference, details);
  }
});

/** Two releases must not have one host. */
const hosts = rule(["ollama"], function* ({ ollama }) {
  const first = new Map<string, string>();
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    if (!host) continue;
    const other = first.get(host);
    if (other === undefined) first.set(host, key);
    else yield found("duplicate-host", ["ollama", "releases", key, "host"], `${other} and ${key} both have the host ${host}`);
  }
});

/** What this project adds to the key of a release to name a Helm release of its own. */
const SUFFIXES = ["models", "route"] as const;

/** The key of a release must not be a name that this project makes from another key. */
const namesOfReleases = rule(["ollama"], function* ({ ollama }) {
  const keys = Object.keys(ollama.releases);
  for (const key of keys) {
    const owner = keys.find((other) => SUFFIXES.some((suffix) => key === `${other}-${suffix}`));
    const thing = key === "https-redirect" ? "the middleware of all routes" : owner && `a part of the release ${owner}`;
    if (thing) yield found("release-name-taken", ["ollama", "releases", key], `the name ${key} belongs to ${thing}`);
  }
});

/** The ClusterIssuer is installed by a Helm release of its name, beside the other releases of the stack `platform`. */
const nameOfIssuer = rule(["kubernetes"], function* ({ kubernetes, ...lab }) {
  if (!kubernetes.certManager) return;
  const plugin = devicePluginOf({ ...lab, kubernetes });
  const owners: Readonly<Record<string, string | false | undefined>> = {
    "cert-manager": "kubernetes.certManager",
    "csi-driver-nfs": kubernetes.nfs && "kubernetes.nfs",
    "nvidia-device-plugin": plugin && "the device plugin",
    "gpu-smoke-test": plugin?.smokeTest && "the smoke test of the device plugin",
  };
  const { issuer } = kubernetes;
  const owner = Object.hasOwn(owners, issuer) && owners[issuer];
  if (!owner) return;
  yield found("issuer-name-taken", ["kubernetes", "issuer"], `the name ${issuer} belongs to the Helm release of ${owner}`);
});

/** The namespaces that every cluster has. */
const CLUSTER_NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** A namespace that exists cannot be created: the plan passes, but the apply fails. */
const namespace = rule(["ollama"], function* ({ ollama, ...lab }) {
  const name = ollama.namespace;
  const owner =
    (CLUSTER_NAMESPACES.includes(name) && "every cluster") ||
    (name === "cert-manager" && lab.kubernetes?.certManager && "kubernetes.certManager") ||
    (name === "nvidia-device-plugin" && devicePluginOf({ ...lab, ollama }) && "the device plugin") ||
    undefined;
  if (!owner) return;
  yield found(
    "namespace-taken",
    ["ollama", "namespace"],
    `the namespace ${name} belongs to ${owner}, but this lab creates Ollama's namespace`,
  );
});

export const claims = {
  title: "Names, numbers and cards that two want",
  kinds,
  rules: [uniqueClaims, keysOfNodes, keysOfContainers, noRepetition, hosts, namesOfReleases, nameOfIssuer, namespace],
};
