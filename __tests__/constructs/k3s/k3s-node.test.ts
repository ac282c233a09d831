import { TerraformStack, Testing } from "cdktf";
import { K3sNode, type K3sNodeProps } from "../../../constructs/k3s/k3s-node";
import { type StackJson, sshKey } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";
import { fileOn } from "../../../testing/rendered";

const props: K3sNodeProps = {
  role: "worker",
  resourceName: "gpu-1",
  node: "pve1",
  vmId: 311,
  name: "gpu-1",
  tags: ["k3s"],
  cores: 8,
  memoryGiB: 32,
  disks: "local-lvm",
  diskGiB: 100,
  source: { cloneOf: 9000 },
  network: { bridge: "vmbr0", address: "192.0.2.41/24", gateway: "192.0.2.1" },
  files: "local",
  user: "ubuntu",
  sshPublicKeys: [sshKey()],
  release: { version: "v1.36.3+k3s1" },
  tokens: { waitSeconds: 0 },
  config: "server: https://192.0.2.31:6443\n",
  joins: "https://192.0.2.31:6443",
  firewall: { open: [] },
};

function made(changes: Partial<K3sNodeProps> = {}): StackJson {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  new K3sNode(stack, "node", { ...props, ...changes });
  return JSON.parse(Testing.synth(stack)) as StackJson;
}

test("a node is made without a lab", () => {
  expect(made().resource["proxmox_virtual_environment_vm"]).toHaveProperty("gpu-1");
});

test("registries.yaml may hold a password, so root alone reads it", () => {
  const file = fileOn(made({ registries: "mirrors: {}\n" }), "gpu-1", "/etc/rancher/k3s/registries.yaml");
  expect(file).toMatchObject({ permissions: "0600", content: "mirrors: {}\n" });
});

test("a parameter of the scripts reaches their env file, quoted for a shell", () => {
  const release = { version: "v1.36.3+k3s1", parameters: { NVIDIA_APT_URL: "https://mirror.lab.example/it's" } };
  expect(fileOn(made({ release }), "gpu-1", "/etc/k3s-bootstrap/bootstrap.env")?.content).toContain(
    "NVIDIA_APT_URL='https://mirror.lab.example/it'\\''s'\n",
  );
});

test("what a shell or Terraform would expand stands as it is", () => {
  const config = "label: ${not.an.expression} %{ nor this }\n";
  expect(fileOn(made({ config }), "gpu-1", "/etc/rancher/k3s/config.yaml")?.content).toBe(config);
});

const version = "v1.36.3+k3s1";
const server = { role: "server", resourceName: "k3s-1" } as const;

describe("rejected props", () => {
  testRejectedProps<K3sNodeProps>(props, (stack, changed) => new K3sNode(stack, "node", changed), [
    ["a datastore with a space", { files: "no such" }, "files: invalid-datastore"],
    ["a user in capitals", { user: "Ubuntu" }, "user: invalid-user"],
    ["a private key", { sshPublicKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }, "sshPublicKeys: private-key"],
    ["a version that is no release's name", { release: { version: "latest" } }, "release.version: invalid-k3s-version"],
    ["a short hash", { release: { version, sha256: "abc" } }, "release.sha256: invalid-checksum"],
    [
      "a plain mirror of a file without its hash",
      { release: { version, parameters: { NVIDIA_KEY_URL: "http://mirror.lab.example/key" } } },
      "release.parameters: unproven-source",
    ],
    ["a mirror that is no URL", { aptMirror: "mirror.lab.example" }, "aptMirror: invalid-url"],
    ["a server to join that is no URL", { joins: "192.0.2.31" }, "joins: invalid-url"],
    ["a wait of no time", { serverWaitSeconds: 0 }, "serverWaitSeconds: out-of-range"],
    ["a GPU worker without a GPU", { gpu: { count: 0, driver: "580" } }, "gpu.count: out-of-range"],
    ["a driver of no branch", { gpu: { count: 1, driver: "latest" } }, "gpu.driver: invalid-driver-branch"],
    ["a server with a GPU", { ...server, gpu: { count: 1, driver: "580" } }, "gpu: gpu-on-server"],
    ["a worker that makes the tokens", { tokens: { made: true } }, "tokens: tokens-made-by-worker"],
    ["a server that an edit replaces", { ...server, replaceOnChange: true }, "replaceOnChange: server-replaced"],
  ]);
});

test("what a part of the node refuses, the node refuses", () => {
  expect(() => made({ devices: [{ path: "0000:0A:00" }] })).toThrow(/devices\.path: invalid-pci-path.*Write 0000:0a:00/s);
});
