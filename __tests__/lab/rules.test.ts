import { formatPath } from "../../lab/problem";
import { type Changes, labWith, problemsOf, sshKey } from "../../testing/lab";

/** A lab that one rule rejects, and what the rule says of it. */
interface Rejected {
  readonly fact: string;
  readonly lab: Changes;
  readonly code: string;
  readonly path: string;
  /** Both sides, as the message must name them. */
  readonly names: readonly string[];
}

const container = (changes: Changes) => ({ containers: { "ollama-1": changes } });
const second = (changes: Changes) => ({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22", ...changes } } });

const errors: Rejected[] = [
  {
    fact: "one VMID for two guests",
    lab: second({ vmId: 201 }),
    code: "duplicate-vmid",
    path: "containers.ollama-2.vmId",
    names: ["201", "containers.ollama-1.vmId", "containers.ollama-2.vmId"],
  },
  {
    fact: "one name for two guests",
    lab: second({ name: "test-ollama-1" }),
    code: "duplicate-name",
    path: "containers.ollama-2.name",
    names: ["test-ollama-1", "containers.ollama-1.name"],
  },
  {
    fact: "one address for two guests",
    lab: second({ address: "192.0.2.21/24" }),
    code: "duplicate-address",
    path: "containers.ollama-2.address",
    names: ["192.0.2.21", "containers.ollama-1.address"],
  },
  {
    fact: "the address of a Proxmox node for a guest",
    lab: container({ address: "192.0.2.11" }),
    code: "duplicate-address",
    path: "containers.ollama-1.address",
    names: ["proxmox.nodes.pve1.address"],
  },
  {
    fact: "one MAC address for two guests",
    lab: {
      containers: {
        "ollama-1": { mac: "BC:24:11:00:00:21" },
        "ollama-2": { vmId: 202, address: "dhcp", mac: "BC:24:11:00:00:21" },
      },
    },
    code: "duplicate-mac",
    path: "containers.ollama-2.mac",
    names: ["BC:24:11:00:00:21", "containers.ollama-1.mac"],
  },
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
    fact: "a gateway beside DHCP",
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
    fact: "a node that is not declared",
    lab: container({ node: "pve2" }),
    code: "unknown-node",
    path: "containers.ollama-1.node",
    names: ["pve2", "pve1"],
  },
  {
    fact: "a container without a node",
    lab: { defaults: { container: { node: undefined } } },
    code: "node-missing",
    path: "containers.ollama-1",
    names: ["defaults.container.node"],
  },
  {
    fact: "keyctl under an API token",
    lab: container({ features: { keyctl: true } }),
    code: "root-only",
    path: "containers.ollama-1.features.keyctl",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a device under an API token",
    lab: container({ devices: ["/dev/dri/renderD128"] }),
    code: "root-only",
    path: "containers.ollama-1.devices",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a GPU under an API token",
    lab: container({ gpu: { type: "intel" } }),
    code: "root-only",
    path: "containers.ollama-1.gpu",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a card that its node does not have",
    lab: { proxmox: { auth: "rootPassword" }, ...container({ gpu: { type: "intel", card: "arc" } }) },
    code: "unknown-gpu",
    path: "containers.ollama-1.gpu.card",
    names: ["arc", "proxmox.nodes.pve1.gpus"],
  },
  {
    fact: "a model listed twice, in two spellings",
    lab: container({ models: ["nomic-embed-text", "nomic-embed-text:latest"] }),
    code: "duplicate-entry",
    path: "containers.ollama-1.models[1]",
    names: ["nomic-embed-text:latest", "nomic-embed-text"],
  },
  {
    fact: "an SSH key listed twice, with another comment",
    lab: { sshPublicKeys: [sshKey(1), `${sshKey(1)} again`] },
    code: "duplicate-entry",
    path: "sshPublicKeys[1]",
    names: ["the key"],
  },
  {
    fact: "a device listed twice",
    lab: { proxmox: { auth: "rootPassword" }, ...container({ devices: ["/dev/fuse", { path: "/dev/fuse" }] }) },
    code: "duplicate-entry",
    path: "containers.ollama-1.devices[1]",
    names: ["/dev/fuse"],
  },
  {
    fact: "a guest's name of more than 63 characters",
    lab: { name: "a".repeat(40), containers: { ["b".repeat(40)]: { vmId: 202, address: "192.0.2.22" } } },
    code: "name-too-long",
    path: `containers.${"b".repeat(40)}`,
    names: ["81", "63"],
  },
  {
    fact: "a template whose URL ends in no file name that Proxmox takes",
    lab: { defaults: { container: { template: { url: "https://mirror.lab.example/latest", sha256: "0".repeat(64) } } } },
    code: "unusable-template-name",
    path: "defaults.container.template",
    names: ["latest"],
  },
  {
    fact: "a template with two checksums",
    lab: {
      defaults: {
        container: { template: { url: "https://mirror.lab.example/u.tar.zst", sha256: "0".repeat(64), sha512: "0".repeat(128) } },
      },
    },
    code: "two-checksums",
    path: "defaults.container.template",
    names: ["sha256", "sha512"],
  },
  {
    fact: "one template file name from two places",
    lab: {
      containers: {
        "ollama-1": { template: { url: "https://a.lab.example/u.tar.zst", sha256: "0".repeat(64) } },
        "ollama-2": {
          vmId: 202,
          address: "192.0.2.22",
          template: { url: "https://b.lab.example/u.tar.zst", sha256: "0".repeat(64) },
        },
      },
    },
    code: "template-conflict",
    path: "containers.ollama-2.template",
    names: ["a.lab.example", "b.lab.example"],
  },
  {
    fact: "one template file name from two places, by two nodes that share the datastore",
    lab: {
      proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
      storage: { files: "nas", shared: ["nas"] },
      containers: {
        "ollama-1": { template: { url: "https://a.lab.example/u.tar.zst", sha256: "0".repeat(64) } },
        "ollama-2": {
          vmId: 202,
          address: "192.0.2.22",
          node: "pve2",
          template: { url: "https://b.lab.example/u.tar.zst", sha256: "0".repeat(64) },
        },
      },
    },
    code: "template-conflict",
    path: "containers.ollama-2.template",
    names: ["a.lab.example", "b.lab.example"],
  },
  {
    fact: "Ansible within the deploy for a leased address",
    lab: { configure: true, ...container({ address: "dhcp" }) },
    code: "configure-with-dhcp",
    path: "containers.ollama-1.address",
    names: ["configure", "DHCP"],
  },
  {
    fact: "a volume for models where the service sees nothing",
    lab: container({ modelVolume: { sizeGiB: 100, path: "/root/models" } }),
    code: "hidden-path",
    path: "containers.ollama-1.modelVolume.path",
    names: ["/root/models"],
  },
  { fact: "a lab without a guest", lab: { containers: undefined }, code: "empty-lab", path: "", names: ["no guest"] },
  {
    fact: "one state for all stacks",
    lab: { state: { type: "s3", settings: { bucket: "states", key: "lab.tfstate" } } },
    code: "state-shared",
    path: "state.settings",
    names: ["s3", "{stack}"],
  },
  {
    fact: "a credential among the settings of the state",
    lab: { state: { type: "s3", settings: { bucket: "states", key: "{stack}", secret_key: "hunter2" } } },
    code: "credential-in-state-settings",
    path: "state.settings.secret_key",
    names: ["secret_key"],
  },
  {
    fact: "a password in a URL among the settings of the state",
    lab: { state: { type: "http", settings: { address: "https://me:hunter2@states.lab.example/{stack}" } } },
    code: "credential-in-state-settings",
    path: "state.settings.address",
    names: ["address"],
  },
];

const warnings: Rejected[] = [
  {
    fact: "an archive of Ollama without a checksum",
    lab: { defaults: { container: { ollama: { sha256: undefined } } } },
    code: "no-checksum",
    path: "defaults.container.ollama",
    names: ["0.32.15"],
  },
  {
    fact: "a certificate that is not verified",
    lab: { proxmox: { insecure: true } },
    code: "insecure",
    path: "proxmox.insecure",
    names: ["https://pve1.lab.example:8006/"],
  },
  {
    fact: "models larger than the disk",
    lab: container({ diskGiB: 20, models: ["llama3:8b", "gemma3:12b", "mistral:7b"] }),
    code: "disk-too-small",
    path: "containers.ollama-1.diskGiB",
    names: ["16.2 GiB", "20 GiB"],
  },
  {
    fact: "models larger than their volume",
    lab: container({ modelVolume: { sizeGiB: 30 }, models: ["gpt-oss:120b"] }),
    code: "disk-too-small",
    path: "containers.ollama-1.modelVolume",
    names: ["61.0 GiB", "30 GiB"],
  },
  {
    fact: "a template without a checksum",
    lab: { defaults: { container: { template: { url: "https://mirror.lab.example/u.tar.zst" } } } },
    code: "no-checksum",
    path: "defaults.container.template",
    names: ["u.tar.zst"],
  },
  {
    fact: "an API that nobody may reach",
    lab: { network: { clients: [] } },
    code: "no-clients",
    path: "network.clients",
    names: ["11434"],
  },
  {
    fact: "containers that Ansible may not reach",
    lab: { network: { management: [] } },
    code: "no-management",
    path: "network.management",
    names: ["22"],
  },
];

test("the base lab of these tests has no problem, so each change is what is found", () => {
  expect(problemsOf(labWith())).toEqual([]);
});

describe.each([
  { severity: "error" as const, cases: errors, verb: "is refused" },
  { severity: "warning" as const, cases: warnings, verb: "is warned of" },
])("$severity", ({ severity, cases, verb }) => {
  test.each(cases)(`$fact ${verb}`, ({ lab, code, path, names }) => {
    const problems = problemsOf(labWith(lab));
    expect(problems.map((problem) => ({ ...problem, path: formatPath(problem.path) }))).toEqual([
      { code, severity, path, message: expect.any(String), remedy: expect.stringMatching(/\.$/), stacks: expect.any(Array) },
    ]);
    for (const name of names) expect(problems[0]?.message).toContain(name);
  });

  test("no message or remedy repeats the credential it is about", () => {
    for (const { lab } of cases) expect(JSON.stringify(problemsOf(labWith(lab)))).not.toContain("hunter2");
  });
});

test("a container on another network is accepted with a prefix and a gateway of its own", () => {
  expect(problemsOf(labWith(container({ address: "198.51.100.21/24", gateway: "198.51.100.1", vlan: 20 })))).toEqual([]);
});

test("keyctl, a GPU and devices are accepted with root's password", () => {
  const lab = {
    proxmox: { auth: "rootPassword" },
    ...container({ features: { keyctl: true }, gpu: { type: "intel" }, devices: ["/dev/fuse"] }),
  };
  expect(problemsOf(labWith(lab))).toEqual([]);
});
