// What typical edits of a lab do, in the words that a reviewer reads. Each line is one thing; lines below it are set in.
import { type Change, compare, destroysSomething, hasEffect } from "../../changes/compare";
import { sentences } from "../../changes/report";
import type { LabInput } from "../../lab/schema";
import { airGappedLab, baseLab, type Changes, clusterLab, gpuLab, labWith, sshKey } from "../../testing/lab";
import { outputOf } from "../../testing/lab-output";

const between = (before: LabInput, after: LabInput) => compare(outputOf(before), outputOf(after));

/** Each change as its action and its sentences, without what is kept because it is protected. */
function words(changes: readonly Change[]): string[] {
  return changes
    .filter(({ note }) => note !== "It is protected.")
    .map((change) => {
      const [first = "", ...rest] = sentences(change);
      return [`${change.action}: ${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
    });
}

const container = (changes: Changes, lab = baseLab) => labWith({ containers: { "ollama-1": changes } }, lab);
const worker = (changes: Changes) => labWith({ cluster: { workers: { "gpu-1": changes } } }, clusterLab);
const release = (changes: Changes, lab = gpuLab) => labWith({ ollama: { releases: { ollama: changes } } }, lab);
const twoNodes = (lab: LabInput) => labWith({ proxmox: { nodes: { pve2: { address: "192.0.2.12" } } } }, lab);
const twoContainers = (changes: Changes = {}) =>
  labWith({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22", ...changes } } });
const withVolume = container({ modelVolume: { sizeGiB: 100 } });
const fromTemplate = labWith({ cluster: { image: undefined, template: { vmId: 9000 } } }, clusterLab);

const BY_HAND = "A deploy does not bring it: npm run inventory, then ansible-playbook.";
const inventory = (change: string) => `changed: Ansible inventory changes because its text changes: ${change}. ${BY_HAND}`;
const snippet = (name: string, change: string) =>
  `changed: cloud-init snippet ${name}_user-data changes because its text changes: ${change}. New VMs are made with it; those that run keep what they were made with.`;

describe("a container", () => {
  test.each<[string, LabInput, LabInput, string[]]>([
    [
      "with another bridge restarts",
      baseLab,
      labWith({ network: { bridge: "vmbr1" } }),
      ["restarted: container ollama-1 restarts because its bridge changes: vmbr0 → vmbr1"],
    ],
    [
      "with more memory and cores restarts, because of the memory",
      baseLab,
      container({ memoryGiB: 24, cores: 12 }),
      [
        "restarted: container ollama-1 restarts because its memory changes: 16 GiB → 24 GiB\n  its cores change: 8 → 12 (in place)",
      ],
    ],
    [
      "with a larger disk is changed in place",
      baseLab,
      container({ diskGiB: 80 }),
      ["changed: container ollama-1 changes because its disk changes: 50 GiB → 80 GiB"],
    ],
    [
      "with a smaller disk stops the deploy",
      baseLab,
      container({ diskGiB: 40 }),
      ["refused: container ollama-1 stops the deploy because its disk changes: 50 GiB → 40 GiB. Proxmox makes no disk smaller."],
    ],
    [
      "with another key stops the deploy, with what to write",
      baseLab,
      labWith({ containers: { "ollama-1": undefined, chat: { vmId: 201, address: "192.0.2.21", name: "test-ollama-1" } } }),
      [
        "refused: container ollama-1 stops the deploy. It has the VMID 201 of container chat, so the plan stops. If only the key is another, write at chat in the lab: formerKey: ollama-1",
      ],
    ],
    [
      "with another key and its former one gets its mark alone",
      baseLab,
      labWith({
        containers: {
          "ollama-1": undefined,
          chat: { vmId: 201, address: "192.0.2.21", name: "test-ollama-1", formerKey: "ollama-1" },
        },
      }),
      [
        "changed: container chat changes because its mark in Proxmox changes: pve1.ollama-1 → pve1.chat. It is container ollama-1 under another key.",
      ],
    ],
    [
      "that is taken out is destroyed, with all that belongs to it",
      twoContainers(),
      baseLab,
      [
        "destroyed: container ollama-2 is destroyed. Its disks are deleted with it.",
        inventory("− test-ollama-2:, − ansible_host: 192.0.2.22"),
      ],
    ],
    [
      "that is protected and taken out stops the deploy",
      twoContainers({ protect: true }),
      baseLab,
      [
        "refused: container ollama-2 stops the deploy. It is protected, so the deploy stops. Put it back with protect: false, deploy, and then take it out.",
        inventory("− test-ollama-2:, − ansible_host: 192.0.2.22"),
      ],
    ],
    [
      "that is added is created, with all that belongs to it",
      baseLab,
      twoContainers(),
      [
        "created: container ollama-2 is created. VMID 202 on pve1, 192.0.2.22.",
        inventory("+ test-ollama-2:, + ansible_host: 192.0.2.22"),
      ],
    ],
    [
      "with another VMID is replaced",
      baseLab,
      container({ vmId: 209 }),
      [
        "replaced: container ollama-1 is destroyed and made anew because its VMID changes: 201 → 209. Its disks are deleted with it.",
      ],
    ],
    [
      "with another VMID that is protected stops the deploy",
      container({ protect: true }),
      container({ protect: true, vmId: 209 }),
      ["refused: container ollama-1 stops the deploy because its VMID changes: 201 → 209. protect: true refuses to destroy it."],
    ],
    [
      "made from another template is kept",
      baseLab,
      labWith({ defaults: { container: { template: "local:vztmpl/other.tar.zst" } } }),
      [
        "kept: container ollama-1 stays as it is although its template changes: local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst → local:vztmpl/other.tar.zst",
      ],
    ],
    [
      "that is to have a volume stops the plan",
      baseLab,
      withVolume,
      [
        "refused: container ollama-1 stops the deploy because its volumes change: + /var/lib/ollama/models (100G). The plan stops, and names the command to run in Proxmox first.",
        inventory("+ ollama_models_dir: /var/lib/ollama/models"),
      ],
    ],
    [
      "that is to have a larger volume stops the plan",
      withVolume,
      container({ modelVolume: { sizeGiB: 200 } }),
      [
        "refused: container ollama-1 stops the deploy because its size of a volume changes: 100G → 200G. The plan stops, and names the command to run in Proxmox first.",
      ],
    ],
    [
      "that is to have no volume any more keeps it",
      withVolume,
      baseLab,
      [
        inventory("− ollama_models_dir: /var/lib/ollama/models"),
        "kept: container ollama-1 stays as it is although its volumes change: − /var/lib/ollama/models (100G)",
      ],
    ],
    [
      "that is to be on another node stops the plan",
      twoNodes(baseLab),
      twoNodes(container({ node: "pve2" })),
      [
        "refused: container ollama-1 stops the deploy because its Proxmox node changes: pve1 → pve2. The plan stops, and names the command that migrates the container.",
      ],
    ],
    [
      "with one more model changes the inventory alone",
      container({ models: ["mistral:7b"] }),
      container({ models: ["mistral:7b", "gemma3:4b"] }),
      [inventory("+ gemma3:4b")],
    ],
    [
      "with one more model is set up within the deploy where the lab says so",
      container({ models: ["mistral:7b"] }, labWith({ configure: true })),
      container({ models: ["mistral:7b", "gemma3:4b"] }, labWith({ configure: true })),
      ["changed: Ansible inventory changes because its text changes: + gemma3:4b. Ansible runs within the deploy."],
    ],
    [
      "that others may reach has other rules of its firewall",
      baseLab,
      labWith({ network: { clients: ["192.0.2.0/24", "198.51.100.0/24"], management: ["192.0.2.0/24"] } }),
      [
        "changed: firewall of ollama-1 changes because its rules change: + SSH tcp 22 from 192.0.2.0/24, + Ollama API tcp 11434 from 192.0.2.0/24,198.51.100.0/24, − SSH, Ollama API tcp 22,11434 from 192.0.2.0/24",
      ],
    ],
    [
      "takes new SSH keys by Ansible",
      baseLab,
      labWith({ sshPublicKeys: [sshKey(2)] }),
      [
        inventory("+ ssh-ed25519 …AAAAAAA2 user2@lab.example, − ssh-ed25519 …AAAAAAA1 user1@lab.example"),
        "kept: container ollama-1 stays as it is although its SSH keys change: + ssh-ed25519 …AAAAAAA2 user2@lab.example, − ssh-ed25519 …AAAAAAA1 user1@lab.example",
      ],
    ],
  ])("%s", (_, before, after, expected) => expect(words(between(before, after))).toEqual(expected));
});

describe("a VM of the cluster", () => {
  test.each<[string, LabInput, LabInput, string[]]>([
    [
      "with another bridge is changed in place",
      clusterLab,
      labWith({ cluster: { bridge: "vmbr1" } }, clusterLab),
      [
        "changed: VM gpu-1 changes because its bridge changes: vmbr0 → vmbr1",
        "changed: VM k3s-1 changes because its bridge changes: vmbr0 → vmbr1",
      ],
    ],
    [
      "that gets a card restarts, and the cluster gets what cards need",
      worker({ gpus: [] }),
      clusterLab,
      [
        "restarted: VM gpu-1 restarts because its graphics cards change: + test-pve1-rtx\n  its tags change: + gpu (in place)",
        "created: Helm release nvidia-device-plugin is created",
        "created: PCI mapping test-pve1-rtx is created",
        "created: namespace nvidia-device-plugin is created",
        snippet("gpu-1", "8 lines more, 1 line less"),
      ],
    ],
    [
      "that gives its card back restarts, and the stack that served cards is left behind",
      clusterLab,
      worker({ gpus: [] }),
      [
        "left: stack platform is left behind. The lab has no such stack any more, so no deploy touches its 2 resources. To destroy them, destroy the stack before it leaves the lab: npx cdktf destroy platform",
        "restarted: VM gpu-1 restarts because its graphics cards change: − test-pve1-rtx\n  its tags change: − gpu (in place)",
        "changed: PCI mapping test-pve1-rtx changes. It is removed once no guest has it.",
        snippet("gpu-1", "1 line more, 8 lines less"),
      ],
    ],
    [
      "made from a template is kept when the lab names an image",
      fromTemplate,
      clusterLab,
      [
        "created: file noble-server-cloudimg-amd64-20250805.qcow2 on pve1 is created",
        ...["gpu-1", "k3s-1"].map((name) =>
          [
            `kept: VM ${name} stays as it is although`,
            "its template changes: datastore_id local-lvm, full on, retries 1, vm_id 9000 → none",
            "its image changes: none → local:import/noble-server-cloudimg-amd64-20250805.qcow2",
            "its EFI disk changes: none → datastore_id local-lvm, pre_enrolled_keys off, type 4m",
          ].join("\n  "),
        ),
      ],
    ],
    [
      "of another version of K3s is kept, and new ones get it",
      clusterLab,
      labWith({ cluster: { k3sVersion: "v1.36.4+k3s1" } }, clusterLab),
      ["gpu-1", "k3s-1"].map((name) => snippet(name, "+ K3S_VERSION='v1.36.4+k3s1', − K3S_VERSION='v1.36.3+k3s1'")),
    ],
    [
      "of another version of K3s is replaced where the lab says so, and servers are kept",
      labWith({ cluster: { onBootstrapChange: "replaceWorkers" } }, clusterLab),
      labWith({ cluster: { onBootstrapChange: "replaceWorkers", k3sVersion: "v1.36.4+k3s1" } }, clusterLab),
      [
        "replaced: VM gpu-1 is destroyed and made anew because its bootstrap changes: the lab says onBootstrapChange: replaceWorkers. Its disks are deleted with it.",
        snippet("k3s-1", "+ K3S_VERSION='v1.36.4+k3s1', − K3S_VERSION='v1.36.3+k3s1'"),
        "changed: the wait for the nodes runs again because VM gpu-1 is made anew",
      ],
    ],
    [
      "with another address stops the plan",
      clusterLab,
      worker({ address: "192.0.2.49" }),
      [
        "refused: VM gpu-1 stops the deploy because its address changes: 192.0.2.41/24 → 192.0.2.49/24. The plan stops, and names the command to run in Proxmox first.",
        snippet("gpu-1", "+ node-ip: 192.0.2.49, − node-ip: 192.0.2.41"),
        "changed: firewall of k3s-1 changes because its rules change: + kubelet tcp 10250 from 192.0.2.49/32, + flannel udp 8472 from " +
          "192.0.2.49/32, + Kubernetes API tcp 6443 from 192.0.2.0/24,192.0.2.49/32, − kubelet tcp 10250 from 192.0.2.41/32, − flannel udp " +
          "8472 from 192.0.2.41/32, − Kubernetes API tcp 6443 from 192.0.2.0/24,192.0.2.41/32",
      ],
    ],
    [
      "that is to be on another node moves",
      twoNodes(clusterLab),
      twoNodes(labWith({ cluster: { servers: { "k3s-1": { node: "pve2" } } } }, clusterLab)),
      [
        "created: file noble-server-cloudimg-amd64-20250805.qcow2 on pve2 is created",
        "changed: VM k3s-1 changes because its Proxmox node changes: pve1 → pve2. It moves to the other node; a VM with a PCI device is stopped for that.",
      ],
    ],
  ])("%s", (_, before, after, expected) => expect(words(between(before, after))).toEqual(expected));

  test("leaves the stack that is gone from the lab as it is, its VMs named", () => {
    const changes = between(
      clusterLab,
      labWith({ cluster: undefined, containers: baseLab.containers, defaults: baseLab.defaults }, clusterLab),
    );
    expect(words(changes).filter((line) => line.startsWith("left: stack cluster"))).toEqual([
      "left: stack cluster is left behind. The lab has no such stack any more, so no deploy touches its 21 resources, among them VM gpu-1, VM k3s-1. To destroy them, destroy the stack before it leaves the lab: npx cdktf destroy cluster",
    ]);
  });
});

describe("a release of Ollama", () => {
  test.each<[string, LabInput, LabInput, readonly string[]]>([
    [
      "with one more model runs its pull",
      gpuLab,
      release({ models: ["llama3.2:1b", "qwen2.5:3b"] }),
      ["changed: Job ollama-models changes because its models change: + qwen2.5:3b"],
    ],
    [
      "with less storage stops the deploy, protected or not",
      release({ protect: false }),
      release({ protect: false, storageGi: 20 }),
      [
        "refused: claim ollama stops the deploy because its size changes: 50Gi → 20Gi. A claim never shrinks, so the plan stops, protected or not. Put the size back; or take the release out, deploy, and add it again.",
      ],
    ],
    [
      "with more storage is changed in place",
      gpuLab,
      release({ storageGi: 80 }),
      ["changed: claim ollama changes because its size changes: 50Gi → 80Gi"],
    ],
    [
      "with another StorageClass stops the deploy while it is protected",
      gpuLab,
      release({ storageClass: "fast" }),
      [
        "refused: claim ollama stops the deploy because its StorageClass changes: nfs-client → fast. protect: true refuses to destroy it.",
      ],
    ],
    [
      "with another StorageClass is replaced with its claim where it is not protected",
      release({ protect: false }),
      release({ protect: false, storageClass: "fast" }),
      [
        "replaced: Helm release ollama is destroyed and made anew because claim ollama is made anew",
        "replaced: Job ollama-models is destroyed and made anew because claim ollama is made anew",
        "replaced: claim ollama is destroyed and made anew because its StorageClass changes: nfs-client → fast. The models in the claim are deleted with it.",
      ],
    ],
    [
      "that is no longer protected says so",
      gpuLab,
      release({ protect: false }),
      ["claim ollama", "namespace ml"].map(
        (name) => `changed: ${name} changes because its protection changes: on → off. Nothing refuses to destroy it any more.`,
      ),
    ],
    [
      "that gets a host gets a route",
      gpuLab,
      release({ host: "ollama.lab.example" }),
      ["created: Middleware https-redirect is created", "created: route ollama-route for https://ollama.lab.example is created"],
    ],
    [
      "with another variable is changed in place",
      gpuLab,
      release({ environment: { OLLAMA_DEBUG: "1" } }),
      ["changed: Helm release ollama changes because its extraEnv changes: + OLLAMA_DEBUG"],
    ],
    [
      "that is taken out stops the deploy while its claim is protected",
      labWith({ ollama: { releases: { chat: { models: ["llama3.2:1b"] } } } }, gpuLab),
      gpuLab,
      [
        "destroyed: Helm release chat is destroyed",
        "destroyed: Job chat-models is destroyed",
        "refused: claim chat stops the deploy. It is protected in the cluster, so the plan stops. Keep it by ollama.keptClaims; or set protect: false, deploy, and then take the release out.",
      ],
    ],
    [
      "that is taken out loses its models where its claim is not protected",
      labWith({ ollama: { releases: { chat: { models: ["llama3.2:1b"], protect: false } } } }, gpuLab),
      gpuLab,
      [
        "destroyed: Helm release chat is destroyed",
        "destroyed: Job chat-models is destroyed",
        "destroyed: claim chat is destroyed. The models in it are deleted with it.",
      ],
    ],
    [
      "that is taken out with its claim kept loses the release alone",
      labWith({ ollama: { releases: { chat: { models: ["llama3.2:1b"] } } } }, gpuLab),
      labWith({ ollama: { keptClaims: ["ml/chat"] } }, gpuLab),
      [
        "destroyed: Helm release chat is destroyed",
        "destroyed: Job chat-models is destroyed",
        "kept: claim chat stays as it is. Terraform forgets it, and destroys nothing.",
      ],
    ],
    [
      "in another namespace stops the deploy",
      gpuLab,
      labWith({ ollama: { namespace: "ai" } }, gpuLab),
      expect.arrayContaining([
        "refused: namespace ml stops the deploy. It is protected in the cluster, so the plan stops. Put its name back, or keep its claims by ollama.keptClaims.",
      ]),
    ],
  ])("%s", (_, before, after, expected) => expect(words(between(before, after))).toEqual(expected));

  test("keeps its claim in an air gap, without Terraform", () => {
    const online = labWith({ airGapped: false, ollamaNfsPath: undefined }, airGappedLab);
    expect(words(between(online, airGappedLab))).toContain(
      "kept: claim ollama stays as it is. Terraform forgets it, and destroys nothing.",
    );
  });
});

test("a lab with another name has another state, which is said first", () => {
  expect(words(between(baseLab, labWith({ name: "other" })))[0]).toMatch(
    /^refused: state of the stack containers stops the deploy because its path changes: .*state\/test\/.* → .*state\/other\/.*terraform init -migrate-state/,
  );
});

test("what is protected is named where something happens, and not where nothing does", () => {
  const kept = (changes: readonly Change[]) => changes.filter(({ action }) => action === "kept").map(({ name }) => name);
  expect([kept(between(gpuLab, release({ host: "ollama.lab.example" }))), kept(between(gpuLab, gpuLab))]).toEqual([
    ["claim ollama", "namespace ml"],
    [],
  ]);
});

test("the same lab does nothing", () => expect(between(gpuLab, gpuLab)).toEqual([]));

test("everything of a first deploy is created, a guest with its parts as one", () => {
  const changes = compare({}, outputOf(baseLab));
  expect(changes.map(({ action, name }) => `${action} ${name}`)).toEqual(["created container ollama-1"]);
});

test("the most dangerous comes first", () => {
  const changes = between(twoContainers(), container({ vmId: 209 }));
  expect(changes.map(({ action }) => action)).toEqual(["destroyed", "replaced", "changed"]);
});

test.each<[string, LabInput, LabInput, [effect: boolean, destroys: boolean]]>([
  ["nothing", baseLab, baseLab, [false, false]],
  [
    "what is kept alone",
    baseLab,
    labWith({ defaults: { container: { template: "local:vztmpl/other.tar.zst" } } }),
    [false, false],
  ],
  ["a restart", baseLab, container({ memoryGiB: 24 }), [true, false]],
  ["a refusal", baseLab, container({ diskGiB: 40 }), [true, false]],
  ["a replacement", baseLab, container({ vmId: 209 }), [true, true]],
  ["a destruction", twoContainers(), baseLab, [true, true]],
  ["a snippet that is made anew", clusterLab, labWith({ cluster: { k3sVersion: "v1.36.4+k3s1" } }, clusterLab), [true, false]],
])("%s counts as it should", (_, before, after, expected) => {
  const changes = between(before, after);
  expect([hasEffect(changes), destroysSomething(changes)]).toEqual(expected);
});

describe("what Terraform ignores, but a postcondition of the guest watches", () => {
  const watched = (lab: LabInput, stack: string, address: string) =>
    JSON.stringify(outputOf(lab)[stack]?.resources[address]?.["lifecycle"]);
  test.each(["device_passthrough", "mount_point", "disk[0].datastore_id"])("is %s of a container", (attribute) => {
    const lifecycle = watched(withVolume, "containers", "proxmox_virtual_environment_container.ollama-1");
    expect(lifecycle?.split('"postcondition"')[1]).toContain(attribute);
  });
  test("is the address of a VM", () => {
    const lifecycle = watched(clusterLab, "cluster", "proxmox_virtual_environment_vm.gpu-1");
    expect(lifecycle?.split('"postcondition"')[1]).toContain("ip_config");
  });
});

describe("what may be a secret", () => {
  const proxy = (password: string) =>
    release({ values: { podAnnotations: { "lab.example/proxy": `http://user:${password}@proxy.lab.example:3128` } } });
  test.each<[string, LabInput, LabInput, string]>([
    ["a password in a URL", proxy("hunter2"), proxy("hunter3"), "its podAnnotations.lab.example/proxy changes: (hidden)"],
    [
      "a value of a chart whose name says so",
      release({ values: { podAnnotations: { "lab.example/token": "hunter2" } } }),
      release({ values: { podAnnotations: { "lab.example/token": "hunter3" } } }),
      "its podAnnotations.lab.example/token changes: (hidden)",
    ],
  ])("is not shown: %s", (_, before, after, expected) => {
    const changes = between(before, after);
    expect(words(changes).join()).toContain(expected);
    expect(JSON.stringify(changes)).not.toContain("hunter");
  });
});
