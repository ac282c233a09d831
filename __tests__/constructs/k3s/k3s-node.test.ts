import { TerraformStack, Testing } from "cdktf";
import { K3sNode, type K3sNodeProps } from "../../../constructs/k3s/k3s-node";
import { type StackJson, sshKey } from "../../../testing/lab";
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

test.each<[string, Partial<K3sNodeProps>, RegExp]>([
  [
    "a mirror without https and hashes",
    { release: { version: "v1.36.3+k3s1", parameters: { K3S_MIRROR: "http://mirror.lab.example" } } },
    /K3S_INSTALL_SHA256/,
  ],
  ["a version that is no release's name", { release: { version: "latest" } }, /release\.version: invalid-k3s-version/],
  ["an address without a prefix", { network: { ...props.network, address: "192.0.2.41" } }, /prefix-missing/],
  ["a PCI path in upper case", { devices: [{ path: "0000:0A:00" }] }, /devices\.path: invalid-pci-path.*Write 0000:0a:00/s],
  ["more devices than a VM takes", { devices: Array.from({ length: 17 }, () => ({ mapping: "gpu" })) }, /17 PCI devices/],
  ["a datastore that is none", { files: "no such" }, /invalid-datastore/],
])("%s is refused by the construct", (_, changes, message) => expect(() => made(changes)).toThrow(message));
