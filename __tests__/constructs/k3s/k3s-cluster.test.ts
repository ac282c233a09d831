import { TerraformOutput, TerraformStack, Testing } from "cdktf";
import { parse } from "yaml";
import { handedOverTokens } from "../../../constructs/k3s/handed-over-tokens";
import { K3sCluster } from "../../../constructs/k3s/k3s-cluster";
import type { K3sClusterProps, K3sServerProps } from "../../../constructs/k3s/k3s-cluster-props";
import { variableTokens } from "../../../constructs/k3s/variable-tokens";
import { addresses, type StackJson, sshKey } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";
import { fileOn, userDataOf } from "../../../testing/rendered";

const VM = "proxmox_virtual_environment_vm";
const RULES = "proxmox_virtual_environment_firewall_rules";

const server = (number: number, changes: Partial<K3sServerProps> = {}): K3sServerProps => ({
  resourceName: `k3s-${number}`,
  node: "pve1",
  vmId: 300 + number,
  address: `192.0.2.3${number}`,
  ...changes,
});

const props: K3sClusterProps = {
  release: { version: "v1.36.3+k3s1" },
  source: { cloneOf: 9000 },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
  access: { management: ["198.51.100.0/24"], clients: ["203.0.113.0/24"] },
  sshPublicKeys: [sshKey()],
  servers: [server(1)],
  workers: [{ resourceName: "gpu-1", node: "pve1", vmId: 311, address: "192.0.2.41", devices: [{ mapping: "rtx" }] }],
};

function made(changes: Partial<K3sClusterProps> = {}): { cluster: K3sCluster; stack: StackJson } {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  const cluster = new K3sCluster(stack, "k3s-cluster", { ...props, ...changes });
  new TerraformOutput(stack, "url", { value: cluster.url });
  return { cluster, stack: JSON.parse(Testing.synth(stack)) as StackJson };
}

const plain = made({ tokens: variableTokens });
const several = made({ servers: [server(2), server(1), server(3)] });
const config = (stack: StackJson, key: string) =>
  parse(fileOn(stack, key, "/etc/rancher/k3s/config.yaml")?.content ?? "") as Record<string, unknown>;
const environment = (stack: StackJson, key: string) =>
  fileOn(stack, key, "/etc/k3s-bootstrap/bootstrap.env")?.content.split("\n");
/** Each port that a node opens, with each network that may reach it. */
const ports = (stack: StackJson, key: string) => {
  const rules = stack.resource[RULES]?.[key]?.["rule"] as { dport?: string; source: string }[] | undefined;
  return (rules ?? []).flatMap(({ dport = "all", source }) =>
    dport.split(",").flatMap((port) => source.split(",").map((network) => `${port} from ${network}`)),
  );
};
const script = (stack: StackJson, name: string) => {
  const [run] = [stack.resource["null_resource"]?.[name]?.["provisioner"]].flat() as {
    "local-exec": { environment: Record<string, string> };
  }[];
  return run?.["local-exec"].environment;
};

test("a cluster is made without a lab, of these resources", () => {
  expect(addresses(plain.stack)).toEqual([
    "null_resource.gpu-1_bootstrap",
    "null_resource.gpu-1_host_key",
    "null_resource.k3s-1_bootstrap",
    "null_resource.k3s-1_host_key",
    "null_resource.nodes_ready",
    ...["gpu-1", "k3s-1"].flatMap((key) => [
      `proxmox_virtual_environment_file.${key}_meta-data`,
      `proxmox_virtual_environment_file.${key}_user-data`,
    ]),
    ...["gpu-1", "k3s-1"].map((key) => `proxmox_virtual_environment_firewall_options.${key}`),
    ...["gpu-1", "k3s-1"].map((key) => `${RULES}.${key}`),
    ...["gpu-1", "k3s-1"].map((key) => `${VM}.${key}`),
    ...["gpu-1", "k3s-1"].map((key) => `terraform_data.${key}_firewall`),
  ]);
});

test("its variables are the tokens and the kubeconfig, under names of their own", () => {
  expect(Object.keys(plain.stack.variable ?? {}).sort()).toEqual(["k3s_agent_token", "k3s_server_token", "kubeconfig"]);
});

test.each([
  ["server", "k3s-1", { cpu: { cores: 2 }, memory: { dedicated: 4096 }, disk: [{ size: 40, datastore_id: "local-lvm" }] }],
  ["worker", "gpu-1", { cpu: { cores: 8 }, memory: { dedicated: 32_768 }, disk: [{ size: 100, datastore_id: "local-lvm" }] }],
])("a %s has the size that a lab's has by default", (_, key, size) => {
  expect(plain.stack.resource[VM]?.[key]).toMatchObject(size);
});

test("a node's own values come before the cluster's", () => {
  const own = { cores: 4, disks: "fast", files: "nas", name: "first", source: { importFrom: "nas:import/own.qcow2" } };
  const { stack } = made({ servers: [server(1, own)], disks: "slow", files: "local" });
  expect(stack.resource[VM]?.["k3s-1"]).toMatchObject({
    name: "first",
    cpu: { cores: 4 },
    disk: [{ datastore_id: "fast", import_from: "nas:import/own.qcow2" }],
    initialization: { user_data_file_id: "nas:snippets/k3s-301-user-data.yaml" },
  });
});

describe("servers join in the order in which they are listed", () => {
  test.each([
    ["the first founds the cluster", "k3s-2", { "cluster-init": true }],
    ["the second joins the first", "k3s-1", { server: "https://192.0.2.32:6443" }],
    ["the third joins the second", "k3s-3", { server: "https://192.0.2.31:6443" }],
  ])("%s", (_, key, expected) => expect(config(several.stack, key)).toMatchObject(expected));

  test("a lone server founds no etcd", () => expect(config(plain.stack, "k3s-1")).not.toHaveProperty("cluster-init"));
  test("a worker joins the first server", () =>
    expect(config(several.stack, "gpu-1")).toMatchObject({ server: "https://192.0.2.32:6443" }));
  test("a worker joins at the registration address, where there is one", () =>
    expect(config(made({ registrationAddress: "k3s.lab.example" }).stack, "gpu-1")).toMatchObject({
      server: "https://k3s.lab.example:6443",
    }));
});

describe("ports", () => {
  test("of a server: what K3s needs of it, SSH, ping and the Kubernetes API, HTTP and HTTPS", () =>
    expect(ports(plain.stack, "k3s-1").sort()).toEqual([
      "10250 from 192.0.2.41/32",
      "22 from 198.51.100.0/24",
      "443 from 203.0.113.0/24",
      "6443 from 192.0.2.41/32",
      "6443 from 198.51.100.0/24",
      "80 from 203.0.113.0/24",
      "8472 from 192.0.2.41/32",
      "all from 198.51.100.0/24",
    ]));
  test("of a worker: the same without the Kubernetes API", () =>
    expect(ports(plain.stack, "gpu-1")).not.toContain("6443 from 198.51.100.0/24"));
  test("for clients can be others", () => {
    const access = { ...props.access, ports: [{ service: "gateway", port: "8443" }] };
    const rules = ports(made({ access }).stack, "gpu-1");
    expect(rules.filter((rule) => rule.endsWith("203.0.113.0/24"))).toEqual(["8443 from 203.0.113.0/24"]);
  });
});

describe("tokens that are handed over, as they are by default,", () => {
  const servers = [server(1), server(2), server(3)] as const;
  const { stack, cluster } = made({ servers });
  test("are what a cluster has that names no strategy", () =>
    expect(stack.resource).toEqual(made({ servers, tokens: handedOverTokens }).stack.resource));
  test("are no variables", () => expect(Object.keys(stack.variable ?? {})).toEqual(["kubeconfig"]));
  test("are not known to Terraform", () => expect(cluster.agentToken).toBeUndefined());
  test("are made by the first server", () => expect(environment(stack, "k3s-1")).toContain("GENERATE_TOKENS='true'"));
  test("are waited for by the others", () => expect(environment(stack, "k3s-2")).toContain("TOKEN_WAIT_SECONDS='14400'"));
  test("go from the first server to the others by their roles", () =>
    expect(script(stack, "token_hand_over")).toMatchObject({
      FIRST_SERVER: "k3s-1=192.0.2.31",
      SERVERS: "k3s-2=192.0.2.32 k3s-3=192.0.2.33",
      WORKERS: "gpu-1=192.0.2.41",
    }));
});

test("a token strategy can be one's own", () => {
  const own = { server: "local.server_token", agent: "local.agent_token" };
  const { stack, cluster } = made({ tokens: { bind: () => ({ ofNode: () => own, agent: own.agent }) } });
  expect([cluster.agentToken, fileOn(stack, "gpu-1", "/etc/rancher/k3s/token")?.content]).toEqual([
    "local.agent_token",
    "${local.agent_token}",
  ]);
});

describe("the wait", () => {
  test("writes the kubeconfig beside cdktf.out by default", () =>
    expect(plain.stack.variable?.["kubeconfig"]).toMatchObject({ default: "../../../kubeconfig" }));
  test("takes an hour at most by default", () =>
    expect(script(plain.stack, "nodes_ready")).toMatchObject({ TIMEOUT_SECONDS: "3600" }));
  test("can be left out, with all that goes by SSH", () => {
    const { stack, cluster } = made({ wait: false, tokens: variableTokens });
    expect([cluster.ready, addresses(stack).filter((address) => /host_key|nodes_ready/.test(address))]).toEqual([undefined, []]);
  });
});

test("workers can be replaced when what they were made with changes, but servers cannot", () => {
  const { stack } = made({ replaceWorkers: true });
  expect(["gpu-1", "k3s-1"].map((key) => stack.resource[VM]?.[key]?.["lifecycle"])).toEqual([
    expect.objectContaining({ replace_triggered_by: ["null_resource.gpu-1_bootstrap"] }),
    expect.not.objectContaining({ replace_triggered_by: expect.anything() }),
  ]);
});

test("a command rebuilds each server, the first one first", () => {
  expect(Object.entries(several.cluster.rebuildCommands)[0]).toEqual(["k3s-2", `terraform apply -replace=${VM}.k3s-2`]);
});

describe("rejected props", () => {
  const { network, access } = props;
  test("an even number of servers is refused with both sides and the remedy", () => {
    expect(() => made({ servers: [server(1), server(2)] })).toThrow(
      "servers: server-count: there are 2 servers, but etcd needs a majority of an odd number\n  → Have 1, 3 or 5.",
    );
  });

  const one = (changes: Partial<K3sServerProps>): Partial<K3sClusterProps> => ({ servers: [server(1, changes)] });
  const worker = props.workers?.[0] ?? server(9);
  testRejectedProps<K3sClusterProps>(props, (stack, changed) => new K3sCluster(stack, "k3s-cluster", changed), [
    ["two servers", { servers: [server(1), server(2)] }, "servers: server-count"],
    [
      "seven servers",
      { servers: [server(1), server(2), server(3), server(4), server(5), server(6), server(7)] },
      "servers: server-count",
    ],
    [
      "a worker with a server's key",
      { workers: [{ ...worker, resourceName: "k3s-1", name: "other" }] },
      "resourceName: duplicate-resourceName",
    ],
    ["a worker with a server's name", { workers: [{ ...worker, name: "k3s-1" }] }, "name: duplicate-name"],
    ["a worker with a server's VMID", { workers: [{ ...worker, vmId: 301 }] }, "vmId: duplicate-vmId"],
    ["a worker at a server's address", { workers: [{ ...worker, address: "192.0.2.31" }] }, "address: duplicate-address"],
    ["a network with host bits", { network: { ...network, cidr: "192.0.2.1/24" } }, "network.cidr: network-host-bits"],
    ["a gateway that is no address", { network: { ...network, gateway: "gateway" } }, "network.gateway: invalid-address"],
    [
      "a gateway in another network",
      { network: { ...network, gateway: "198.51.100.1" } },
      "network.gateway: address-outside-network",
    ],
    ["an address with a prefix", one({ address: "192.0.2.31/24" }), "address: invalid-address"],
    ["an address in another network", one({ address: "198.51.100.31" }), "address: address-outside-network"],
    [
      "a label that K3s does not start with",
      one({ labels: { "node-role.kubernetes.io/gpu": "true" } }),
      "labels: reserved-label",
    ],
    ["a taint without an effect", one({ taints: ["gpu=present"] }), "taints: invalid-taint"],
    ["a registration address that is no name", { registrationAddress: "k3s" }, "registrationAddress: invalid-host"],
    ["a registration address of a node", { registrationAddress: "192.0.2.31" }, "registrationAddress: registration-is-node"],
    ["a user in capitals", { user: "Ubuntu" }, "user: invalid-user"],
    ["a key that is none", { sshPublicKeys: ["ssh-ed25519"] }, "sshPublicKeys: invalid-ssh-key"],
    ["no key", { sshPublicKeys: [] }, "sshPublicKeys: no-ssh-key"],
    ["a driver of no branch", { nvidiaDriver: "latest" }, "nvidiaDriver: invalid-driver-branch"],
    ["no time to wait", { waitMinutes: 0 }, "waitMinutes: out-of-range"],
    ["a wait of five hours", { waitMinutes: 300 }, "waitMinutes: out-of-range"],
    [
      "a wait that the firewall shuts out",
      { access: { ...access, management: [] } },
      "access.management: wait-without-management",
    ],
    ["a release that is none", { release: { version: "1.36" } }, "release.version: invalid-k3s-version"],
    ["a node of negative memory", one({ memoryGiB: -4 }), "memoryGiB: out-of-range"],
  ]);
});

describe("before it joins, a node waits", () => {
  test.each([
    ["the founder for none", "k3s-2", ""],
    ["the second server for the first", "k3s-1", "https://192.0.2.32:6443"],
    ["a worker for the first server", "gpu-1", "https://192.0.2.32:6443"],
  ])("%s", (_, key, url) => expect(environment(several.stack, key)).toContain(`JOIN_SERVER_URL='${url}'`));
});

describe("tokens that are variables", () => {
  const file = (name: string, key: string) => fileOn(plain.stack, key, `/etc/rancher/k3s/${name}`)?.content;
  test("reach the nodes as Terraform's expressions", () => {
    expect([file("token", "k3s-1"), file("agent-token", "k3s-1"), file("token", "gpu-1")]).toEqual([
      expect.stringContaining("${var.k3s_server_token}"),
      expect.stringContaining("${var.k3s_agent_token}"),
      expect.stringContaining("${var.k3s_agent_token}"),
    ]);
  });
  test("are both refused in another form", () => {
    const output = plain.stack.output?.["join_token_variables"] as unknown as {
      value: string[];
      precondition: { condition: string; error_message: string }[];
    };
    expect(output.value).toEqual(["TF_VAR_k3s_server_token", "TF_VAR_k3s_agent_token"]);
    expect(output.precondition).toEqual(
      ["k3s_server_token", "k3s_agent_token"].map((name) => ({
        condition: `\${can(regex("^[0-9a-f]{64}$", var.${name}))}`,
        error_message: `${name} must be 64 hexadecimal digits in lower case. Make one with: openssl rand -hex 32`,
      })),
    );
  });
});

test("parts of K3s that are left out are sorted, and where none is, the setting is not there", () => {
  const { stack } = made({ disable: ["traefik", "servicelb"] });
  expect(config(stack, "k3s-1")["disable"]).toEqual(["servicelb", "traefik"]);
  expect(config(plain.stack, "k3s-1")).not.toHaveProperty("disable");
});

test("the user of a node reads logs and may become root", () => {
  expect(userDataOf(plain.stack, "k3s-1").users).toEqual([
    {
      name: "ubuntu",
      groups: ["adm", "sudo"],
      shell: "/bin/bash",
      sudo: "ALL=(ALL) NOPASSWD:ALL",
      lock_passwd: true,
      ssh_authorized_keys: [sshKey()],
    },
  ]);
});
