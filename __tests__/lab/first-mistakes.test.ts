import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPath } from "../../lab/problem";
import { readLab } from "../../lab/read";
import { sshKey } from "../../testing/lab";

/** What people write first and wrong, as a file: the reader says where it is and what to write instead. */
const LAB = `name: test
proxmox:
  endpoint: https://pve1.lab.example:8006/
  auth: apiToken
  ssh: { username: terraform }
  nodes:
    pve1:
      address: 192.0.2.11
      gpus:
        rtx: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 }
network:
  cidr: 192.0.2.0/24
  gateway: 192.0.2.1
  dns: [192.0.2.53]
  clients: [192.0.2.0/24]
  management: [192.0.2.10/32]
sshPublicKeys:
  - ${sshKey()}
defaults:
  container: { node: pve1 }
  server: { node: pve1 }
  worker: { node: pve1 }
containers:
  ollama-1: { vmId: 201, address: 192.0.2.21 }
cluster:
  k3sVersion: v1.36.3+k3s1
  image: { url: "https://images.lab.example/noble-20260814.img", sha256: "${"a".repeat(64)}" }
  servers:
    k3s-1: { vmId: 301, address: 192.0.2.31 }
  workers:
    gpu-1: { vmId: 311, address: 192.0.2.41, gpus: [rtx] }
kubernetes:
  nfs: { server: 192.0.2.5, path: /volume1/k8s }
  certManager: { email: operator@lab.example, dns01: { cloudflare: { apiTokenSecretRef: { name: a, key: b } } } }
ollama:
  releases:
    chat:
      host: ollama.lab.example
      gpus: 1
      allowFrom: [192.0.2.0/24]
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mistakes-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Reads the lab with one place of it written otherwise. */
function read(from: string, to: string) {
  const text = LAB.replace(from, () => to);
  if (text === LAB && from !== to) throw new Error(`the lab has no ${from}`);
  const file = join(folder, "lab.yaml");
  writeFileSync(file, text);
  return readLab(file).problems.map(({ code, position, path, message, remedy }) => ({
    place: `${position?.line}:${position?.column} ${formatPath(path)}`.trimEnd(),
    code,
    message,
    remedy,
  }));
}

test("the lab without a mistake has no problem", () => expect(read("", "")).toEqual([]));

type Mistake = [fact: string, from: string, to: string, place: string, code: string, remedy: string];

const CONTAINER = "ollama-1: { vmId: 201,";
const ANEW = "Make a new one in its place, because this one may be in git.";
const TOKEN = "terraform@pve!lab=12345678-1234-1234-1234-123456789012";
const privateNames = ["lan", "local", "internal", "home.arpa"];

/** What was accepted in silence, and cannot work or is not what was meant. */
const silent: Mistake[] = [
  [
    "every address as a client",
    "clients: [192.0.2.0/24]",
    "clients: [0.0.0.0/0]",
    "15:13 network.clients[0]",
    "open-to-all",
    "List the networks that need it, for example [192.0.2.0/24].",
  ],
  [
    "a truncated SSH key",
    sshKey(),
    sshKey().slice(0, 60),
    "18:5 sshPublicKeys[0]",
    "invalid-ssh-key",
    "Copy the whole line of the .pub file.",
  ],
  [
    "a place holder in the endpoint",
    "https://pve1.lab.example:8006/",
    '"https://${var.host}:8006/"',
    "3:3 proxmox.endpoint",
    "invalid-url",
    "Write the URL out: nothing is filled in here.",
  ],
  ...privateNames.map(
    (name): Mistake => [
      `a host below .${name} with a public certificate authority`,
      "host: ollama.lab.example",
      `host: ollama.${name}`,
      "38:7 ollama.releases.chat.host",
      "no-public-name",
      "Choose a host below a domain that you own, or set kubernetes.certManager.server to an ACME server of your own, such as step-ca.",
    ],
  ),
  [
    "the address of the NFS server",
    "192.0.2.21",
    "192.0.2.5",
    "24:26 containers.ollama-1.address",
    "address-of-service",
    "Choose another address.",
  ],
  [
    "the address of a name server",
    "192.0.2.21",
    "192.0.2.53",
    "24:26 containers.ollama-1.address",
    "address-of-service",
    "Choose another address.",
  ],
  [
    "a prefix of another network",
    "192.0.2.21",
    "192.0.2.21/16",
    "24:26 containers.ollama-1.address",
    "prefix-differs",
    "Write 192.0.2.21, or 192.0.2.21/24.",
  ],
  [
    "an octal number",
    "gpus: 1\n",
    "gpus: 1\n      values: { volumes: [{ defaultMode: 0440 }] }\n",
    "40:42",
    "leading-zero",
    'Write 0o440 where an octal number is meant, or "0440" in quotes where text is.',
  ],
  [
    "NO as a switch",
    CONTAINER,
    `${CONTAINER} ollama: { environment: { OLLAMA_DEBUG: NO } },`,
    "24:51 containers.ollama-1.ollama.environment.OLLAMA_DEBUG",
    "invalid-switch",
    'Write "false", in quotes.',
  ],
  [
    "a model whose tag says that it is larger than the disk",
    CONTAINER,
    `${CONTAINER} memoryGiB: 500, models: ["deepseek-r1:671b"],`,
    "24:3 containers.ollama-1.diskGiB",
    "disk-too-small",
    "Set diskGiB to 344 or more.",
  ],
  [
    "a model whose tag says that it is larger than the claim",
    "gpus: 1\n",
    'gpus: 1\n      models: ["llama3.1:405b"]\n',
    "37:5 ollama.releases.chat.storageGi",
    "storage-too-small",
    "Set storageGi to 223 or more; few provisioners can enlarge it later.",
  ],
  [
    "a model larger than the memory",
    CONTAINER,
    `${CONTAINER} diskGiB: 100, models: ["llama3.3:70b"],`,
    "24:49 containers.ollama-1.models[0]",
    "memory-too-small",
    "Choose a smaller model or quantization, or set memoryGiB to 50 or more.",
  ],
  [
    "a K3s server with 1 GiB",
    "k3s-1: { vmId: 301,",
    "k3s-1: { vmId: 301, memoryGiB: 1,",
    "29:25 cluster.servers.k3s-1.memoryGiB",
    "server-too-small",
    "Set memoryGiB to 2 or more.",
  ],
  [
    "an image of Ubuntu 22.04",
    "noble-20260814.img",
    "ubuntu-22.04-server-cloudimg-amd64.img",
    "27:3 cluster.image",
    "untried-ubuntu",
    "Choose an image of Ubuntu 24.04.",
  ],
];

/** What was refused with a remedy that led on to the next error. */
const misleading: Mistake[] = [
  [
    "the word ip",
    CONTAINER,
    `${CONTAINER} ip: 192.0.2.22,`,
    "24:26 containers.ollama-1.ip",
    "unknown-key",
    "Did you mean address?",
  ],
  ["the word ram", CONTAINER, `${CONTAINER} ram: 8,`, "24:26 containers.ollama-1.ram", "unknown-key", "Did you mean memoryGiB?"],
  ["the word cpu", CONTAINER, `${CONTAINER} cpu: 8,`, "24:26 containers.ollama-1.cpu", "unknown-key", "Did you mean cores?"],
  ["the word disk", CONTAINER, `${CONTAINER} disk: 8,`, "24:26 containers.ollama-1.disk", "unknown-key", "Did you mean diskGiB?"],
  [
    "the word image",
    CONTAINER,
    `${CONTAINER} image: x,`,
    "24:26 containers.ollama-1.image",
    "unknown-key",
    "Did you mean template?",
  ],
  [
    "the word cpu for a release",
    "gpus: 1\n",
    "gpus: 1\n      cpu: 2\n",
    "40:7 ollama.releases.chat.cpu",
    "unknown-key",
    "Did you mean resources?",
  ],
  [
    "the word disk for a release",
    "gpus: 1\n",
    "gpus: 1\n      disk: 2\n",
    "40:7 ollama.releases.chat.disk",
    "unknown-key",
    "Did you mean storageGi?",
  ],
  [
    "the word image for a worker",
    "gpus: [rtx] }",
    "gpus: [rtx], image: x }",
    "31:59 cluster.workers.gpu-1.image",
    "unknown-key",
    "Known here: address, adopt, cores, diskGiB, disks, formerKey, gpus, k3sVersion, labels, memoryGiB, name, node, protect, startOnBoot, tags, taints, vmId. It may belong at cluster.image.",
  ],
  [
    "the word cpu for a node of Proxmox",
    "address: 192.0.2.11\n",
    "address: 192.0.2.11\n      cpu: 8\n",
    "9:7 proxmox.nodes.pve1.cpu",
    "unknown-key",
    "Known here: address, gpus, storage. It may belong at defaults.container.cores.",
  ],
  [
    "half an address",
    "192.0.2.21",
    "192.0",
    "24:26 containers.ollama-1.address",
    "invalid-address",
    "Write an address such as 192.0.2.21 or 192.0.2.21/24, or the word dhcp.",
  ],
  [
    "half the address of a server",
    "server: 192.0.2.5",
    "server: 192.0",
    "33:10 kubernetes.nfs.server",
    "invalid-host",
    "Write an address such as 192.0.2.5, or a name in lower case such as nas.lab.example.",
  ],
  [
    "a K3s version that YAML takes for a number",
    "v1.36.3+k3s1",
    "1.36",
    "26:3 cluster.k3sVersion",
    "invalid-k3s-version",
    "Write it exactly as the release is named, such as v1.36.3+k3s1.",
  ],
  [
    "a version that YAML shortens",
    CONTAINER,
    `${CONTAINER} ollama: { version: 0.30 },`,
    "24:36 containers.ollama-1.ollama.version",
    "invalid-ollama-version",
    "Write it as its release is named, without the v, such as 0.32.15.",
  ],
  [
    "a number that only needs quotes",
    "k3sVersion:",
    "nvidiaDriver: 580\n  k3sVersion:",
    "26:3 cluster.nvidiaDriver",
    "wrong-type",
    'Put it in quotes: "580".',
  ],
  [
    "shares of a GPU as text",
    "  nfs:",
    '  devicePlugin: { timeSlicing: "4x" }\n  nfs:',
    "33:19 kubernetes.devicePlugin.timeSlicing",
    "wrong-type",
    "Write a number, such as 4.",
  ],
  [
    "true for a choice of false and settings",
    "  nfs:",
    "  devicePlugin: true\n  nfs:",
    "33:3 kubernetes.devicePlugin",
    "wrong-type",
    "Write a map of settings or false, such as { timeSlicing: 4 }.",
  ],
  [
    "a number for a choice of text and settings",
    'image: { url: "https://images.lab.example/noble-20260814.img"',
    "image: 9000 #",
    "27:3 cluster.image",
    "wrong-type",
    "Write text or a map of settings, such as { url: https://mirror.lab.example/files }.",
  ],
  [
    "a word for a map with a type",
    CONTAINER,
    `${CONTAINER} gpu: nvidia,`,
    "24:26 containers.ollama-1.gpu",
    "wrong-type",
    "Write a map of settings, such as { type: nvidia, driverVersion: 580.95.05 }.",
  ],
  [
    "a map without its type",
    CONTAINER,
    `${CONTAINER} gpu: { gid: 44 },`,
    "24:26 containers.ollama-1.gpu.type",
    "invalid-choice",
    "Add type: one of nvidia, intel, amd.",
  ],
  [
    "a map in place of which another union member was meant",
    CONTAINER,
    `${CONTAINER} template: { uri: x },`,
    "24:26 containers.ollama-1.template.url",
    "missing",
    "Add it, such as url: https://mirror.lab.example/files",
  ],
  [
    "an alias of nothing",
    "vmId: 201",
    "vmId: *x",
    "24:21",
    "unknown-alias",
    "Write the anchor before the alias, or write the value out; a text that begins with * needs quotes.",
  ],
  [
    "memory in MiB",
    CONTAINER,
    `${CONTAINER} memoryGiB: 16384,`,
    "24:26 containers.ollama-1.memoryGiB",
    "out-of-range",
    "Choose 4096 or less. It is in GiB: write 16 if 16384 MiB is meant.",
  ],
  [
    "memory of a pod without its unit",
    "gpus: 1\n",
    "gpus: 1\n      resources: { limits: { memory: 4 } }\n",
    "40:30 ollama.releases.chat.resources.limits.memory",
    "invalid-memory",
    "Write the unit too: 4Gi, if GiB are meant.",
  ],
  [
    "memory of a pod without its unit, in quotes",
    "gpus: 1\n",
    'gpus: 1\n      resources: { limits: { memory: "4" } }\n',
    "40:30 ollama.releases.chat.resources.limits.memory",
    "invalid-memory",
    "Write the unit too: 4Gi, if GiB are meant.",
  ],
  ["a setting that is missing", "vmId: 201, ", "", "24:3 containers.ollama-1.vmId", "missing", "Add it, such as vmId: 201"],
  [
    "a section that is missing",
    "  nodes:\n    pve1:\n      address: 192.0.2.11\n      gpus:\n        rtx:",
    "  other:",
    "2:1 proxmox.nodes",
    "missing",
    "Add it, such as nodes: { pve1: { address: 192.0.2.11 } }",
  ],
  [
    "no number",
    CONTAINER,
    `${CONTAINER} memoryGiB: .nan,`,
    "24:26 containers.ollama-1.memoryGiB",
    "wrong-type",
    "Write a number, such as 8.",
  ],
  [
    "a number without end",
    CONTAINER,
    `${CONTAINER} memoryGiB: .inf,`,
    "24:26 containers.ollama-1.memoryGiB",
    "wrong-type",
    "Write a number, such as 8.",
  ],
];

/** Credentials in a lab: where they belong. */
const credentials: Mistake[] = [
  [
    "an API token",
    "  auth: apiToken",
    `  apiToken: ${TOKEN}`,
    "4:3 proxmox.apiToken",
    "credential-in-lab",
    `Take it out, and export PROXMOX_VE_API_TOKEN where Terraform runs. ${ANEW}`,
  ],
  [
    "an API token instead of the kind of login",
    "auth: apiToken",
    `auth: ${TOKEN}`,
    "4:3 proxmox.auth",
    "credential-in-lab",
    `Take it out, and export PROXMOX_VE_API_TOKEN where Terraform runs. ${ANEW}`,
  ],
  [
    "an API token at the top",
    "name: test",
    `name: test\nproxmox_api_token: ${TOKEN}`,
    "2:1 proxmox_api_token",
    "credential-in-lab",
    `Take it out, and export PROXMOX_VE_API_TOKEN where Terraform runs. ${ANEW}`,
  ],
  [
    "a password of Proxmox",
    "  auth: apiToken",
    "  password: hunter2-secret",
    "4:3 proxmox.password",
    "credential-in-lab",
    `Take it out, and set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD where Terraform runs. ${ANEW}`,
  ],
  [
    "an SSH key of the nodes",
    "username: terraform",
    "username: terraform, privateKey: hunter2-secret",
    "5:31 proxmox.ssh.privateKey",
    "credential-in-lab",
    `Take it out, and let the SSH agent log in, or set agent: false and export PROXMOX_VE_SSH_PRIVATE_KEY where Terraform runs. ${ANEW}`,
  ],
  [
    "a password of a container",
    CONTAINER,
    `${CONTAINER} password: hunter2-secret,`,
    "24:26 containers.ollama-1.password",
    "credential-in-lab",
    `Take it out, and log in to the guests by the keys under sshPublicKeys. ${ANEW}`,
  ],
  [
    "a join token",
    "k3sVersion:",
    "joinToken: K10hunter2-secret::server:x\n  k3sVersion:",
    "26:3 cluster.joinToken",
    "credential-in-lab",
    `Take it out, and export TF_VAR_k3s_server_token and TF_VAR_k3s_agent_token where Terraform runs, or set cluster.joinToken: ssh. ${ANEW}`,
  ],
  [
    "a token of Kubernetes",
    "  nfs:",
    "  token: hunter2-secret\n  nfs:",
    "33:3 kubernetes.token",
    "credential-in-lab",
    `Take it out, and put it into a Secret of the cluster, which the lab names. ${ANEW}`,
  ],
  [
    "a token of a DNS provider",
    "apiTokenSecretRef: { name: a, key: b }",
    "apiToken: hunter2-secret",
    "34:70 kubernetes.certManager.dns01.cloudflare.apiToken",
    "credential-in-solver",
    `Put it into a Secret in the namespace cert-manager, and name the Secret in the field that ends in SecretRef. ${ANEW}`,
  ],
  [
    "a key of the state's backend",
    "name: test",
    'name: test\nstate: { type: s3, settings: { key: "{stack}", secret_key: hunter2-secret } }',
    "2:48 state.settings.secret_key",
    "credential-in-state-settings",
    `Take it out, and export AWS_SECRET_ACCESS_KEY where Terraform runs. ${ANEW}`,
  ],
  [
    "a key among Ollama's variables",
    "gpus: 1\n",
    "gpus: 1\n      environment: { OLLAMA_API_KEY: hunter2-secret }\n",
    "40:22 ollama.releases.chat.environment.OLLAMA_API_KEY",
    "credential-in-environment",
    `Take it out: on Kubernetes values.extraEnvFrom takes it from a Secret, and in a container a file in ollama.service.d has it. ${ANEW}`,
  ],
  [
    "a password of a proxy",
    "gpus: 1\n",
    'gpus: 1\n      environment: { HTTPS_PROXY: "http://me:hunter2-secret@proxy.lab.example" }\n',
    "40:22 ollama.releases.chat.environment.HTTPS_PROXY",
    "credential-in-environment",
    `Take it out: on Kubernetes values.extraEnvFrom takes it from a Secret, and in a container a file in ollama.service.d has it. ${ANEW}`,
  ],
  [
    "a password in a URL",
    "https://images.lab.example/",
    "https://me:hunter2-secret@images.lab.example/",
    "27:12 cluster.image.url",
    "credential-in-url",
    `Take it out, and use a mirror that needs none. ${ANEW}`,
  ],
];

describe.each([
  ["What was accepted in silence", silent],
  ["What had a misleading remedy", misleading],
  ["A credential in the lab", credentials],
] as const)("%s:", (_, mistakes) => {
  test.each(mistakes)("%s is told at its place, with what to write", (_fact, from, to, place, code, remedy) => {
    expect(read(from, to)).toContainEqual({ place, code, message: expect.any(String), remedy });
  });
});

test.each(credentials)("no problem repeats the credential: %s", (_, from, to) => {
  const said = JSON.stringify(read(from, to));
  expect(["hunter2", TOKEN].filter((secret) => said.includes(secret))).toEqual([]);
});

test("a mistyped joinToken is no credential", () => {
  expect(read("k3sVersion:", "joinTokn: ssh\n  k3sVersion:")).toContainEqual(
    expect.objectContaining({ code: "unknown-key", remedy: "Did you mean joinToken?" }),
  );
});

test("no SSH key with configure: true is told at its place, with what to write", () => {
  const key = `sshPublicKeys:\n  - ${sshKey()}\n`;
  expect(read(key, "configure: true\n")).toContainEqual(
    expect.objectContaining({
      place: "1:1 sshPublicKeys",
      code: "no-ssh-key",
      remedy: "List the key that this machine logs in with, or set configure: false.",
    }),
  );
});

test("a colon without a blank in braces is told with what to write", () => {
  expect(read("ssh: { username: terraform }", "ssh: { username:terraform }")).toContainEqual({
    place: "5:10 proxmox.ssh.username:terraform",
    code: "unknown-key",
    message: "there is no setting username:terraform here",
    remedy: "Write a blank after the colon: username: terraform",
  });
});

test("a number is shown as the file has it", () => {
  expect(read("192.0.2.21", "192.0")[0]?.message).toBe('"192.0" is neither an IPv4 address nor dhcp');
});
