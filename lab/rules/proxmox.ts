import { nearest } from "../../grammar/nearest";
import { formatPath, type Path } from "../problem";
import { type Context, error, type Finding, type Needs, rule, warning } from "./rule";

/** Guests need to know where, and in which network. */
export const sectionsOfGuests = rule([], function* (lab, { declared }) {
  const guests = lab.containers ? "containers" : lab.cluster ? "cluster" : undefined;
  if (!guests) return;
  for (const section of ["proxmox", "network"] as const) {
    if (lab[section] || declared([section])) continue;
    yield error("missing", [section], `${section} is missing, and ${guests} needs it`, `Add ${section}:, as in lab.yaml.`);
  }
});

/** Every container needs a node, and one that the lab declares. */
export const knownNodes = rule(["containers", "proxmox"], function* (lab, { declared }) {
  for (const [key, { node }] of Object.entries(lab.containers)) {
    const path = ["containers", key];
    yield* misplacedGuest({ node, path, nodePath: [...path, "node"], kind: "container" }, lab.proxmox, declared);
  }
});

/** A guest that names its Proxmox node, or takes it from the defaults of its kind. */
interface PlacedGuest {
  readonly node: string | undefined;
  readonly path: Path;
  /** Where the node is named, or would be. */
  readonly nodePath: Path;
  readonly kind: "container" | "server" | "worker";
}

/** What is wrong with the Proxmox node of a guest; nothing when the lab declares it. */
export function* misplacedGuest(
  { node, path, nodePath, kind }: PlacedGuest,
  { nodes }: Needs<"proxmox">["proxmox"],
  declared: Context["declared"],
): Iterable<Finding> {
  const known = Object.keys(nodes);
  if (node === undefined) {
    if (declared([...path, "node"]) || declared(["defaults", kind, "node"])) return;
    yield error(
      "node-missing",
      path,
      `${formatPath(path)} names no Proxmox node, and defaults.${kind}.node is not set`,
      `Set one of the two; the lab has ${known.join(", ")}.`,
    );
  } else if (!nodes[node] && !declared(["proxmox", "nodes", node])) {
    const meant = nearest(node, known);
    yield error(
      "unknown-node",
      nodePath,
      `${formatPath(path)} is to run on ${node}, and proxmox.nodes has ${known.join(", ")}`,
      meant ? `Write ${meant}, or declare ${node} under proxmox.nodes.` : `Declare ${node} under proxmox.nodes.`,
    );
  }
}

/** Proxmox lets only root, logged in with its password, set these; a token is refused at apply, even one of root's. */
export const rootOnlyFeatures = rule(["containers", "proxmox"], function* ({ containers, proxmox }) {
  if (proxmox.auth === "rootPassword") return;
  for (const [key, container] of Object.entries(containers)) {
    const wanted = [
      { path: ["features", "keyctl"], is: container.features.keyctl, instead: "Ollama does not need keyctl: take it away" },
      { path: ["gpu"], is: container.gpu !== undefined, instead: "Take the GPU away" },
      { path: ["devices"], is: container.devices.length > 0, instead: "Take the devices away" },
    ];
    for (const { path, is, instead } of wanted) {
      if (!is) continue;
      yield error(
        "root-only",
        ["containers", key, ...path],
        `proxmox.auth is apiToken, and Proxmox lets only root@pam with its password set ${path.join(".")} of a container`,
        `${instead}, or set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD.`,
      );
    }
  }
});

/** A card that a container names must be one of its node's. */
export const knownCards = rule(["containers", "proxmox"], function* ({ containers, proxmox }, { declared }) {
  for (const [key, { gpu, node }] of Object.entries(containers)) {
    if (!gpu?.card || !node || !proxmox.nodes[node]) continue;
    const cards = Object.keys(proxmox.nodes[node].gpus);
    if (cards.includes(gpu.card) || declared(["proxmox", "nodes", node, "gpus", gpu.card])) continue;
    yield error(
      "unknown-gpu",
      ["containers", key, "gpu", "card"],
      `containers.${key} names the card ${gpu.card}, and proxmox.nodes.${node}.gpus has ${cards.join(", ") || "none"}`,
      `Declare ${gpu.card} under proxmox.nodes.${node}.gpus, or name one that is there.`,
    );
  }
});

/** A certificate that is not verified lets anyone on the path read the token. */
export const insecureEndpoint = rule(["proxmox"], function* ({ proxmox }) {
  if (!proxmox.insecure) return;
  yield warning(
    "insecure",
    ["proxmox", "insecure"],
    `the certificate of ${proxmox.endpoint} is not verified, so anyone on the path can read the credential`,
    "Trust the node's CA (/etc/pve/pve-root-ca.pem) on this machine, or let Proxmox get a certificate by ACME.",
  );
});
