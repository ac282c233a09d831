import { parse } from "yaml";
import type { LabInput } from "../../lab/schema";
import type { Inventory } from "../../stacks/inventory";
import { addresses, type Changes, labWith, type StackJson, sshKey, stackOf } from "../../testing/lab";

const CONTAINER = "proxmox_virtual_environment_container";
const RULES = "proxmox_virtual_environment_firewall_rules";
const OPTIONS = "proxmox_virtual_environment_firewall_options";
const DOWNLOAD = "proxmox_download_file";
const MARK = "tf.${terraform_data.guests_checked.input}.pve1.ollama-1";

const of = (changes: Changes = {}, base?: LabInput) => stackOf(labWith(changes, base), "containers");
const container = (changes: Changes = {}) => of({ containers: { "ollama-1": changes } });
const resource = (stack: StackJson, type: string, name = "ollama-1") => stack.resource[type]?.[name];
const download = { url: "https://mirror.lab.example/ubuntu.tar.zst", sha256: "a".repeat(64) };
const root = { proxmox: { auth: "rootPassword" } };
/** What Ansible is told of the container. */
const inventoryHost = (stack: StackJson): Record<string, unknown> => {
  const { hosts, vars } = (parse(String(stack.output?.["inventory"]?.value)) as Inventory).ollama_containers;
  return { ...vars, ...hosts["test-ollama-1"] };
};

describe("a container", () => {
  const plain = resource(container(), CONTAINER);

  test.each([
    ["is unprivileged", { unprivileged: true }],
    ["has its NIC in the firewall", { network_interface: [{ name: "eth0", bridge: "vmbr0", firewall: true }] }],
    ["has 8 cores by default", { cpu: { cores: 8 } }],
    ["has 16 GiB and no swap by default", { memory: { dedicated: 16384, swap: 0 } }],
    ["has 50 GiB on the lab's datastore by default", { disk: { datastore_id: "local-lvm", size: 50 } }],
    ["has nesting, and nothing else a token may not set", { features: { nesting: true } }],
    ["starts with the node", { start_on_boot: true, started: true }],
    [
      "is told that it is an Ubuntu, so that Proxmox sets up its network and keys",
      { operating_system: { template_file_id: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst", type: "ubuntu" } },
    ],
    ["has tags in the order in which Proxmox stores them", { tags: ["ollama", "terraform", "test", MARK] }],
    ["has a literal VMID", { vm_id: 201 }],
    ["gets 300 s to be destroyed", { timeout_delete: 300 }],
  ])("%s", (_, expected) => expect(plain).toMatchObject(expected));

  test("takes the prefix of its address from the network, and its gateway", () => {
    expect(plain?.["initialization"]).toMatchObject({
      hostname: "test-ollama-1",
      ip_config: [{ ipv4: { address: "192.0.2.21/24", gateway: "192.0.2.1" } }],
    });
  });
  test("keeps a prefix of its own", () => {
    const own = container({ address: "192.0.2.21/25" });
    expect(resource(own, CONTAINER)?.["initialization"]).toMatchObject({ ip_config: [{ ipv4: { address: "192.0.2.21/25" } }] });
  });
  test("ignores later templates, keys, datastores and volumes, each of which would replace it, and devices, which are not taken away", () => {
    expect(plain?.["lifecycle"]).toMatchObject({
      ignore_changes: [
        "operating_system[0].template_file_id",
        "initialization[0].user_account",
        "disk[0].datastore_id",
        "mount_point",
        "device_passthrough",
        "pool_id",
      ],
    });
  });
  test("gets its keys trimmed, as Proxmox stores them", () => {
    const stack = of({ sshPublicKeys: [`  ${sshKey()}\n`] });
    expect(resource(stack, CONTAINER)?.["initialization"]).toMatchObject({ user_account: { keys: [sshKey()] } });
  });
  test("does not start with its node where the lab says so", () => {
    expect(resource(container({ startOnBoot: false }), CONTAINER)).toMatchObject({ start_on_boot: false });
  });
  test("has the swap that the lab gives it", () => {
    expect(resource(container({ swapMiB: 512 }), CONTAINER)).toMatchObject({ memory: { swap: 512 } });
  });
  test("has the tags of the defaults besides its own", () => {
    const stack = of({ defaults: { container: { tags: ["aa"] } }, containers: { "ollama-1": { tags: ["ab"] } } });
    expect(resource(stack, CONTAINER)?.["tags"]).toEqual(["aa", "ab", "ollama", "terraform", "test", MARK]);
  });
  test("adds its own tags to the lab's, sorted and each once", () => {
    expect(resource(container({ tags: ["zz", "aa", "ollama"] }), CONTAINER)?.["tags"]).toEqual([
      "aa",
      "ollama",
      "terraform",
      "test",
      MARK,
      "zz",
    ]);
  });
  test("with protect is protected in Proxmox and in Terraform", () => {
    expect(resource(container({ protect: true }), CONTAINER)).toMatchObject({
      protection: true,
      lifecycle: { prevent_destroy: true },
    });
  });
  test("without protect can be destroyed", () => {
    expect(plain).toMatchObject({ protection: false, lifecycle: expect.not.objectContaining({ prevent_destroy: true }) });
  });
  test("is made in its pool, and a later change of the pool does not replace it", () => {
    const { pool_id, lifecycle } = resource(container({ pool: "ai" }), CONTAINER) ?? {};
    expect([pool_id, (lifecycle as { ignore_changes: string[] }).ignore_changes]).toEqual([
      "ai",
      expect.arrayContaining(["pool_id"]),
    ]);
  });
  test("stays in the pool that a membership of its own had put it in: that is forgotten, and not destroyed", () => {
    const stack = container({ pool: "ai", formerKey: "chat" }) as StackJson & { removed?: unknown };
    expect(stack.removed).toEqual(
      ["ollama-1", "chat"].map((name) => ({ from: `proxmox_pool_membership.${name}`, lifecycle: { destroy: false } })),
    );
  });
  test("has its models on a volume of their own when it is to", () => {
    expect(resource(container({ modelVolume: { sizeGiB: 200 } }), CONTAINER)?.["mount_point"]).toEqual([
      { volume: "local-lvm", path: "/var/lib/ollama/models", size: "200G", backup: false },
    ]);
  });
  test("has the VLAN and the name servers of the lab", () => {
    const stack = of({ network: { vlan: 20, dns: ["192.0.2.1"], searchDomain: "lab.example" } });
    expect(resource(stack, CONTAINER)).toMatchObject({
      network_interface: [{ vlan_id: 20 }],
      initialization: { dns: { servers: ["192.0.2.1"], domain: "lab.example" } },
    });
  });
  test("has a description in which Terraform interpolates nothing", () => {
    expect(resource(container({ description: "costs ${money} %{ if }" }), CONTAINER)?.["description"]).toBe(
      "costs $${money} %%{ if }",
    );
  });
});

describe("a container with DHCP", () => {
  const leased = container({ address: "dhcp", mac: "BC:24:11:00:00:21" });
  test("has no gateway, which comes with the lease", () => {
    expect(resource(leased, CONTAINER)?.["initialization"]).toMatchObject({ ip_config: [{ ipv4: { address: "dhcp" } }] });
    expect(JSON.stringify(resource(leased, CONTAINER))).not.toContain("gateway");
  });
  test("waits for an IPv4 address, not for any", () =>
    expect(resource(leased, CONTAINER)).toMatchObject({ wait_for_ip: { ipv4: true } }));
  test("keeps the MAC address of its reservation", () => {
    expect(resource(leased, CONTAINER)).toMatchObject({ network_interface: [{ mac_address: "BC:24:11:00:00:21" }] });
  });
  test("may lease through its firewall", () => expect(resource(leased, OPTIONS)).toMatchObject({ dhcp: true }));
  test("gives its address by lookup, never by index", () => {
    expect(leased.output?.["addresses"]?.value).toEqual({
      "ollama-1": '${lookup(proxmox_virtual_environment_container.ollama-1.ipv4, "eth0", null)}',
    });
  });
});

describe("with root's password", () => {
  const withRoot = (changes: Changes) => of({ ...root, containers: { "ollama-1": changes } });
  test("keyctl is set", () => {
    expect(resource(withRoot({ features: { keyctl: true } }), CONTAINER)?.["features"]).toEqual({ nesting: true, keyctl: true });
  });
  test("an Intel card is its render node, for group video", () => {
    expect(resource(withRoot({ gpu: { type: "intel" } }), CONTAINER)?.["device_passthrough"]).toEqual([
      { path: "/dev/dri/renderD128", gid: 44, mode: "0660" },
    ]);
  });
  test("an AMD card is the compute device of the node and its render node", () => {
    const stack = withRoot({ gpu: { type: "amd", path: "/dev/dri/renderD129", sha256: "0".repeat(64) } });
    expect(resource(stack, CONTAINER)?.["device_passthrough"]).toEqual([
      { path: "/dev/kfd", gid: 44, mode: "0660" },
      { path: "/dev/dri/renderD129", gid: 44, mode: "0660" },
    ]);
  });
  test("an AMD card's archive reaches the inventory, with its checksum", () => {
    const gpu = { type: "amd", url: "https://mirror.lab.example/rocm.tar.zst", sha256: "1".repeat(64) } as const;
    const text = JSON.stringify(withRoot({ gpu }).output);
    for (const line of [
      "ollama_gpu: amd",
      `ollama_rocm_url: ${gpu.url}`,
      `ollama_rocm_sha256: \\"${gpu.sha256}`,
      "ollama_render_gid: 44",
    ])
      expect(text).toContain(line);
  });
  test("two NVIDIA cards are their devices, the control device and unified memory", () => {
    const stack = withRoot({ gpu: { type: "nvidia", indexes: [1, 0], driverVersion: "580.95.05" } });
    const paths = ["/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"];
    expect(resource(stack, CONTAINER)?.["device_passthrough"]).toEqual(paths.map((path) => ({ path, gid: 44, mode: "0666" })));
  });
  test("a listed device has the group and mode it is given", () => {
    expect(
      resource(withRoot({ devices: [{ path: "/dev/fuse", gid: 0, mode: "0600" }] }), CONTAINER)?.["device_passthrough"],
    ).toEqual([{ path: "/dev/fuse", gid: 0, mode: "0600" }]);
  });
  test("the provider gets the user's name and no secret", () => {
    expect(of(root).provider?.["proxmox"]).toEqual([
      { endpoint: "https://pve1.lab.example:8006/", insecure: false, username: "root@pam" },
    ]);
  });
});

test("under a token the provider gets no user's name, which the token has in it", () => {
  expect(of().provider?.["proxmox"]?.[0]).not.toHaveProperty("username");
});

test("SSH to the nodes is as the lab says, with their addresses", () => {
  expect(of({ proxmox: { ssh: { username: "terraform" } } }).provider?.["proxmox"]?.[0]).toMatchObject({
    ssh: { username: "terraform", agent: true, node: [{ name: "pve1", address: "192.0.2.11", port: 22 }] },
  });
});

describe("the firewall", () => {
  test("opens the API to clients, SSH and ping to management, in one rule for each set of sources", () => {
    const stack = of({ network: { clients: ["198.51.100.0/24", "192.0.2.0/24"], management: ["192.0.2.64/26"] } });
    const rules = resource(stack, RULES)?.["rule"] as { dport: string; source: string; action: string; type: string }[];
    expect(rules.map(({ type, action, dport, source }) => [type, action, dport, source])).toEqual([
      ["in", "ACCEPT", "22", "192.0.2.64/26"],
      ["in", "ACCEPT", undefined, "192.0.2.64/26"],
      ["in", "ACCEPT", "11434", "192.0.2.0/24,198.51.100.0/24"],
    ]);
  });
  test("opens no more than ping by a rule without a port", () => {
    const rules = resource(of(), RULES)?.["rule"] as { dport?: string; proto: string }[];
    expect(rules.filter(({ dport }) => dport === undefined).map(({ proto }) => proto)).toEqual(["icmp"]);
  });
  test("opens both to the same networks in one rule", () => {
    const rules = resource(of(), RULES)?.["rule"] as { dport?: string }[];
    expect(rules.filter(({ dport }) => dport !== undefined)).toMatchObject([
      { dport: "22,11434", source: "192.0.2.0/24", comment: "SSH, Ollama API" },
    ]);
  });
  test("of a container with a door opens the door's port, and not Ollama's", () => {
    const rules = resource(of({ containers: { "ollama-1": { https: { tokenFile: "t", port: 8443 } } } }), RULES)?.["rule"];
    expect(rules).toMatchObject([{ dport: "22,8443" }, { proto: "icmp" }]);
  });
  test("lets no guest pass for a router", () => expect(resource(of(), OPTIONS)).toMatchObject({ radv: false }));
  test("drops everything else that comes in", () => {
    expect(resource(of(), OPTIONS)).toMatchObject({ enabled: true, input_policy: "DROP", output_policy: "ACCEPT" });
  });
  test("lets IPv6 find its neighbours", () => expect(resource(of(), OPTIONS)).toMatchObject({ ndp: true }));
  test("is switched on before a rule opens anything", () =>
    expect([resource(of(), RULES)?.["depends_on"], resource(of(), OPTIONS)?.["depends_on"]]).toEqual([
      [`${OPTIONS}.ollama-1`],
      undefined,
    ]));
  test("without anybody to let in has no rule, and still drops", () => {
    const stack = of({ network: { clients: [], management: [] } });
    expect([resource(stack, RULES), resource(stack, OPTIONS)?.["input_policy"]]).toEqual([undefined, "DROP"]);
  });
});

describe("Ollama's archive", () => {
  const url = (changes: Changes) => inventoryHost(of(changes))["ollama_archive_url"];
  const mirrors = { ollama: "https://mirror.lab.example/ollama" };
  const own = { ollama: { url: "https://archive.lab.example/ollama" } };

  test("is not named to Ansible where the lab names none", () => expect(url({})).toBeUndefined());
  test("comes from the lab's mirror", () => expect(url({ mirrors })).toBe("https://mirror.lab.example/ollama"));
  test("comes from the URL of the container, before the lab's mirror", () => {
    expect(url({ mirrors, containers: { "ollama-1": own } })).toBe("https://archive.lab.example/ollama");
  });
});

describe("a container with a door", () => {
  const door = (https: object, address = "192.0.2.21") =>
    of({ containers: { "ollama-1": { address, https: { tokenFile: "./secrets/token", ...https } } } });
  const url = (stack: StackJson) => stack.output?.["api_urls"]?.value;

  test("is reached by HTTPS at its address", () => expect(url(door({}))).toEqual({ "ollama-1": "https://192.0.2.21" }));
  test("is reached by its name and port", () => {
    expect(url(door({ host: "ollama.lab.example", port: 8443 }))).toEqual({ "ollama-1": "https://ollama.lab.example:8443" });
  });
  test("is reached by its name while its address is not known", () => {
    expect(url(door({ host: "ollama.lab.example" }, "dhcp"))).toEqual({ "ollama-1": "https://ollama.lab.example" });
  });
  test("tells Ansible its port, its names and where the token lies, and not the token", () => {
    expect(inventoryHost(door({ host: "ollama.lab.example" }))).toMatchObject({
      ollama_https_port: 443,
      ollama_https_names: ["ollama.lab.example", "192.0.2.21"],
      ollama_https_token_file: "./secrets/token",
      ollama_https_certificate: "internal",
      lab_folder: "{{ inventory_dir }}",
    });
  });
  test("tells Ansible the ACME server", () => {
    const certificate = { type: "acme", email: "operator@lab.example", server: "https://ca.lab.example/acme" };
    expect(inventoryHost(door({ host: "ollama.lab.example", certificate }))).toMatchObject({
      ollama_https_certificate: "acme",
      ollama_https_email: "operator@lab.example",
      ollama_https_acme_server: "https://ca.lab.example/acme",
    });
  });
  test("tells Ansible the root of an ACME server of one's own, and of none otherwise", () => {
    const certificate = { type: "acme", email: "operator@lab.example", server: "https://ca.lab.example/acme" };
    const root = (more: object) =>
      inventoryHost(door({ host: "ollama.lab.example", certificate: { ...certificate, ...more } }))[
        "ollama_https_acme_root_file"
      ];
    expect([root({ root: "./root.crt" }), root({})]).toEqual(["./root.crt", undefined]);
  });
  test("tells Ansible the operator's certificate", () => {
    expect(inventoryHost(door({ certificate: { type: "files", certificate: "./c.pem", key: "./k.pem" } }))).toMatchObject({
      ollama_https_certificate: "files",
      ollama_https_certificate_file: "./c.pem",
      ollama_https_key_file: "./k.pem",
    });
  });
  test("takes Caddy from the lab's mirror", () => {
    const mirrors = { caddy: "https://mirror.lab.example/caddy" };
    expect(inventoryHost(of({ mirrors, containers: { "ollama-1": { https: { tokenFile: "t" } } } }))).toMatchObject({
      ollama_https_caddy_url: "https://mirror.lab.example/caddy",
    });
  });
  test("is no word to Ansible where there is none", () => {
    expect(Object.keys(inventoryHost(of())).filter((name) => /https|lab_folder/.test(name))).toEqual([]);
  });
  test("has its files beside the lab when Ansible runs within the deploy", () => {
    const stack = of({ configure: true, containers: { "ollama-1": { https: { tokenFile: "t" } } } });
    const provisioners = JSON.stringify(resource(stack, "null_resource", "configure")?.["provisioner"]);
    expect(provisioners).toMatch(/"LAB_FOLDER":"(\.\.\/)+.*lab"/);
  });
});

describe("a template that is downloaded", () => {
  const two = {
    proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
    defaults: { container: { template: download } },
    containers: {
      "ollama-2": { vmId: 202, address: "192.0.2.22" },
      "ollama-3": { vmId: 203, address: "192.0.2.23", node: "pve2" },
    },
  };
  test("has the file name that the lab gives it", () => {
    const named = container({ template: { ...download, fileName: "ubuntu-24.04.tar.zst" } });
    expect(resource(named, DOWNLOAD, "pve1_local_ubuntu-24-04-tar-zst")).toMatchObject({ file_name: "ubuntu-24.04.tar.zst" });
  });
  test("is downloaded once for each node", () => {
    expect(Object.keys(of(two).resource[DOWNLOAD] ?? {})).toEqual(["pve1_local_ubuntu-tar-zst", "pve2_local_ubuntu-tar-zst"]);
  });
  test("is downloaded once altogether to a shared datastore, by whichever node", () => {
    const shared = of({ ...two, storage: { files: "nas", shared: ["nas"] } });
    expect(shared.resource[DOWNLOAD]).toEqual({
      "shared_nas_ubuntu-tar-zst": expect.objectContaining({ datastore_id: "nas", lifecycle: { ignore_changes: ["node_name"] } }),
    });
  });
  test("goes to the datastore of its node where the node has one of its own", () => {
    const stack = of({ ...two, proxmox: { nodes: { pve2: { address: "192.0.2.12", storage: { files: "dir2" } } } } });
    expect(Object.keys(stack.resource[DOWNLOAD] ?? {})).toContain("pve2_dir2_ubuntu-tar-zst");
  });
  test("is never fetched again because it changed at its URL, and has its exact name and checksum", () => {
    expect(resource(of(two), DOWNLOAD, "pve1_local_ubuntu-tar-zst")).toMatchObject({
      content_type: "vztmpl",
      file_name: "ubuntu.tar.zst",
      overwrite: false,
      checksum: "a".repeat(64),
      checksum_algorithm: "sha256",
    });
  });
  test("reaches the container as a literal, with an order, so that a new download replaces no container", () => {
    const ollama = resource(of(two), CONTAINER);
    expect(ollama?.["operating_system"]).toMatchObject({ template_file_id: "local:vztmpl/ubuntu.tar.zst" });
    expect(ollama?.["depends_on"]).toEqual([`${DOWNLOAD}.pve1_local_ubuntu-tar-zst`]);
  });
});

describe("the ownership guard", () => {
  test("asks Proxmox once for VMs, once for containers and once for nodes", () => {
    expect(Object.entries(of().data ?? {}).map(([type, items]) => [type, Object.keys(items)])).toEqual([
      ["proxmox_virtual_environment_containers", ["all"]],
      ["proxmox_virtual_environment_nodes", ["all"]],
      ["proxmox_virtual_environment_vms", ["all"]],
    ]);
  });
  test("looks at every container in one place, which each container's mark comes from", () => {
    expect(of().locals?.["guests_wanted"]).toEqual({
      "ollama-1": { vm_id: "201", kind: "container", name: "test-ollama-1", node: "pve1", adopt: "", names: ["ollama-1"] },
    });
    expect(of().resource["terraform_data"]?.["guests_checked"]?.["lifecycle"]).toEqual({
      precondition: [{ condition: "${length(local.guests_refused) == 0}", error_message: expect.any(String) }],
    });
  });
  test("asks nothing when it is off", () => {
    const stack = of({ ownershipGuard: false });
    expect([stack.data, resource(stack, CONTAINER)?.["tags"]]).toEqual([undefined, ["ollama", "terraform", "test"]]);
  });
});

describe("state", () => {
  const backend = (changes: Changes) => of(changes).terraform["backend"];
  test("is a file beside the lab by default, named by a relative path", () => {
    expect(backend({})).toEqual({ local: { path: expect.stringMatching(/^(\.\.\/)+.*lab\/state\/test\/containers\.tfstate$/) } });
  });
  test("goes to another backend with its settings as they are, and lab and stack filled in", () => {
    const settings = {
      bucket: "states",
      key: "{lab}/{stack}.tfstate",
      use_lockfile: true,
      endpoints: { s3: "https://s3.lab.example" },
    };
    expect(backend({ state: { type: "s3", settings } })).toEqual({
      s3: { bucket: "states", key: "test/containers.tfstate", use_lockfile: true, endpoints: { s3: "https://s3.lab.example" } },
    });
  });
  test("has no setting that Terraform fills in", () => {
    const settings = { bucket: "${var.bucket}", key: "{stack}", endpoints: { s3: "%{if true}x%{endif}" } };
    expect(backend({ state: { type: "s3", settings } })).toEqual({
      s3: { bucket: "$${var.bucket}", key: "containers", endpoints: { s3: "%%{if true}x%%{endif}" } },
    });
  });
});

describe("neighbours", () => {
  const before = of();
  const after = of({ containers: { a: { vmId: 199, address: "192.0.2.19", tags: ["new"] } } });
  test("adding a container changes no attribute of those there are", () => {
    for (const [type, resources] of Object.entries(before.resource)) {
      for (const [name, value] of Object.entries(resources))
        expect([type, name, after.resource[type]?.[name]]).toEqual([type, name, value]);
    }
  });
  test("adding a container adds addresses, and changes none", () => {
    expect(addresses(after)).toEqual(
      [...addresses(before), `${CONTAINER}.a`, `${OPTIONS}.a`, `${RULES}.a`, "terraform_data.a_firewall"].sort(),
    );
  });
});

test.each(["guard", "proxmox", "configure", "addresses", "inventory"])(
  "a container may be named %s, like a part of the stack",
  (key) => {
    const stack = of({ containers: { [key]: { vmId: 299, address: "192.0.2.99" } } });
    expect(stack.resource[CONTAINER]?.[key]).toMatchObject({ vm_id: 299 });
  },
);

test("two templates whose names Terraform cannot tell apart are refused", () => {
  const template = (name: string) => ({ template: { ...download, url: `https://mirror.lab.example/${name}` } });
  const lab = {
    containers: {
      "ollama-1": template("a.b.tar.zst"),
      "ollama-2": { vmId: 202, address: "192.0.2.22", ...template("a-b.tar.zst") },
    },
  };
  expect(() => of(lab)).toThrow(/a\.b\.tar\.zst and a-b\.tar\.zst/);
});

test("an apply that ended between a container and its firewall goes on: options and rules that are there are imported", () => {
  const { import: imports } = container() as StackJson & { import: { to: string; for_each: string }[] };
  const ofFirewall = imports.filter(({ to }) => to === `${RULES}.ollama-1` || to === `${OPTIONS}.ollama-1`);
  expect(ofFirewall.map(({ for_each }) => for_each.includes('"container/${node}/201"'))).toEqual([true, true]);
});

test("devices that are others in Proxmox than in the lab stop the plan, with the command that changes them there", () => {
  const lifecycle = resource(container(), CONTAINER)?.["lifecycle"] as { postcondition: { error_message: string }[] } | undefined;
  const words = (lifecycle?.postcondition ?? [])
    .map(({ error_message }) => error_message)
    .filter((message) => message.includes("The devices of"));
  expect(words).toEqual([expect.stringMatching(/pct set 201 --delete .*pct reboot 201/)]);
});
