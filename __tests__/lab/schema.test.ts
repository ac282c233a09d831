import { formatPath } from "../../lab/problem";
import { type Changes, labWith, problemsOf, sshKey } from "../../testing/lab";

test("a number out of range is told with the bound and its side", () => {
  const problems = problemsOf(labWith({ containers: { "ollama-1": { vlan: 4095 } } }));
  expect(problems.map(({ message }) => message)).toEqual(["this is 4095, but it must be at most 4094"]);
});

const container = (changes: Changes) => ({ containers: { "ollama-1": changes } });

/** A value that its own grammar refuses: the place, the code, and a part of the remedy. */
const refused: [fact: string, lab: Changes, path: string, code: string, remedy: RegExp][] = [
  ["a VMID below 100", container({ vmId: 99 }), "containers.ollama-1.vmId", "invalid-vmid", /100 to 999999999/],
  ["a VMID that is text", container({ vmId: "201" }), "containers.ollama-1.vmId", "wrong-type", /quotes: 201/],
  [
    "an address that is not IPv4",
    container({ address: "192.0.2.300" }),
    "containers.ollama-1.address",
    "invalid-address",
    /192\.0\.2\.21/,
  ],
  ["a network with host bits", { network: { cidr: "192.0.2.7/24" } }, "network.cidr", "network-host-bits", /192\.0\.2\.0\/24/],
  [
    "a MAC address in small letters",
    container({ mac: "bc:24:11:00:00:21" }),
    "containers.ollama-1.mac",
    "invalid-mac",
    /BC:24:11:00:00:21/,
  ],
  ["a multicast MAC address", container({ mac: "01:00:5E:00:00:01" }), "containers.ollama-1.mac", "invalid-mac", /even/],
  ["a VLAN beyond 4094", container({ vlan: 4095 }), "containers.ollama-1.vlan", "out-of-range", /4094 or less/],
  [
    "a model reference with a blank",
    container({ models: ["mistral 7b"] }),
    "containers.ollama-1.models[0]",
    "invalid-model",
    /mistral:7b/,
  ],
  ["a tag in capitals", container({ tags: ["Prod"] }), "containers.ollama-1.tags[0]", "invalid-tag", /lower-case/],
  ["a name that is not a host name", container({ name: "ollama_1" }), "containers.ollama-1.name", "invalid-name", /hyphens/],
  ["a device outside /dev", container({ devices: ["/mnt/x"] }), "containers.ollama-1.devices[0]", "invalid-device", /renderD128/],
  [
    "a mode of three digits",
    { proxmox: { auth: "rootPassword" }, ...container({ devices: [{ path: "/dev/fuse", mode: "660" }] }) },
    "containers.ollama-1.devices[0].mode",
    "invalid-mode",
    /"0660"/,
  ],
  [
    "an endpoint over http",
    { proxmox: { endpoint: "http://pve1.lab.example:8006/" } },
    "proxmox.endpoint",
    "endpoint-not-https",
    /https:/,
  ],
  [
    "an endpoint with the API's path",
    { proxmox: { endpoint: "https://pve1.lab.example:8006/api2/json" } },
    "proxmox.endpoint",
    "endpoint-path",
    /:8006\/\.$/,
  ],
  [
    "a PCI path in capitals",
    { proxmox: { nodes: { pve1: { gpus: { rtx: { path: "0000:0A:00", id: "10de:2684" } } } } } },
    "proxmox.nodes.pve1.gpus.rtx.path",
    "invalid-pci-path",
    /0000:0a:00/,
  ],
  [
    "an SSH public key that ends too early",
    { sshPublicKeys: [sshKey().slice(0, 60)] },
    "sshPublicKeys[0]",
    "invalid-ssh-key",
    /whole line of the \.pub file/,
  ],
  [
    "an SSH public key of another type than it says",
    { sshPublicKeys: [sshKey().replace("ssh-ed25519", "ssh-rsa")] },
    "sshPublicKeys[0]",
    "invalid-ssh-key",
    /whole line of the \.pub file/,
  ],
  [
    "an endpoint that Terraform would fill in",
    { proxmox: { endpoint: "https://${var.host}:8006/" } },
    "proxmox.endpoint",
    "invalid-url",
    /Write the URL out/,
  ],
  ["a private key", { sshPublicKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }, "sshPublicKeys[0]", "private-key", /\.pub/],
  [
    "a word that is not one of the choices",
    { proxmox: { auth: "apitoken" } },
    "proxmox.auth",
    "invalid-choice",
    /Did you mean apiToken/,
  ],
  ["a mistyped key", container({ memoryGib: 8 }), "containers.ollama-1.memoryGib", "unknown-key", /Did you mean memoryGiB/],
  ["the word ip", container({ ip: "192.0.2.22" }), "containers.ollama-1.ip", "unknown-key", /Did you mean address\?/],
  ["the word ram", container({ ram: 8 }), "containers.ollama-1.ram", "unknown-key", /Did you mean memoryGiB\?/],
  ["the word cpu", container({ cpu: 8 }), "containers.ollama-1.cpu", "unknown-key", /Did you mean cores\?/],
  ["the word disk", container({ disk: 8 }), "containers.ollama-1.disk", "unknown-key", /Did you mean diskGiB\?/],
  ["the word image", container({ image: "x" }), "containers.ollama-1.image", "unknown-key", /Did you mean template\?/],
  ["memory in MiB", container({ memoryGiB: 16_384 }), "containers.ollama-1.memoryGiB", "out-of-range", /write 16 if 16384 MiB/],
  ["memory that is no number", container({ memoryGiB: Number.NaN }), "containers.ollama-1.memoryGiB", "wrong-type", /a number/],
  [
    "shares of a GPU as text",
    { kubernetes: { devicePlugin: { timeSlicing: "4x" } } },
    "kubernetes.devicePlugin.timeSlicing",
    "wrong-type",
    /number/,
  ],
  ["a mistyped section", { container: {} }, "container", "unknown-key", /Did you mean containers/],
  [
    "a key that cannot name a guest",
    { containers: { Ollama_2: { vmId: 202, address: "192.0.2.22" } } },
    "containers.Ollama_2",
    "invalid-key",
    /lower-case letter/,
  ],
  ["a missing VMID", container({ vmId: undefined }), "containers.ollama-1.vmId", "missing", /^Add it, such as vmId: 201$/],
  [
    "a GPU of an unknown type",
    container({ gpu: { type: "arc" } }),
    "containers.ollama-1.gpu.type",
    "invalid-choice",
    /nvidia, intel, amd/,
  ],
  ["a list instead of a map", { containers: [1] }, "containers", "wrong-type", /a map of names and settings/],
  [
    "a time that Ollama would ignore without a word",
    container({ ollama: { environment: { OLLAMA_KEEP_ALIVE: "half an hour" } } }),
    "containers.ollama-1.ollama.environment.OLLAMA_KEEP_ALIVE",
    "invalid-keep-alive",
    /30m/,
  ],
  [
    "a switch that Ollama would take for true",
    container({ ollama: { environment: { OLLAMA_FLASH_ATTENTION: "NO" } } }),
    "containers.ollama-1.ollama.environment.OLLAMA_FLASH_ATTENTION",
    "invalid-switch",
    /^Write "false", in quotes\.$/,
  ],
  [
    "a switch that is on in the words of YAML 1.1",
    { defaults: { container: { ollama: { environment: { OLLAMA_DEBUG: "on" } } } } },
    "defaults.container.ollama.environment.OLLAMA_DEBUG",
    "invalid-switch",
    /^Write "true", in quotes\.$/,
  ],
  [
    "a variable that follows from the lab",
    container({ ollama: { environment: { OLLAMA_HOST: "x" } } }),
    "containers.ollama-1.ollama.environment.OLLAMA_HOST",
    "invalid-environment",
    /follow from the lab/,
  ],
  [
    "no node at all",
    { proxmox: { nodes: undefined } },
    "proxmox.nodes",
    "missing",
    /^Add it, such as nodes: { pve1: { address: 192.0.2.11 } }$/,
  ],
  [
    "a URL with a password",
    { defaults: { container: { template: { url: "https://a:b@mirror.lab.example/u.tar.zst" } } } },
    "defaults.container.template.url",
    "credential-in-url",
    /none/,
  ],
];

test.each(refused)("%s is refused at its place, with a remedy", (_, changes, path, code, remedy) => {
  const errors = problemsOf(labWith(changes)).filter(({ severity }) => severity === "error");
  expect(errors.map((problem) => [formatPath(problem.path), problem.code])).toEqual([[path, code]]);
  expect(errors[0]?.remedy).toMatch(remedy);
});

test.each([
  ["a section", { containers: null }, "containers: has nothing below it, but it takes a map of names and settings"],
  ["a number", container({ vmId: null }), "vmId: has no value, but it takes a number"],
])("%s that is null is told in words", (_, changes, message) => {
  expect(problemsOf(labWith(changes as unknown as Changes)).map((problem) => problem.message)).toContainEqual(message);
});
test("a mistyped key that decides what its map takes is told", () => {
  const [problem] = problemsOf(labWith(container({ gpu: { typ: "nvidia" } })));
  expect([formatPath(problem?.path ?? []), problem?.code, problem?.remedy]).toEqual([
    "containers.ollama-1.gpu.typ",
    "unknown-key",
    "Did you mean type?",
  ]);
});

test.each([
  ["proxmox.password", { proxmox: { password: "hunter2" } }, "set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD"],
  ["proxmox.apiToken", { proxmox: { apiToken: "hunter2" } }, "export PROXMOX_VE_API_TOKEN"],
  ["proxmox.ssh.password", { proxmox: { ssh: { username: "a", password: "hunter2" } } }, "let the SSH agent log in"],
  ["a container's password", container({ password: "hunter2" }), "log in to the guests by the keys"],
  ["ollama.apiKey", { ollama: { apiKey: "hunter2", releases: { ollama: {} } } }, "put it into a Secret of the cluster"],
  ["a token of the whole lab", { rootToken: "hunter2" }, "export PROXMOX_VE_API_TOKEN"],
  ["a secret of the whole lab", { secret: "hunter2" }, "docs/pipelines.md names the variable"],
])("%s does not belong into a lab, and its remedy says where it does", (_, changes, home) => {
  const found = problemsOf(labWith(changes as Changes)).filter(({ code }) => code === "credential-in-lab");
  expect(found.map(({ remedy }) => remedy)).toEqual([expect.stringContaining(home)]);
});
