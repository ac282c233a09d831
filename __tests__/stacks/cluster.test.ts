import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { addresses, type Changes, clusterLab, labWith, type StackJson, sshKey, stackOf } from "../../testing/lab";
import { fileOn, snippetOf, userDataOf } from "../../testing/rendered";

const VM = "proxmox_virtual_environment_vm";
const RULES = "proxmox_virtual_environment_firewall_rules";
const OPTIONS = "proxmox_virtual_environment_firewall_options";
const SNIPPET = "proxmox_virtual_environment_file";
const DOWNLOAD = "proxmox_download_file";
const MAPPING = "proxmox_hardware_mapping_pci";
const NULL = "null_resource";

const CONFIG = "/etc/rancher/k3s/config.yaml";
const TOKEN = "/etc/rancher/k3s/token";
const AGENT_TOKEN = "/etc/rancher/k3s/agent-token";
const ENVIRONMENT = "/etc/k3s-bootstrap/bootstrap.env";

const of = (changes: Changes = {}) => stackOf(labWith(changes, clusterLab), "cluster");
const cluster = (changes: Changes) => of({ cluster: changes });
const worker = (changes: Changes) => cluster({ workers: { "gpu-1": changes } });
const gpu = (changes: Changes) => of({ proxmox: { nodes: { pve1: { gpus: { rtx: changes } } } } });
const resource = (stack: StackJson, type: string, name: string) => stack.resource[type]?.[name];
const config = (stack: StackJson, key: string) => parse(fileOn(stack, key, CONFIG)?.content ?? "") as Record<string, unknown>;
const environment = (stack: StackJson, key: string) => fileOn(stack, key, ENVIRONMENT)?.content.split("\n");
const command = (stack: StackJson, name: string) => {
  const provisioners = resource(stack, NULL, name)?.["provisioner"] as
    | { "local-exec": { command: string; environment: Record<string, string> } }[]
    | undefined;
  return provisioners?.[0]?.["local-exec"];
};

/** Three servers on three nodes. */
const three = {
  proxmox: {
    nodes: { pve2: { address: "192.0.2.12" }, pve3: { address: "192.0.2.13", storage: { disks: "local-zfs", files: "dir3" } } },
  },
  cluster: {
    firstServer: "k3s-2",
    servers: {
      "k3s-2": { node: "pve2", vmId: 302, address: "192.0.2.32" },
      "k3s-3": { node: "pve3", vmId: 303, address: "192.0.2.33" },
    },
  },
};
const several = (changes: Changes = {}) => of({ ...three, cluster: { ...three.cluster, ...changes } });
const plain = of();

describe("a VM", () => {
  const server = resource(plain, VM, "k3s-1");
  test.each<[string, object]>([
    ["is q35 with UEFI", { machine: "q35", bios: "ovmf" }],
    [
      "has a 4m EFI disk without keys, so that Secure Boot is off",
      { efi_disk: { datastore_id: "local-lvm", type: "4m", pre_enrolled_keys: false } },
    ],
    ["has the host's CPU", { cpu: { cores: 2, type: "host" } }],
    ["has no ballooning", { memory: { dedicated: 4096, floating: 0 } }],
    ["has a SCSI controller for each disk", { scsi_hardware: "virtio-scsi-single" }],
    [
      "has a disk with a thread of its own that gives back what is freed",
      {
        disk: [
          {
            interface: "scsi0",
            datastore_id: "local-lvm",
            size: 40,
            iothread: true,
            discard: "on",
            ssd: true,
            import_from: "local:import/noble-server-cloudimg-amd64-20250805.qcow2",
          },
        ],
      },
    ],
    [
      "has a serial console, without which Ubuntu's images panic",
      { serial_device: [{ device: "socket" }], vga: { type: "serial0" } },
    ],
    [
      "waits for its agent no longer than 3 minutes, and not for addresses",
      { agent: { enabled: true, timeout: "3m", wait_for_ip: { disabled: true } } },
    ],
    ["starts with its node", { on_boot: true, started: true }],
    ["is stopped, not shut down, when it is destroyed", { stop_on_destroy: true, purge_on_destroy: true }],
    ["keeps disks that somebody attached by hand", { delete_unreferenced_disks_on_destroy: false }],
    ["migrates", { migrate: true }],
    [
      "has tags in the order in which Proxmox stores them",
      { tags: ["k3s", "server", "terraform", "test", "tf.${terraform_data.guests_checked.input}.pve1.k3s-1"] },
    ],
    [
      "ignores what is read at creation only, and would replace or restart it later",
      { lifecycle: { ignore_changes: ["disk[0].import_from", "initialization", "clone", "efi_disk", "pool_id"] } },
    ],
  ])("%s", (_, expected) => expect(server).toMatchObject(expected));

  test("has its network card in the firewall, with every key of the attribute there", () => {
    expect(server?.["network_device"]).toEqual([
      {
        bridge: "vmbr0",
        firewall: true,
        disconnected: null,
        enabled: null,
        mac_address: null,
        model: null,
        mtu: null,
        queues: null,
        rate_limit: null,
        trunks: null,
        vlan_id: null,
      },
    ]);
  });
  test("has the bridge and VLAN of the cluster before those of the lab", () => {
    const stack = of({ network: { vlan: 10 }, cluster: { bridge: "vmbr1", vlan: 20 } });
    expect(resource(stack, VM, "k3s-1")).toMatchObject({ network_device: [{ bridge: "vmbr1", vlan_id: 20 }] });
  });
  test("has its static address, its gateway and the lab's name servers", () => {
    const stack = of({ network: { dns: ["192.0.2.1"], searchDomain: "lab.example" } });
    expect(resource(stack, VM, "gpu-1")?.["initialization"]).toMatchObject({
      ip_config: [{ ipv4: { address: "192.0.2.41/24", gateway: "192.0.2.1" } }],
      dns: { servers: ["192.0.2.1"], domain: "lab.example" },
    });
  });
  test("takes what it does not say from the defaults of its role", () => {
    const stack = of({ defaults: { worker: { cores: 16, memoryGiB: 64, tags: ["rack-1"], labels: { disk: "nvme" } } } });
    expect(resource(stack, VM, "gpu-1")).toMatchObject({
      cpu: { cores: 16 },
      memory: { dedicated: 65536 },
      disk: [{ size: 100 }],
    });
    expect(resource(stack, VM, "gpu-1")?.["tags"]).toContain("rack-1");
    expect(config(stack, "gpu-1")["node-label"]).toContain("disk=nvme");
    expect(resource(stack, VM, "k3s-1")?.["tags"]).not.toContain("rack-1");
  });
  test("does not start with its node where the lab says so", () => {
    const starts = (stack: StackJson) => resource(stack, VM, "gpu-1")?.["on_boot"];
    expect([starts(plain), starts(worker({ startOnBoot: false }))]).toEqual([true, false]);
  });
  test("has the tag gpu exactly where it has a card", () => {
    const tagged = (stack: StackJson, name: string) => JSON.stringify(resource(stack, VM, name)?.["tags"]).includes('"gpu"');
    expect([tagged(plain, "gpu-1"), tagged(plain, "k3s-1"), tagged(worker({ gpus: [] }), "gpu-1")]).toEqual([true, false, false]);
  });
  test("with protect is protected in Proxmox and in Terraform", () => {
    expect(resource(worker({ protect: true }), VM, "gpu-1")).toMatchObject({
      protection: true,
      lifecycle: { prevent_destroy: true },
    });
  });
  test("carries the ownership guard", () => {
    expect(plain.locals?.["guests_wanted"]).toMatchObject({ "gpu-1": { vm_id: "311", kind: "vm", node: "pve1" } });
  });
  test("is made in its pool, and a later change of the pool is ignored", () => {
    const { pool_id, lifecycle } = resource(cluster({ pool: "k3s" }), VM, "gpu-1") ?? {};
    expect([pool_id, (lifecycle as { ignore_changes: string[] }).ignore_changes]).toEqual([
      "k3s",
      expect.arrayContaining(["pool_id"]),
    ]);
  });
});

describe("the disk", () => {
  test("comes from an image that is downloaded once, verified, under a name that Proxmox imports", () => {
    expect(plain.resource[DOWNLOAD]).toEqual({
      "pve1_local_noble-server-cloudimg-amd64-20250805-qcow2": expect.objectContaining({
        content_type: "import",
        file_name: "noble-server-cloudimg-amd64-20250805.qcow2",
        checksum: "a".repeat(64),
        checksum_algorithm: "sha256",
        overwrite: false,
      }),
    });
  });
  test("leaves alone a file of that name that somebody else put there: the provider would delete it", () => {
    const [file] = Object.values(plain.resource[DOWNLOAD] ?? {});
    expect(file?.["overwrite_unmanaged"]).toBe(false);
  });
  test("comes from an image with the file name that the lab gives it", () => {
    const named = cluster({ image: { fileName: "ubuntu-24.04.qcow2" } });
    expect(resource(named, DOWNLOAD, "pve1_local_ubuntu-24-04-qcow2")).toMatchObject({ file_name: "ubuntu-24.04.qcow2" });
    expect(resource(named, VM, "k3s-1")).toMatchObject({ disk: [{ import_from: "local:import/ubuntu-24.04.qcow2" }] });
  });
  test("can come from an image that is there already, which nothing downloads or deletes", () => {
    const existing = cluster({ image: "local:import/ubuntu-24.04-20260814.qcow2" });
    expect(existing.resource[DOWNLOAD]).toBeUndefined();
    expect(resource(existing, VM, "k3s-1")?.["disk"]).toEqual([
      expect.objectContaining({ import_from: "local:import/ubuntu-24.04-20260814.qcow2" }),
    ]);
  });
  test("is there before the VM, by an order and not by a reference", () => {
    expect(resource(plain, VM, "k3s-1")?.["depends_on"]).toContain(
      `${DOWNLOAD}.pve1_local_noble-server-cloudimg-amd64-20250805-qcow2`,
    );
  });
  test("can be a template's, cloned whole to the VM's datastore, at one try", () => {
    const stack = cluster({ image: undefined, template: { vmId: 9000, node: "pve1" } });
    expect(resource(stack, VM, "k3s-1")).toMatchObject({
      clone: { vm_id: 9000, node_name: "pve1", datastore_id: "local-lvm", full: true, retries: 1 },
      lifecycle: { ignore_changes: ["disk[0].import_from", "initialization", "clone", "efi_disk", "pool_id"] },
    });
  });
  test("of a template brings its own EFI disk, and no image is downloaded", () => {
    const stack = cluster({ image: undefined, template: { vmId: 9000 } });
    expect([resource(stack, VM, "k3s-1")?.["efi_disk"], stack.resource[DOWNLOAD]]).toEqual([undefined, undefined]);
  });
});

describe("snippets", () => {
  test("are named by literals, with an order, so that an edit replaces no VM", () => {
    const vm = resource(plain, VM, "gpu-1");
    expect(vm?.["initialization"]).toMatchObject({
      user_data_file_id: "local:snippets/k3s-311-user-data.yaml",
      meta_data_file_id: "local:snippets/k3s-311-meta-data.yaml",
    });
    expect(vm?.["depends_on"]).toEqual(expect.arrayContaining([`${SNIPPET}.gpu-1_user-data`, `${SNIPPET}.gpu-1_meta-data`]));
  });
  test("keep their names when the VM gets another, since the running VM looks for them at its next start", () => {
    expect(resource(worker({ name: "renamed" }), VM, "gpu-1")).toMatchObject({
      name: "renamed",
      initialization: { user_data_file_id: "local:snippets/k3s-311-user-data.yaml" },
    });
  });
  test("bear an instance-id that no edit changes, so that cloud-init runs once in a VM's life", () => {
    const edited = worker({ name: "renamed", cores: 2, labels: { disk: "nvme" } });
    const ids = [plain, edited].map((stack) => parse(snippetOf(stack, "gpu-1_meta-data"))["instance-id"]);
    expect(ids).toEqual(["k3s-311", "k3s-311"]);
  });
  test("a VM that looks for them elsewhere is warned of in every plan, with the command", () => {
    expect((plain as unknown as { check: Record<string, { assert: unknown[] }> }).check["gpu-1_cloud_init"]?.assert).toEqual([
      {
        condition: expect.stringContaining('user_data_file_id == "local:snippets/k3s-311-user-data.yaml"'),
        error_message: expect.stringContaining(
          "qm set 311 --cicustom user=local:snippets/k3s-311-user-data.yaml,meta=local:snippets/k3s-311-meta-data.yaml",
        ),
      },
    ]);
  });
});

describe("user data", () => {
  const server = userDataOf(plain, "k3s-1");
  const agent = userDataOf(plain, "gpu-1");

  test("lets in the lab's keys and nobody by password", () => {
    expect(server).toMatchObject({
      users: [{ name: "ubuntu", lock_passwd: true, ssh_authorized_keys: [sshKey()] }],
      ssh_pwauth: false,
      disable_root: true,
    });
  });
  test("enables and starts the unit that runs the script of its role, and does not wait for it", () => {
    const start = ["systemctl", "enable", "--now", "--no-block"];
    expect([server.runcmd, agent.runcmd]).toEqual([
      [[...start, "k3s-bootstrap@server.service"]],
      [[...start, "k3s-bootstrap@worker.service"]],
    ]);
  });
  test.each(["k3s-1", "gpu-1"])("of %s brings that unit", (key) => {
    expect(fileOn(plain, key, "/etc/systemd/system/k3s-bootstrap@.service")?.content).toBe(
      readFileSync(join(__dirname, "../../templates/k3s/k3s-bootstrap@.service"), "utf8"),
    );
  });
  test.each([
    ["k3s-1", ["bootstrap-lib.sh", "bootstrap-server.sh"]],
    ["gpu-1", ["bootstrap-lib.sh", "bootstrap-gpu.sh", "bootstrap-worker.sh"]],
  ])("of %s has the scripts exactly as they are in templates, which is what shellcheck reads", (key, scripts) => {
    for (const script of scripts) {
      expect(fileOn(plain, key, `/usr/local/lib/k3s-bootstrap/${script}`)?.content).toBe(
        readFileSync(join(__dirname, "../../templates/k3s", script), "utf8"),
      );
    }
  });
  test.each([
    ["k3s-1", [ENVIRONMENT, CONFIG, TOKEN, AGENT_TOKEN]],
    ["gpu-1", [ENVIRONMENT, CONFIG, TOKEN]],
  ])("of %s has its parameters, configuration and tokens in files that root alone reads", (key, files) => {
    const secret = userDataOf(plain, key).write_files.filter(
      ({ path }) => path.startsWith("/etc/") && !path.endsWith(".service"),
    );
    expect(secret.map(({ path, permissions, owner }) => [path, permissions, owner])).toEqual(
      files.map((path) => [path, "0600", "root:root"]),
    );
  });
  test("has every key of the lab, trimmed", () => {
    const [user] = userDataOf(of({ sshPublicKeys: [` ${sshKey(1)}\n`, sshKey(2)] }), "gpu-1").users;
    expect(user?.["ssh_authorized_keys"]).toEqual([sshKey(1), sshKey(2)]);
  });
  test("tells the script which release, and the pinned hash of its binary", () => {
    const stack = cluster({ k3sSha256: "b".repeat(64) });
    expect(environment(stack, "k3s-1")).toEqual(
      expect.arrayContaining(["K3S_VERSION='v1.36.3+k3s1'", `K3S_SHA256='${"b".repeat(64)}'`]),
    );
  });
  test("of a node with a release of its own has not the hash of the cluster's", () => {
    const stack = cluster({ k3sSha256: "b".repeat(64), workers: { "gpu-1": { k3sVersion: "v1.35.9+k3s1" } } });
    expect(environment(stack, "gpu-1")).toContain("K3S_VERSION='v1.35.9+k3s1'");
    expect(environment(stack, "gpu-1")?.join()).not.toContain("K3S_SHA256");
  });
  test("of a worker names the server that must answer, and how long it may take", () => {
    expect(environment(plain, "gpu-1")).toEqual(
      expect.arrayContaining(["JOIN_SERVER_URL='https://192.0.2.31:6443'", "WAIT_FOR_SERVER_SECONDS='14400'"]),
    );
  });
  test("of a GPU worker asks for its cards and the branch of the driver", () => {
    expect(environment(plain, "gpu-1")).toEqual(expect.arrayContaining(["GPU='true'", "GPU_COUNT='1'", "NVIDIA_BRANCH='580'"]));
  });
  test("of a worker without a card asks for no driver", () => {
    expect(environment(worker({ gpus: [] }), "gpu-1")).toContain("GPU='false'");
  });
  test("with the distribution's driver says so", () => {
    expect(environment(cluster({ nvidiaDriver: "distribution" }), "gpu-1")).toContain("NVIDIA_BRANCH='distribution'");
  });
});

describe("config.yaml", () => {
  test("of the only server has its certificate's addresses, encrypted secrets and a private kubeconfig", () => {
    expect(config(plain, "k3s-1")).toEqual({
      "node-name": "test-k3s-1",
      "node-ip": "192.0.2.31",
      "token-file": TOKEN,
      "agent-token-file": AGENT_TOKEN,
      "tls-san": ["192.0.2.31"],
      "secrets-encryption": true,
      "write-kubeconfig-mode": "0600",
    });
  });
  test("of a GPU worker has NVIDIA's labels and the taint that NFD tolerates", () => {
    expect(config(plain, "gpu-1")).toEqual({
      "node-name": "test-gpu-1",
      "node-ip": "192.0.2.41",
      "token-file": TOKEN,
      "node-label": ["accelerator=nvidia", "nvidia.com/gpu.present=true"],
      "node-taint": ["nvidia.com/gpu=present:NoSchedule"],
      server: "https://192.0.2.31:6443",
    });
  });
  test("of a worker without a card has neither", () => {
    expect(Object.keys(config(worker({ gpus: [] }), "gpu-1"))).toEqual(["node-name", "node-ip", "token-file", "server"]);
  });
  test("has no taint where it is switched off", () => {
    expect(config(cluster({ gpuTaint: false }), "gpu-1")).not.toHaveProperty("node-taint");
  });
  test("has the lab's own labels and taints too", () => {
    const stack = worker({ labels: { disk: "nvme" }, taints: ["team=ml:NoSchedule"] });
    expect(config(stack, "gpu-1")).toMatchObject({
      "node-label": ["accelerator=nvidia", "disk=nvme", "nvidia.com/gpu.present=true"],
      "node-taint": ["nvidia.com/gpu=present:NoSchedule", "team=ml:NoSchedule"],
    });
  });
  test("leaves out what is disabled, in one order", () => {
    expect(config(cluster({ disable: ["traefik", "servicelb"] }), "k3s-1")["disable"]).toEqual(["servicelb", "traefik"]);
  });
});

describe("mirrors", () => {
  const REGISTRIES = "/etc/rancher/k3s/registries.yaml";
  const registries = (stack: StackJson, key: string) => parse(fileOn(stack, key, REGISTRIES)?.content ?? "");

  test.each(["k3s-1", "gpu-1"])("of images are in registries.yaml of %s, for every registry", (key) => {
    const { mirrors } = registries(of({ mirrors: { images: "https://registry.lab.example" } }), key) as {
      mirrors: Record<string, { endpoint: string[] }>;
    };
    expect(Object.keys(mirrors)).toEqual(expect.arrayContaining(["docker.io", "nvcr.io", "quay.io", "registry.k8s.io"]));
    expect(new Set(Object.values(mirrors).flatMap(({ endpoint }) => endpoint))).toEqual(
      new Set(["https://registry.lab.example"]),
    );
  });
  test("of one registry are in registries.yaml for that one", () => {
    const images = { "docker.io": { endpoint: "https://hub.lab.example" } };
    expect(registries(of({ mirrors: { images } }), "k3s-1")).toMatchObject({
      mirrors: { "docker.io": { endpoint: ["https://hub.lab.example"] } },
    });
  });
  test("no registries.yaml is there where the lab has none", () => {
    expect(fileOn(plain, "k3s-1", REGISTRIES)).toBeUndefined();
  });
  test.each(["k3s-1", "gpu-1"])("of K3s' images are told to the script on %s, with their checksum", (key) => {
    const k3sImages = { url: "https://mirror.lab.example/k3s-images.tar.zst", sha256: "b".repeat(64) };
    expect(environment(of({ mirrors: { k3sImages } }), key)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^K3S_IMAGES_URL='?https:\/\/mirror\.lab\.example\/k3s-images\.tar\.zst'?$/),
        expect.stringMatching(/^K3S_IMAGES_SHA256='?b{64}'?$/),
      ]),
    );
  });
});

describe("the tokens", () => {
  test("are two sensitive variables of the stack, each of 64 hexadecimal digits", () => {
    for (const name of ["k3s_server_token", "k3s_agent_token"]) {
      expect(plain.variable?.[name]).toMatchObject({
        type: "string",
        sensitive: true,
        nullable: false,
      });
    }
  });
  test("are checked by preconditions, because Terraform 1.11 prints what a validation refuses", () => {
    const names = ["k3s_server_token", "k3s_agent_token"];
    expect(names.map((name) => plain.variable?.[name])).not.toContainEqual(
      expect.objectContaining({ validation: expect.anything() }),
    );
    expect(plain.output?.["join_token_variables"]).toMatchObject({
      precondition: names.map((name) => ({ condition: `\${can(regex("^[0-9a-f]{64}$", var.${name}))}` })),
    });
  });
  test("reach a server as both of them", () => {
    expect([fileOn(plain, "k3s-1", TOKEN)?.content, fileOn(plain, "k3s-1", AGENT_TOKEN)?.content]).toEqual([
      "${var.k3s_server_token}",
      "${var.k3s_agent_token}",
    ]);
  });
  test("reach a worker as the agents' alone, never as the servers'", () => {
    expect(fileOn(plain, "gpu-1", TOKEN)?.content).toBe("${var.k3s_agent_token}");
    expect(snippetOf(plain, "gpu-1_user-data")).not.toContain("k3s_server_token");
  });
  test("stand in no file but the tokens' own, and on no command line", () => {
    for (const key of ["k3s-1", "gpu-1"]) {
      const holders = userDataOf(plain, key).write_files.filter(({ content }) => content.includes("${var."));
      expect(holders.map(({ permissions }) => permissions)).toEqual(holders.map(() => "0600"));
      expect(holders.map(({ path }) => path).filter((path) => ![TOKEN, AGENT_TOKEN].includes(path))).toEqual([]);
    }
    expect(JSON.stringify(plain.resource[NULL])).not.toContain("token}");
  });
  test("are in one output, which is sensitive", () => {
    const outputs = Object.entries(plain.output ?? {}).filter(([, { value }]) => JSON.stringify(value).includes("var."));
    expect(outputs.map(([name, { sensitive }]) => [name, sensitive])).toEqual([["join_token", true]]);
  });
});

describe("the strategy ssh", () => {
  const stack = several({ joinToken: "ssh" });
  const text = JSON.stringify(stack);
  test("has no variable, no output and no file with a token", () => {
    expect([stack.variable?.["k3s_server_token"], stack.output?.["join_token"]]).toEqual([undefined, undefined]);
    expect(text).not.toMatch(/k3s_(server|agent)_token/);
    for (const key of ["k3s-1", "k3s-2", "gpu-1"])
      expect([fileOn(stack, key, TOKEN), fileOn(stack, key, AGENT_TOKEN)]).toEqual([undefined, undefined]);
  });
  test("lets the first server make the tokens, and no other", () => {
    const makes = ["k3s-1", "k3s-2", "k3s-3"].map((key) => environment(stack, key)?.includes("GENERATE_TOKENS='true'"));
    expect(makes).toEqual([false, true, false]);
  });
  test("lets every other node wait for them, with a limit", () => {
    const waits = ["k3s-1", "k3s-2", "gpu-1"].map((key) =>
      environment(stack, key)?.find((line) => line.startsWith("TOKEN_WAIT")),
    );
    expect(waits).toEqual(["TOKEN_WAIT_SECONDS='14400'", "TOKEN_WAIT_SECONDS='0'", "TOKEN_WAIT_SECONDS='14400'"]);
  });
  test("hands them over from the first server to the servers and the workers, before the wait", () => {
    expect(command(stack, "token_hand_over")).toEqual({
      command: expect.stringMatching(/^bash assets\/k3s\/[0-9A-F]+\/hand-over-token\.sh$/),
      environment: {
        SSH_USER: "ubuntu",
        TIMEOUT_SECONDS: "3600",
        FIRST_SERVER: "test-k3s-2=192.0.2.32",
        SERVERS: "test-k3s-1=192.0.2.31 test-k3s-3=192.0.2.33",
        WORKERS: "test-gpu-1=192.0.2.41",
      },
    });
    expect(resource(stack, NULL, "nodes_ready")?.["depends_on"]).toContain("null_resource.token_hand_over");
  });
  test("hands them over without a wait too, since no node could join otherwise", () => {
    const without = several({ joinToken: "ssh", waitForNodes: false });
    expect(Object.keys(without.resource[NULL] ?? {})).toEqual(expect.arrayContaining(["token_hand_over"]));
    expect(resource(without, NULL, "nodes_ready")).toBeUndefined();
  });
  test("hands over nothing where there is one node", () => {
    const alone = cluster({ joinToken: "ssh", workers: { "gpu-1": undefined } });
    expect(resource(alone, NULL, "token_hand_over")).toBeUndefined();
  });
});

describe("the end of the deploy", () => {
  test("waits for every node by SSH, with a limit, and writes the kubeconfig", () => {
    expect(command(cluster({ user: "admin", waitMinutes: 30 }), "nodes_ready")).toEqual({
      command: expect.stringMatching(/^bash assets\/k3s\/[0-9A-F]+\/wait-for-nodes\.sh$/),
      environment: {
        SSH_USER: "admin",
        TIMEOUT_SECONDS: "1800",
        NODES: "test-k3s-1=192.0.2.31 test-gpu-1=192.0.2.41",
        SERVER_ADDRESS: "192.0.2.31",
        KUBERNETES_API_ADDRESS: "192.0.2.31",
        KUBECONFIG_PATH: "${var.kubeconfig}",
      },
    });
  });
  test("comes when port 22 is open, and ssh has forgotten the keys of machines that are gone", () => {
    expect(resource(plain, NULL, "nodes_ready")?.["depends_on"]).toEqual(
      expect.arrayContaining([`${RULES}.k3s-1`, `${RULES}.gpu-1`, `${NULL}.gpu-1_host_key`]),
    );
  });
  test("comes again exactly when a VM does", () => {
    expect(resource(plain, NULL, "nodes_ready")?.["triggers"]).toEqual({
      machines: `\${${VM}.k3s-1.id},\${${VM}.gpu-1.id}`,
    });
  });
  test("writes the kubeconfig to the absolute path that the lab names", () => {
    const stack = of({ kubernetes: { kubeconfig: "/srv/secrets/home.kubeconfig" } });
    expect(stack.variable?.["kubeconfig"]?.["default"]).toBe("/srv/secrets/home.kubeconfig");
  });
  test("writes the kubeconfig to a path relative to the stack's folder, that a pipeline can set", () => {
    expect(plain.variable?.["kubeconfig"]).toMatchObject({
      type: "string",
      default: expect.stringMatching(/^(\.\.\/)+.*lab\/kubeconfig-test$/),
    });
  });
  test("is the user's own with waitForNodes: false, and the output has the command", () => {
    const stack = cluster({ waitForNodes: false });
    expect(Object.keys(stack.resource[NULL] ?? {})).toEqual(["gpu-1_bootstrap", "k3s-1_bootstrap"]);
    expect(stack.output?.["kubeconfig_command"]?.value).toBe(
      "(umask 077 && ssh ubuntu@192.0.2.31 sudo cat /etc/rancher/k3s/k3s.yaml | sed 's#https://127.0.0.1:6443#https://192.0.2.31:6443#' > kubeconfig-test)",
    );
  });
});

describe("outputs", () => {
  test("are the API's URL and the nodes' addresses, from the lab and not from the agent", () => {
    expect([plain.output?.["server_url"]?.value, plain.output?.["node_addresses"]?.value]).toEqual([
      "https://192.0.2.31:6443",
      { "k3s-1": "192.0.2.31", "gpu-1": "192.0.2.41" },
    ]);
  });
  test("say how to rebuild a server, and that the first must not be the first then", () => {
    expect(several().output?.["replace_server_commands"]?.value).toEqual({
      "k3s-1": `terraform apply -replace=${VM}.k3s-1`,
      "k3s-2": `# Set cluster.firstServer: k3s-1 in the lab, synthesize and apply. Then: terraform apply -replace=${VM}.k3s-2`,
      "k3s-3": `terraform apply -replace=${VM}.k3s-3`,
    });
  });
  test("say of an only server that its data is lost", () => {
    expect(plain.output?.["replace_server_commands"]?.value).toEqual({ "k3s-1": expect.stringContaining("data is lost") });
  });
  test("of several servers say how to grow from one", () => {
    expect(several().output?.["growing_from_one_server"]?.value).toMatch(
      /^ssh ubuntu@192\.0\.2\.32 .*cluster-init: true.*restart k3s"$/,
    );
    expect(plain.output).not.toHaveProperty("growing_from_one_server");
  });
});

describe("the firewall", () => {
  const rules = (stack: StackJson, name: string) => {
    const { rule } = resource(stack, RULES, name) as { rule: Record<string, string>[] };
    return rule.map(({ type, action, proto, dport, source }) => [type, action, proto, dport, source]);
  };
  const stack = of({ network: { clients: ["198.51.100.0/24"], management: ["192.0.2.64/26"] } });
  /** What is open to a source: "protocol port" each, or the protocol alone. */
  const openTo = (stack: StackJson, name: string, source: string) =>
    rules(stack, name)
      .filter((rule) => String(rule[4]).split(",").includes(source))
      .flatMap(([, , protocol, port]) => (port ?? "").split(",").map((one) => [protocol, one].filter(Boolean).join(" ")));
  test("of a server opens to a worker the API, the kubelet and the pods' network", () => {
    expect(openTo(stack, "k3s-1", "192.0.2.41/32").sort()).toEqual(["tcp 10250", "tcp 6443", "udp 8472"]);
  });
  test("of a worker opens to a server the kubelet and the pods' network", () => {
    expect(openTo(stack, "gpu-1", "192.0.2.31/32").sort()).toEqual(["tcp 10250", "udp 8472"]);
  });
  test("of a server opens 22, 6443 and ping to management, 80 and 443 to clients", () => {
    expect(openTo(stack, "k3s-1", "192.0.2.64/26").sort()).toEqual(["icmp", "tcp 22", "tcp 6443"]);
    expect(openTo(stack, "k3s-1", "198.51.100.0/24").sort()).toEqual(["tcp 443", "tcp 80"]);
  });
  test("of a worker does not open the API to management", () => {
    expect(openTo(stack, "gpu-1", "192.0.2.64/26").sort()).toEqual(["icmp", "tcp 22"]);
  });
  test("opens nothing else", () => {
    const sources = rules(stack, "k3s-1").flatMap((rule) => String(rule[4]).split(","));
    expect(new Set(sources)).toEqual(new Set(["192.0.2.41/32", "192.0.2.64/26", "198.51.100.0/24"]));
    expect(new Set(rules(stack, "k3s-1").map(([type, action]) => `${type} ${action}`))).toEqual(new Set(["in ACCEPT"]));
  });
  const three = {
    cluster: {
      firstServer: "k3s-1",
      servers: { "k3s-2": { vmId: 302, address: "192.0.2.32" }, "k3s-3": { vmId: 303, address: "192.0.2.33" } },
    },
  };
  test("of a server opens etcd to the other servers, and not to a worker", () => {
    expect(openTo(of(three), "k3s-1", "192.0.2.32/32")).toContain("tcp 2379:2380");
    expect(openTo(of(three), "k3s-1", "192.0.2.41/32")).not.toContain("tcp 2379:2380");
  });
  test("lets servers pass a virtual IP to each other where there is one", () => {
    const virtual = of({ cluster: { ...three.cluster, registrationAddress: "192.0.2.30" } });
    expect(
      [openTo(virtual, "k3s-1", "192.0.2.32/32"), openTo(of(three), "k3s-1", "192.0.2.32/32")].map((open) =>
        open.includes("vrrp"),
      ),
    ).toEqual([true, false]);
    expect(openTo(virtual, "gpu-1", "192.0.2.31/32")).not.toContain("vrrp");
  });
  test("opens to the nodes what the lab adds", () => {
    const more = cluster({ openBetweenNodes: [{ port: 9100 }, { protocol: "udp", port: 7946 }] });
    expect(openTo(more, "gpu-1", "192.0.2.31/32").sort()).toEqual(["tcp 10250", "tcp 9100", "udp 7946", "udp 8472"]);
  });
  test("drops the rest, and is switched on before its rules", () => {
    expect(resource(plain, OPTIONS, "gpu-1")).toMatchObject({
      enabled: true,
      input_policy: "DROP",
      output_policy: "ACCEPT",
      dhcp: false,
      ndp: true,
      radv: false,
    });
    expect(resource(plain, RULES, "gpu-1")?.["depends_on"]).toEqual([`${OPTIONS}.gpu-1`]);
  });
  test("is made anew with its VM, since Proxmox drops it with it: by a part that only an unknown id may have", () => {
    expect(resource(plain, "terraform_data", "gpu-1_firewall")).toEqual({
      triggers_replace: '${split("/", proxmox_virtual_environment_vm.gpu-1.id)}',
    });
    for (const type of [RULES, OPTIONS]) {
      expect(resource(plain, type, "gpu-1")?.["lifecycle"]).toEqual({
        replace_triggered_by: ["terraform_data.gpu-1_firewall.triggers_replace[1]"],
      });
    }
  });
});

describe("a graphics card", () => {
  const passed = (stack: StackJson) => resource(stack, VM, "gpu-1")?.["hostpci"];
  test("gets into the VM by a mapping that is made from what the node says of it", () => {
    expect(plain.resource[MAPPING]).toEqual({
      pve1_rtx: expect.objectContaining({
        name: "test-pve1-rtx",
        mediated_devices: false,
        map: [{ node: "pve1", path: "0000:01:00", id: "10de:2684", subsystem_id: "1043:88e2", iommu_group: 12 }],
      }),
    });
    expect(passed(plain)).toEqual([{ device: "hostpci0", mapping: "test-pve1-rtx", pcie: true, rombar: true, xvga: false }]);
    expect(resource(plain, VM, "gpu-1")?.["depends_on"]).toContain(`${MAPPING}.pve1_rtx`);
  });
  test("has a mapping that goes only after its VM has let go of it", () => {
    expect(resource(plain, MAPPING, "pve1_rtx")?.["lifecycle"]).toMatchObject({ create_before_destroy: true });
  });
  test("is whole by default: the function of its path is dropped", () => {
    expect(gpu({ path: "0000:01:00.0" }).resource[MAPPING]?.["pve1_rtx"]).toMatchObject({ map: [{ path: "0000:01:00" }] });
  });
  test("is one function with allFunctions: false", () => {
    const stack = gpu({ path: "0000:01:00.0", allFunctions: false });
    expect(stack.resource[MAPPING]?.["pve1_rtx"]).toMatchObject({ map: [{ path: "0000:01:00.0" }] });
  });
  test("can be a mapping that is there already, and none is made", () => {
    const stack = of({
      proxmox: { nodes: { pve1: { gpus: { rtx: undefined, any: { mapping: "gpus" } } } } },
      cluster: { workers: { "gpu-1": { gpus: ["any"] } } },
    });
    expect(passed(stack)).toMatchObject([{ mapping: "gpus" }]);
    expect(stack.resource[MAPPING]).toBeUndefined();
  });
  test("can be raw for root@pam, and then no mapping is made", () => {
    const stack = of({
      proxmox: { auth: "rootPassword", nodes: { pve1: { gpus: { rtx: { raw: true, path: "0000:01:00.0" } } } } },
    });
    expect(passed(stack)).toEqual([{ device: "hostpci0", id: "0000:01:00", pcie: true, rombar: true, xvga: false }]);
    expect(stack.resource[MAPPING]).toBeUndefined();
  });
  test("is one of several of a VM, in the order of the lab", () => {
    const stack = of({
      proxmox: {
        nodes: { pve1: { gpus: { b: { path: "0000:41:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 27 } } } },
      },
      cluster: { workers: { "gpu-1": { gpus: ["rtx", "b"] } } },
    });
    expect(passed(stack)).toMatchObject([
      { device: "hostpci0", mapping: "test-pve1-rtx" },
      { device: "hostpci1", mapping: "test-pve1-b" },
    ]);
    expect(environment(stack, "gpu-1")).toContain("GPU_COUNT='2'");
  });
  test("that no VM uses is not mapped", () => {
    expect(worker({ gpus: [] }).resource[MAPPING]).toBeUndefined();
  });
});

describe("several servers", () => {
  const stack = several();
  test("one initializes, the named one, whatever the order of keys", () => {
    expect(["k3s-1", "k3s-2", "k3s-3"].map((key) => config(stack, key)["cluster-init"])).toEqual([undefined, true, undefined]);
  });
  test("the others join one after another", () => {
    const joins = ["k3s-2", "k3s-1", "k3s-3"].map((key) => config(stack, key)["server"]);
    expect(joins).toEqual([undefined, "https://192.0.2.32:6443", "https://192.0.2.31:6443"]);
    expect(environment(stack, "k3s-3")).toContain("JOIN_SERVER_URL='https://192.0.2.31:6443'");
  });
  test("agree on the agents' token, without which every worker could be a server", () => {
    expect(["k3s-1", "k3s-2", "k3s-3"].map((key) => config(stack, key)["agent-token-file"])).toEqual([
      AGENT_TOKEN,
      AGENT_TOKEN,
      AGENT_TOKEN,
    ]);
  });
  test("bear all their addresses in their certificates", () => {
    expect(config(stack, "k3s-1")["tls-san"]).toEqual(["192.0.2.32", "192.0.2.31", "192.0.2.33"]);
  });
});

describe("a registration address", () => {
  const stack = several({ registrationAddress: "192.0.2.30" });
  test("is in the certificates", () => expect(config(stack, "k3s-1")["tls-san"]).toContain("192.0.2.30"));
  test("is where workers join and clients go", () => {
    expect([config(stack, "gpu-1")["server"], stack.output?.["server_url"]?.value]).toEqual([
      "https://192.0.2.30:6443",
      "https://192.0.2.30:6443",
    ]);
    expect(command(stack, "nodes_ready")?.environment).toMatchObject({
      SERVER_ADDRESS: "192.0.2.32",
      KUBERNETES_API_ADDRESS: "192.0.2.30",
    });
  });
  test("is not where servers join, since it may run on them", () => {
    expect(["k3s-1", "k3s-3"].map((key) => config(stack, key)["server"])).toEqual([
      "https://192.0.2.32:6443",
      "https://192.0.2.31:6443",
    ]);
  });
  test("can be a name", () => {
    expect(several({ registrationAddress: "k3s.lab.example" }).output?.["server_url"]?.value).toBe(
      "https://k3s.lab.example:6443",
    );
  });
});

describe("a pool", () => {
  const pooled = (count: number) => ({
    ...three,
    cluster: {
      ...three.cluster,
      pools: {
        cpu: {
          count,
          nodes: ["pve1", "pve2", "pve3"],
          firstVmId: 320,
          addresses: { from: "192.0.2.50", to: "192.0.2.59" },
          cores: 4,
        },
      },
    },
  });
  test("has members with the next VMID and address each, on the nodes in turn", () => {
    const stack = of(pooled(4));
    const members = [1, 2, 3, 4].map((n) => resource(stack, VM, `cpu-${n}`));
    expect(members.map((vm) => [vm?.["vm_id"], vm?.["node_name"], vm?.["name"]])).toEqual([
      [320, "pve1", "test-cpu-1"],
      [321, "pve2", "test-cpu-2"],
      [322, "pve3", "test-cpu-3"],
      [323, "pve1", "test-cpu-4"],
    ]);
    expect(stack.output?.["node_addresses"]?.value).toMatchObject({ "cpu-1": "192.0.2.50", "cpu-4": "192.0.2.53" });
  });
  test("has members of one size", () => {
    expect(resource(of(pooled(2)), VM, "cpu-2")).toMatchObject({ cpu: { cores: 4 }, disk: [{ size: 100 }] });
  });
  test("keeps its members as they are when it grows", () => {
    const [before, after] = [of(pooled(2)), of(pooled(9))];
    for (const type of [VM, SNIPPET, NULL]) {
      for (const name of Object.keys(before.resource[type] ?? {}).filter((key) => key.startsWith("cpu-"))) {
        expect([name, resource(after, type, name)]).toEqual([name, resource(before, type, name)]);
      }
    }
  });
});

describe("several Proxmox nodes", () => {
  const stack = several();
  test("get an image each, on the datastore that each keeps its files on", () => {
    expect(Object.keys(stack.resource[DOWNLOAD] ?? {})).toEqual([
      "pve1_local_noble-server-cloudimg-amd64-20250805-qcow2",
      "pve2_local_noble-server-cloudimg-amd64-20250805-qcow2",
      "pve3_dir3_noble-server-cloudimg-amd64-20250805-qcow2",
    ]);
  });
  test("get the snippets of their own VMs", () => {
    expect(resource(stack, SNIPPET, "k3s-3_user-data")).toMatchObject({ node_name: "pve3", datastore_id: "dir3" });
    expect(resource(stack, VM, "k3s-3")?.["initialization"]).toMatchObject({
      user_data_file_id: "dir3:snippets/k3s-303-user-data.yaml",
    });
  });
  test("put disks where each keeps them", () => {
    expect(resource(stack, VM, "k3s-3")).toMatchObject({
      disk: [{ datastore_id: "local-zfs" }],
      efi_disk: { datastore_id: "local-zfs" },
    });
  });
  test("let a VM have a datastore of its own", () => {
    expect(resource(worker({ disks: "fast" }), VM, "gpu-1")).toMatchObject({ disk: [{ datastore_id: "fast" }] });
  });
  test("share one image on a shared datastore, and a snippet there is whichever node's", () => {
    const shared = of({
      ...three,
      storage: { files: "nas", shared: ["nas"] },
      proxmox: { nodes: { pve2: { address: "192.0.2.12" }, pve3: { address: "192.0.2.13" } } },
    });
    expect(Object.keys(shared.resource[DOWNLOAD] ?? {})).toEqual(["shared_nas_noble-server-cloudimg-amd64-20250805-qcow2"]);
    expect(resource(shared, SNIPPET, "k3s-3_user-data")?.["lifecycle"]).toEqual({ ignore_changes: ["node_name"] });
  });
  test("are reached by SSH at their addresses", () => {
    expect(stack.provider?.["proxmox"]?.[0]).toMatchObject({
      ssh: { node: [{ name: "pve1" }, { name: "pve2", address: "192.0.2.12" }, { name: "pve3" }] },
    });
  });
});

describe("onBootstrapChange", () => {
  const replacedBy = (stack: StackJson, key: string) =>
    (resource(stack, VM, key)?.["lifecycle"] as { replace_triggered_by?: string[] } | undefined)?.replace_triggered_by;
  test("keep replaces nothing", () =>
    expect([replacedBy(plain, "gpu-1"), replacedBy(plain, "k3s-1")]).toEqual([undefined, undefined]));
  test("replaceWorkers replaces a worker with what it was made with, and no server", () => {
    const stack = cluster({ onBootstrapChange: "replaceWorkers" });
    expect([replacedBy(stack, "gpu-1"), replacedBy(stack, "k3s-1")]).toEqual([[`${NULL}.gpu-1_bootstrap`], undefined]);
  });
  test("counts the text itself, which is the same on another Proxmox node", () => {
    const moved = several({ workers: { "gpu-1": { node: "pve2", gpus: [] } } });
    const stays = several({ workers: { "gpu-1": { gpus: [] } } });
    expect(resource(moved, NULL, "gpu-1_bootstrap")).toEqual(resource(stays, NULL, "gpu-1_bootstrap"));
  });
  test("does not count how long the deploy waits", () => {
    const patient = cluster({ waitMinutes: 90, joinToken: "ssh" });
    expect(resource(patient, NULL, "gpu-1_bootstrap")).toEqual(resource(cluster({ joinToken: "ssh" }), NULL, "gpu-1_bootstrap"));
  });
});

test.each(["k3s", "ready", "guard", "tokens", "proxmox", "null", "hand-over", "kubeconfig", "backend"])(
  "a worker may be called %s, like a part of the stack",
  (key) => {
    const stack = cluster({ joinToken: "ssh", workers: { [key]: { vmId: 312, address: "192.0.2.42" } } });
    expect(addresses(stack)).toContain(`${VM}.${key}`);
  },
);

describe("neighbours", () => {
  const after = cluster({ workers: { a: { vmId: 299, address: "192.0.2.29" } } });
  test("adding a worker changes no VM, snippet or mapping of those there are", () => {
    for (const type of [VM, SNIPPET, MAPPING, DOWNLOAD]) {
      for (const [name, value] of Object.entries(plain.resource[type] ?? {}))
        expect([name, resource(after, type, name)]).toEqual([name, value]);
    }
  });
  test("adding a worker adds addresses, and changes none", () => {
    const added = [
      `${VM}.a`,
      `${RULES}.a`,
      `${OPTIONS}.a`,
      `${SNIPPET}.a_user-data`,
      `${SNIPPET}.a_meta-data`,
      `${NULL}.a_bootstrap`,
      `${NULL}.a_host_key`,
      "terraform_data.a_firewall",
    ];
    expect(addresses(after)).toEqual([...addresses(plain), ...added].sort());
  });
});
