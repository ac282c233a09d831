import { baseLab, clusterLab, labWith, problemsOf } from "../../../testing/lab";
import { accepted, container, gpu, refused, warned } from "./rejected";

refused(baseLab, [
  {
    fact: "keyctl with an API token",
    lab: container({ features: { keyctl: true } }),
    code: "root-only",
    path: "containers.ollama-1.features.keyctl",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a device with an API token",
    lab: container({ devices: ["/dev/dri/renderD128"] }),
    code: "root-only",
    path: "containers.ollama-1.devices",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "a GPU with an API token",
    lab: container({ gpu: { type: "intel" } }),
    code: "root-only",
    path: "containers.ollama-1.gpu",
    names: ["apiToken", "root@pam"],
  },
  {
    fact: "Ansible within the deploy for a container with DHCP",
    lab: { configure: true, ...container({ address: "dhcp" }) },
    code: "configure-with-dhcp",
    path: "containers.ollama-1.address",
    names: ["configure", "DHCP"],
  },
  {
    fact: "Ansible within the deploy without an SSH key",
    lab: { configure: true, sshPublicKeys: [] },
    code: "no-ssh-key",
    path: "sshPublicKeys",
    names: ["configure is true", "sshPublicKeys is empty"],
    remedy: "List the key that this machine logs in with, or set configure: false.",
  },
]);

warned(baseLab, [
  {
    fact: "a certificate that is not verified",
    lab: { proxmox: { insecure: true } },
    code: "insecure",
    stacks: ["containers", "cluster"],
    path: "proxmox.insecure",
    names: ["https://pve1.lab.example:8006/"],
  },
  {
    fact: "an Ollama API that every address may reach",
    lab: { network: { clients: ["192.0.2.0/24", "0.0.0.0/0"] } },
    code: "open-to-all",
    stacks: ["containers", "cluster"],
    path: "network.clients[1]",
    names: ["0.0.0.0/0", "asks nobody for a password"],
    remedy: "List the networks that need it, for example [192.0.2.0/24].",
  },
  {
    fact: "SSH that every address may reach",
    lab: { network: { management: ["0.0.0.0/0"] } },
    code: "open-to-all",
    stacks: ["containers", "cluster"],
    path: "network.management[0]",
    names: ["0.0.0.0/0", "SSH"],
  },
  {
    fact: "an API that nobody may reach",
    lab: { network: { clients: [] } },
    code: "no-clients",
    stacks: ["containers", "cluster"],
    path: "network.clients",
    names: ["11434"],
  },
  {
    fact: "containers that Ansible may not reach",
    lab: { network: { management: [] } },
    code: "no-management",
    stacks: ["containers"],
    path: "network.management",
    names: ["22"],
  },
]);

refused(clusterLab, [
  {
    fact: "a cluster without proxmox.ssh, which uploads its snippets,",
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
    fact: "a wait for nodes by SSH when the firewall lets nobody reach SSH",
    lab: { network: { management: [] } },
    code: "wait-without-management",
    path: "network.management",
    names: ["SSH", "waits for the nodes"],
  },
  {
    fact: "a hand-over of tokens by SSH when the firewall lets nobody reach SSH",
    lab: { network: { management: [] }, cluster: { joinToken: "ssh", waitForNodes: false } },
    code: "wait-without-management",
    path: "network.management",
    names: ["hands over the tokens"],
  },
  {
    fact: "a card attached without a mapping, with an API token,",
    lab: gpu({ raw: true }),
    code: "root-only",
    path: "proxmox.nodes.pve1.gpus.rtx.raw",
    names: ["apiToken", "root@pam"],
  },
]);

accepted(baseLab, [
  [
    "keyctl, a GPU and a device, with root's password,",
    {
      proxmox: { auth: "rootPassword" },
      ...container({ features: { keyctl: true }, gpu: { type: "intel" }, devices: ["/dev/fuse"] }),
    },
  ],
]);

accepted(clusterLab, [
  [
    "a raw PCI device with root's password",
    { proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true } } } } } },
  ],
  ["an empty management network when nothing needs SSH", { network: { management: [] }, cluster: { waitForNodes: false } }],
]);

test.each([
  ["features.keyctl", container({ features: { keyctl: true } })],
  ["devices", container({ devices: ["/dev/dri/renderD128"] })],
])("that only root may set %s is said by its name", (name, changes) => {
  expect(problemsOf(labWith(changes)).map(({ message }) => message)).toEqual([
    expect.stringContaining(` set ${name} of a container`),
  ]);
});

test.each([
  ["a container's GPU", labWith(container({ gpu: { type: "intel" } })), ["containers"]],
  ["a VM's card without a mapping", labWith(gpu({ raw: true }), clusterLab), ["cluster"]],
])("that only root may attach %s concerns its stack", (_, lab, stacks) => {
  expect(problemsOf(lab).map((problem) => [problem.code, problem.stacks])).toEqual([["root-only", stacks]]);
});
