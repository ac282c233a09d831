import { OLLAMA_PORT } from "../../catalog/ollama";
import type { DraftLab } from "../draft";
import { finder, GUEST_STACKS } from "../finding";
import { formatPath } from "../problem";
import { rule } from "./rule";

const kinds = {
  "no-clients": {
    severity: "warning",
    stacks: GUEST_STACKS,
    meaning: "The firewall of the guests lets nobody reach the Ollama API, because `network.clients` is empty.",
    example: `
      network:
        clients: []
    `,
    remedy: "List the networks that may reach it.",
  },
  "open-to-all": {
    severity: "warning",
    stacks: GUEST_STACKS,
    meaning:
      "The firewall of the guests lets every address in. Ollama asks nobody for a password, so whoever reaches its port can use it and delete its models.",
    example: `
      network:
        clients: [0.0.0.0/0]
    `,
    remedy: "List the networks that need it, or give each container a lock (https) and each host of a release one (auth).",
  },
  "no-management": {
    severity: "warning",
    stacks: ["containers"],
    meaning: "The firewall of the containers lets nobody reach SSH, because `network.management` is empty. Ansible needs SSH.",
    example: `
      network:
        management: []
    `,
    remedy: "List the networks that may reach it.",
  },
  "wait-without-management": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "The deploy of the cluster uses SSH, to wait for the nodes or to hand over the tokens, but `network.management` lets nobody reach it. The deploy would end only with its time limit.",
    example: `
      network:
        management: []
    `,
    remedy: "List the network of the machine that runs Terraform, or set cluster.waitForNodes: false with joinToken: variable.",
  },
  "ssh-missing": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The cloud-init snippets of the VMs are uploaded by SSH, because the Proxmox API cannot do it.",
    example: `
      proxmox: # without ssh
        endpoint: https://pve1.lab.example:8006/
    `,
    remedy: "Set proxmox.ssh: { username: … }; docs/cluster.md says what that user must be allowed to do.",
  },
  "node-address-missing": {
    severity: "error",
    stacks: ["cluster"],
    meaning:
      "A VM of the cluster runs on a Proxmox node without an address. The cloud-init snippets of the VMs are uploaded to that address by SSH.",
    example: `
      proxmox:
        nodes: { pve1: {} } # without an address
    `,
    remedy: "Write the address of the node.",
    once: "place",
  },
  "no-ssh-key": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "The guests accept SSH keys only. Without a key nobody can log in: the deploy cannot wait for the nodes of a cluster, nor run Ansible with `configure: true`.",
    example: "sshPublicKeys: []",
    remedy: "List at least one key.",
  },
  "configure-with-dhcp": {
    severity: "error",
    stacks: ["containers"],
    meaning: "With `configure: true` Ansible runs within the deploy, so the address must be known before. DHCP gives it later.",
    example: `
      configure: true
      containers:
        ollama-1: { vmId: 201, address: dhcp }
    `,
    remedy: "Give the container a static address, or set configure: false and run Ansible after the deploy.",
  },
  "root-only": {
    severity: "error",
    stacks: GUEST_STACKS,
    meaning:
      "Proxmox lets only root@pam, logged in with its password, set this. It refuses every API token at the apply, even one of root's.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, gpu: { type: intel } } # and proxmox.auth: apiToken
    `,
    remedy: "Remove it, or set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD.",
  },
  insecure: {
    severity: "warning",
    stacks: GUEST_STACKS,
    meaning:
      "Nothing verifies the certificate of the Proxmox API, so anyone between this machine and Proxmox can read the credential.",
    example: `
      proxmox:
        insecure: true
    `,
    remedy: "Trust the node's CA (/etc/pve/pve-root-ca.pem) on this machine, or let Proxmox get a certificate by ACME.",
  },
} as const;
const found = finder(kinds);

/** A network as an example, for a lab that states none. */
const EXAMPLE_NETWORK = "192.0.2.0/24";

/** With nobody allowed in, the firewall makes every container useless. The operator may want that, so it is only a warning. */
const reachable = rule(["network", "containers"], function* ({ network }) {
  const doors = [
    { code: "no-clients", list: "clients", what: `the Ollama API (port ${OLLAMA_PORT})` },
    { code: "no-management", list: "management", what: "SSH (port 22), which Ansible needs" },
  ] as const;
  for (const { code, list, what } of doors) {
    if (network[list].length > 0) continue;
    yield found(code, ["network", list], `network.${list} is empty, so the firewall lets nobody reach ${what}`, {
      remedy: `List the networks that may reach it, for example [${network.cidr ?? EXAMPLE_NETWORK}].`,
    });
  }
});

const EVERY_ADDRESS = "0.0.0.0/0";

/** Whether every Ollama that clients reach asks for a password, or has an address list of its own. */
function everyDoorHasLock({ containers = {}, cluster, ollama }: Pick<DraftLab, "containers" | "cluster" | "ollama">): boolean {
  const hosts = Object.values(ollama?.releases ?? {}).filter(({ host }) => host);
  return (
    Object.values(containers).every(({ https }) => https) &&
    (!cluster || (hosts.length > 0 && hosts.every(({ auth, allowFrom }) => auth || allowFrom.length > 0)))
  );
}

/** A network of every address opens a port to the internet as soon as the router forwards it. */
const openToAll = rule(["network"], function* ({ network, ...lab }) {
  const doors = [
    ["clients", "the Ollama API, which asks nobody for a password"],
    ["management", "SSH and, in a cluster, the Kubernetes API"],
  ] as const;
  for (const [list, what] of doors) {
    const index = network[list].indexOf(EVERY_ADDRESS);
    if (index < 0 || (list === "clients" && everyDoorHasLock(lab))) continue;
    yield found(
      "open-to-all",
      ["network", list, index],
      `network.${list} has ${EVERY_ADDRESS}, so the firewall lets every address reach ${what}`,
      { remedy: `List the networks that need it, for example [${network.cidr ?? EXAMPLE_NETWORK}].` },
    );
  }
});

/** The deploy waits for the nodes and hands over the tokens by SSH. The firewall drops packets, so it would wait for its time limit. */
const managementOfCluster = rule(["cluster", "network"], function* ({ cluster, network }) {
  if (network.management.length > 0 || (!cluster.waitForNodes && cluster.joinToken === "variable")) return;
  const what = cluster.joinToken === "ssh" ? "hands over the tokens" : "waits for the nodes";
  yield found(
    "wait-without-management",
    ["network", "management"],
    `the deploy ${what} by SSH, but network.management is empty, so the firewall lets nobody reach SSH`,
  );
});

/** Snippets are uploaded by SSH, because the Proxmox API cannot do it. */
const snippetsNeedSsh = rule(["cluster", "proxmox"], function* ({ proxmox }, { declared }) {
  if (proxmox.ssh || declared(["proxmox", "ssh"])) return;
  yield found(
    "ssh-missing",
    ["proxmox"],
    "the cluster's cloud-init snippets are uploaded to the Proxmox nodes by SSH, but proxmox.ssh is not set",
  );
});

/** SSH needs the address of each node that a VM runs on. */
const addressesForSsh = rule(["cluster", "proxmox"], function* ({ cluster, proxmox }, { declared }) {
  for (const { node, path } of cluster.nodes) {
    const place = ["proxmox", "nodes", node ?? ""];
    const known = node !== undefined && Object.hasOwn(proxmox.nodes, node) ? proxmox.nodes[node] : undefined;
    if (!known || known.address !== undefined || declared([...place, "address"])) continue;
    yield found(
      "node-address-missing",
      place,
      `${formatPath(path)} runs on the Proxmox node ${node}, whose snippets are uploaded by SSH, but ${formatPath(place)} has no address`,
      { remedy: "Add it, such as address: 192.0.2.11" },
    );
  }
});

/** Without a key nobody can log in to the VMs, and the deploy cannot wait for them. */
const keysOfVms = rule(["cluster", "sshPublicKeys"], function* ({ sshPublicKeys }, { declared }) {
  if (sshPublicKeys.length > 0 || declared(["sshPublicKeys", 0])) return;
  yield found("no-ssh-key", ["sshPublicKeys"], "the cluster's VMs accept SSH keys only, but sshPublicKeys is empty", {
    stacks: ["cluster"],
  });
});

/** Ansible logs in to the containers within the deploy. */
const keysOfContainers = rule(
  ["containers", "configure", "sshPublicKeys"],
  function* ({ containers, configure, sshPublicKeys }, { declared }) {
    if (!configure || Object.keys(containers).length === 0) return;
    if (sshPublicKeys.length > 0 || declared(["sshPublicKeys", 0])) return;
    yield found(
      "no-ssh-key",
      ["sshPublicKeys"],
      "configure is true, so Ansible logs in to the containers by SSH within the deploy, but sshPublicKeys is empty",
      { stacks: ["containers"], remedy: "List the key that this machine logs in with, or set configure: false." },
    );
  },
);

/** Ansible has to know the address when it runs within the deploy. */
const configurable = rule(["containers", "configure"], function* ({ containers, configure }) {
  if (!configure) return;
  for (const [key, { address }] of Object.entries(containers)) {
    if (address !== "dhcp") continue;
    yield found(
      "configure-with-dhcp",
      ["containers", key, "address"],
      `configure is true, but containers.${key} takes its address by DHCP, so Ansible does not know where to connect`,
    );
  }
});

const ROOT_REMEDY = "set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD.";

/** Proxmox lets only root, logged in with its password, set these. It refuses every API token at the apply, even one of root's. */
const rootOnly = rule(["proxmox"], function* ({ proxmox, containers, cluster }) {
  if (proxmox.auth === "rootPassword") return;
  for (const [key, container] of Object.entries(containers ?? {})) {
    const wanted = [
      { path: ["features", "keyctl"], is: container.features.keyctl, instead: "Remove keyctl, which Ollama does not need" },
      { path: ["gpu"], is: container.gpu !== undefined, instead: "Remove the GPU" },
      { path: ["devices"], is: container.devices.length > 0, instead: "Remove the devices" },
    ];
    for (const { path, is, instead } of wanted) {
      if (!is) continue;
      yield found(
        "root-only",
        ["containers", key, ...path],
        `proxmox.auth is apiToken, but Proxmox lets only root@pam with its password set ${path.join(".")} of a container`,
        { remedy: `${instead}, or ${ROOT_REMEDY}`, stacks: ["containers"] },
      );
    }
  }
  for (const { node, gpus } of cluster?.nodes ?? []) {
    for (const gpu of gpus) {
      const card = proxmox.nodes[node ?? ""]?.gpus[gpu];
      if (!card?.raw || card.mapping !== undefined) continue;
      const path = ["proxmox", "nodes", node ?? "", "gpus", gpu, "raw"];
      yield found(
        "root-only",
        path,
        `proxmox.auth is apiToken, but ${formatPath(path)} is true: Proxmox lets only root@pam with its password attach a card without a mapping`,
        { remedy: `Remove raw, and the card gets a mapping; or ${ROOT_REMEDY}`, stacks: ["cluster"] },
      );
    }
  }
});

/** Without a verified certificate, anyone between this machine and Proxmox can read the token. */
const insecureEndpoint = rule(["proxmox"], function* ({ proxmox }) {
  if (!proxmox.insecure) return;
  yield found(
    "insecure",
    ["proxmox", "insecure"],
    `nothing verifies the certificate of ${proxmox.endpoint}, so anyone between this machine and Proxmox can read the credential`,
  );
});

export const access = {
  title: "Access",
  kinds,
  rules: [
    reachable,
    openToAll,
    managementOfCluster,
    snippetsNeedSsh,
    addressesForSsh,
    keysOfVms,
    keysOfContainers,
    configurable,
    rootOnly,
    insecureEndpoint,
  ],
};
