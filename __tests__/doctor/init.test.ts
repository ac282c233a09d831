import { parse } from "yaml";
import type { Given } from "../../doctor/init";
import { InitRefusal, initLab } from "../../doctor/init";
import { ApiFault, type Questions } from "../../doctor/proxmox/api";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example";
const SECRET = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const ENV = { PROXMOX_VE_API_TOKEN: `terraform@pve!lab=${SECRET}` };
const GIB = 1024 ** 3;

type Answers = Readonly<Record<string, unknown>>;

const card = {
  id: "0000:01:00.0",
  class: "0x030000",
  vendor: "0x10de",
  device: "0x2684",
  subsystem_vendor: "0x1043",
  subsystem_device: "0x88e2",
  device_name: "AD102 [GeForce RTX 4090]",
  iommugroup: 12,
};
const sound = { ...card, id: "0000:01:00.1", class: "0x040300", device: "0x22ba", device_name: "Sound" };
const disk = { ...card, id: "0000:03:00.0", class: "0x010802", vendor: "0x144d", device_name: "NVMe" };
const bridge = { iface: "vmbr0", active: 1, cidr: "192.0.2.11/24", gateway: "192.0.2.1" };
const local = {
  storage: "local",
  type: "dir",
  content: "vztmpl,iso,backup,import,snippets",
  active: 1,
  enabled: 1,
  avail: 90 * GIB,
};
const thin = { storage: "local-lvm", type: "lvmthin", content: "rootdir,images", active: 1, enabled: 1, avail: 800 * GIB };

/** One host with one card, as Proxmox answers for it. */
const HOST: Answers = {
  "/nodes": [{ node: "pve1", status: "online", maxcpu: 16, maxmem: 64 * GIB }],
  "/cluster/resources": [],
  "/cluster/mapping/pci": [],
  "/cluster/status": [{ type: "node", name: "pve1", ip: "192.0.2.11" }],
  "/nodes/pve1/network": [bridge],
  "/nodes/pve1/storage": [local, thin],
  "/nodes/pve1/hardware/pci": [card, sound],
  "/nodes/pve1/dns": { dns1: "192.0.2.53", search: "lab.example" },
};

const RUNNING = { vmid: 150, type: "qemu", node: "pve1", name: "desktop", status: "running" };

function proxmox(changes: Answers = {}): Questions {
  const answers = { ...HOST, ...changes };
  return {
    get: async (path, query = {}) => {
      if (path === "/cluster/nextid") {
        if (query["vmid"] === 201) throw new ApiFault("refused", "vmid: VM 201 already exists");
        return String(query["vmid"]);
      }
      if (!(path in answers)) throw new ApiFault("forbidden", "Permission check failed");
      return answers[path as keyof typeof answers];
    },
  };
}

interface Case {
  readonly given?: Given;
  readonly changes?: Answers;
  readonly offline?: boolean;
  readonly yes?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly keys?: ReadonlyMap<string, string>;
  readonly ask?: (text: string) => Promise<string>;
}

const CLUSTER: Given = {
  kind: "gpu-cluster",
  endpoint: "https://pve1.lab.example:8006/",
  name: "homelab",
  "ssh-user": "terraform",
  "server-address": "192.0.2.31",
  "worker-address": "192.0.2.41",
  "gpu-memory": "24",
  models: "qwen2.5:7b",
  clients: "192.0.2.0/24",
  management: "192.0.2.10/32",
};
const CONTAINER: Given = {
  kind: "container",
  endpoint: "https://pve1.lab.example:8006/",
  name: "homelab",
  address: "192.0.2.21",
  models: "qwen2.5:3b",
  clients: "192.0.2.0/24",
  management: "192.0.2.10/32",
};

async function textOf({
  given = CLUSTER,
  changes,
  offline = false,
  yes = false,
  env = ENV,
  keys,
  ask,
}: Case = {}): Promise<string> {
  const { text } = await initLab({
    answering: { given, takeSuggestions: yes, ask },
    offline,
    insecure: false,
    env,
    workplace: {
      addresses: ["192.0.2.10"],
      publicKeys: keys ?? new Map([["/home/operator/.ssh/id_ed25519.pub", KEY]]),
      readLine: () => undefined,
    },
    schema: "./lab.schema.json",
    connect: async () => proxmox(changes),
  });
  return text;
}

async function made(options: Case = {}): Promise<LabInput> {
  const input = parse(await textOf(options)) as LabInput;
  checkLab(input, "/lab");
  return input;
}

/** Why no lab is made. */
async function refusal(options: Case): Promise<string> {
  try {
    await textOf(options);
  } catch (error) {
    if (error instanceof InitRefusal) return error.message;
    throw error;
  }
  throw new Error("a lab was made");
}

describe("a lab of a host that answers", () => {
  test("has the card with its four facts", async () => {
    expect((await made()).proxmox?.nodes["pve1"]?.gpus).toEqual({
      gpu: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 },
    });
  });
  test("has the node's address, bridge, network and gateway", async () => {
    const { proxmox: connection, network } = await made();
    expect([connection?.nodes["pve1"]?.address, network]).toEqual([
      "192.0.2.11",
      expect.objectContaining({ bridge: "vmbr0", cidr: "192.0.2.0/24", gateway: "192.0.2.1" }),
    ]);
  });
  test("has the node's name servers", async () => expect((await made()).network?.dns).toEqual(["192.0.2.53"]));
  test("has the datastores that take what it puts there", async () => {
    expect((await made()).storage).toEqual({ disks: "local-lvm", files: "local" });
  });
  test("has the only public key of the user", async () => expect((await made()).sshPublicKeys).toEqual([KEY]));
  test("names the card in a comment", async () => expect(await textOf()).toContain("# AD102 [GeForce RTX 4090]"));
  test("never has the credential in it", async () => expect(await textOf()).not.toContain(SECRET));
  test("passes the check without a warning", async () => {
    expect(checkLab(parse(await textOf()) as LabInput, "/lab").warnings).toEqual([]);
  });
  test("gives its guests no more memory than the node has", async () => {
    const small = { "/nodes": [{ node: "pve1", status: "online", maxcpu: 4, maxmem: 16 * GIB }] };
    const worker = (await made({ changes: small })).cluster?.workers?.["gpu-1"];
    expect([worker?.memoryGiB, worker?.cores]).toEqual([10, 4]);
  });
  test("gives a large model a disk and a claim that hold it", async () => {
    const { cluster, ollama } = await made({ given: { ...CLUSTER, models: "gpt-oss:120b" } });
    expect([cluster?.workers?.["gpu-1"]?.diskGiB, ollama?.releases["ollama"]?.storageGi]).toEqual([110, 77]);
  });
  test("takes a VMID that nobody has, seen or not", async () => {
    const seen = { "/cluster/resources": [{ ...RUNNING, vmid: 202, status: "stopped" }] };
    expect((await made({ given: CONTAINER, changes: seen })).containers?.["ollama-1"]?.vmId).toBe(203);
  });
  test("logs in as root where a container gets a card", async () => {
    const given = { ...CONTAINER, kind: "gpu-container", "driver-version": "580.95.05" };
    const { proxmox: connection, containers } = await made({ given, env: { PROXMOX_VE_PASSWORD: "secret" } });
    expect([connection?.auth, containers?.["ollama-1"]?.gpu]).toEqual([
      "rootPassword",
      { type: "nvidia", driverVersion: "580.95.05" },
    ]);
  });
  test("logs in as root where the environment has only root's password", async () => {
    expect((await made({ given: CONTAINER, env: { PROXMOX_VE_PASSWORD: "secret" } })).proxmox?.auth).toBe("rootPassword");
  });
});

describe("what is suggested", () => {
  const { address: _, models: __, management: ___, clients: ____, ...open } = CONTAINER;
  const guest = (address: string): Answers => ({
    "/cluster/resources": [{ ...RUNNING, type: "lxc", vmid: 150 }],
    "/nodes/pve1/lxc/150/config": { net0: `name=eth0,bridge=vmbr0,ip=${address}/24` },
  });

  test("is an address that no guest has", async () => {
    const made_ = await made({ given: open, yes: true, changes: guest("192.0.2.21") });
    expect(made_.containers?.["ollama-1"]?.address).toBe("192.0.2.22");
  });
  test("is an address that no guest leases now", async () => {
    const leased = {
      "/cluster/resources": [{ ...RUNNING, vmid: 150 }],
      "/nodes/pve1/qemu/150/agent/network-get-interfaces": {
        result: [{ name: "eth0", "ip-addresses": [{ "ip-address": "192.0.2.21" }] }],
      },
    };
    expect((await made({ given: open, yes: true, changes: leased })).containers?.["ollama-1"]?.address).toBe("192.0.2.22");
  });
  test("is the machine that init runs on, for management", async () => {
    expect((await made({ given: open, yes: true })).network?.management).toEqual(["192.0.2.10/32"]);
  });
  test("is a model that fits into half of the memory, where the processor computes", async () => {
    expect((await made({ given: open, yes: true })).containers?.["ollama-1"]?.models).toEqual(["qwen2.5:7b", "nomic-embed-text"]);
  });
  test.each([
    ["8", "qwen2.5:7b"],
    ["24", "gpt-oss:20b"],
    ["48", "qwen2.5:32b"],
    ["96", "gpt-oss:120b"],
  ])("is a model that fits into a card of %s GiB", async (memory, model) => {
    const { models: _models, ...given } = { ...CLUSTER, "gpu-memory": memory };
    expect((await made({ given, yes: true })).ollama?.releases["ollama"]?.models).toEqual([model, "nomic-embed-text"]);
  });
  test("is the installer's datastore before a larger one", async () => {
    const changes = { "/nodes/pve1/storage": [local, thin, { ...thin, storage: "tank", avail: 9000 * GIB }] };
    expect((await made({ yes: true, changes })).storage?.disks).toBe("local-lvm");
  });
});

describe("what is refused", () => {
  const cases: readonly [string, Case, string][] = [
    [
      "an address that a guest has",
      { given: { ...CLUSTER, "server-address": "192.0.2.11" } },
      "--server-address: 192.0.2.11 is taken",
    ],
    [
      "an address outside of the network",
      { given: { ...CLUSTER, "worker-address": "198.51.100.1" } },
      "no address for a host in 192.0.2.0/24",
    ],
    ["a node that is not there", { given: { ...CLUSTER, node: "pve9" } }, '--node: "pve9" is none of pve1'],
    [
      "a kind that there is not",
      { given: { ...CLUSTER, kind: "vm" } },
      '--kind: "vm" is none of container, gpu-container, gpu-cluster',
    ],
    [
      "a private key",
      { given: { ...CLUSTER, "ssh-key": "-----BEGIN OPENSSH PRIVATE KEY-----" } },
      "--ssh-key: this is a private key",
    ],
    ["an endpoint without TLS", { given: { ...CLUSTER, endpoint: "http://pve1:8006/" } }, "--endpoint:"],
    [
      "a host without a datastore for snippets, with the command that mends it",
      { changes: { "/nodes/pve1/storage": [{ ...local, content: "vztmpl,iso,backup" }, thin] } },
      "pvesm set local --content vztmpl,iso,backup,import,snippets",
    ],
    ["a host without an NVIDIA card", { changes: { "/nodes/pve1/hardware/pci": [] } }, "pve1 has no NVIDIA card"],
    [
      "a card that shares its IOMMU group with a disk",
      { changes: { "/nodes/pve1/hardware/pci": [card, sound, disk] } },
      "it shares IOMMU group 12 with 0000:03:00.0 (NVMe)",
    ],
    [
      "a card without an IOMMU group",
      { changes: { "/nodes/pve1/hardware/pci": [{ ...card, iommugroup: -1 }] } },
      "it has no IOMMU group: switch on VT-d or AMD-Vi",
    ],
    [
      "a card that another VM runs with",
      { changes: { "/cluster/resources": [RUNNING], "/nodes/pve1/qemu/150/config": { hostpci0: "0000:01:00" } } },
      "desktop runs with it",
    ],
    [
      "a node with too little memory",
      { changes: { "/nodes": [{ node: "pve1", status: "online", maxcpu: 4, maxmem: 7 * GIB }] } },
      "pve1 has 7 GiB of memory, too little",
    ],
    ["a Proxmox that names no node", { changes: { "/nodes": [] } }, "names no node that is online"],
  ];

  test.each(cases)("%s", async (_, options, message) => expect(await refusal(options)).toContain(message));
});

describe("without a terminal", () => {
  const { "worker-address": _, management: __, ...open } = CLUSTER;

  test("an open question is named by its flag, with what is suggested", async () => {
    expect(await refusal({ given: open })).toMatch(
      /--worker-address <address> .*\[192\.0\.2\.41\]\n.*--management <networks> .*\[192\.0\.2\.10\/32\]/s,
    );
  });
  test("all questions that are open are named at once", async () => {
    const { endpoint, kind } = CLUSTER;
    const flags = [
      ...(await refusal({ given: { endpoint: endpoint ?? "", kind: kind ?? "" }, keys: new Map() })).matchAll(/--([a-z-]+) </g),
    ];
    expect(flags.map(([, flag]) => flag)).toEqual([
      ...["name", "ssh-user", "server-address", "worker-address", "gpu-memory", "models", "ssh-key", "clients", "management"],
    ]);
  });
  test("--yes takes the suggestions", async () => {
    expect((await made({ given: open, yes: true })).network?.management).toEqual(["192.0.2.10/32"]);
  });
  test("--yes does not answer what has no suggestion", async () => {
    const { "gpu-memory": _memory, models: _models, ...given } = open;
    expect(await refusal({ given, yes: true })).toContain("--gpu-memory <GiB>");
  });
});

describe("on a terminal", () => {
  /** A person who types these lines, and what they read. */
  function person(...lines: string[]) {
    const seen: string[] = [];
    const ask = async (text: string) => {
      seen.push(text);
      return lines.shift() ?? "";
    };
    return { ask, seen };
  }
  const { "server-address": _, ...open } = CLUSTER;

  test("only what is open is asked", async () => {
    const { ask, seen } = person("");
    await made({ given: open, ask });
    expect(seen).toEqual(["Address of the K3s server\n[192.0.2.31] > "]);
  });
  test("Enter takes the suggestion", async () => {
    expect((await made({ given: open, ask: person("").ask })).cluster?.servers["k3s-1"]?.address).toBe("192.0.2.31");
  });
  test("a refused answer is asked again, with the reason", async () => {
    const { ask, seen } = person("192.0.2.300", "192.0.2.33");
    await made({ given: open, ask });
    expect(seen[1]).toContain('"192.0.2.300" is not an IPv4 address');
  });
  test("one of several is chosen by its number", async () => {
    const changes = { "/nodes/pve1/network": [bridge, { iface: "vmbr1", active: 1 }] };
    const { ask, seen } = person("2", "192.0.2.0/24", "192.0.2.1");
    const { network } = await made({ changes, ask });
    expect([network?.bridge, seen[0]]).toEqual(["vmbr1", expect.stringContaining("  2. vmbr1  without an address\n")]);
  });
});

describe("without a Proxmox", () => {
  const OFFLINE: Given = {
    ...CLUSTER,
    node: "pve1",
    "node-address": "192.0.2.11",
    bridge: "vmbr0",
    cidr: "192.0.2.0/24",
    gateway: "192.0.2.1",
    dns: "192.0.2.53",
    disks: "local-lvm",
    files: "local",
    "server-vmid": "301",
    "worker-vmid": "311",
    card: "0000:01:00",
    "card-id": "10de:2684",
    "card-subsystem": "1043:88e2",
    "card-iommu-group": "12",
  };

  test("a lab from answers alone is the one from the same facts", async () => {
    expect(await made({ given: OFFLINE, offline: true, env: {} })).toEqual(await made());
  });
  test("every fact is a question with a flag", async () => {
    const { name: _, ...rest } = OFFLINE;
    const without = await Promise.all(
      Object.keys(rest)
        .filter((flag) => flag !== "gpu-memory")
        .map(async (flag) => {
          const { [flag as keyof Given]: _answer, ...given } = OFFLINE;
          return [flag, (await refusal({ given, offline: true, env: {} })).includes(`--${flag} <`)] as const;
        }),
    );
    expect(without.filter(([, named]) => !named)).toEqual([]);
  });
});

test("a host whose cards the credential may not read asks for the four facts, and says why", async () => {
  const { "/nodes/pve1/hardware/pci": _, ...rest } = HOST;
  const message = await refusal({ changes: { ...rest, "/nodes/pve1/hardware/pci": "?" } });
  expect([...message.matchAll(/--(card[a-z-]*) /g)].map(([, flag]) => flag)).toEqual([
    "card",
    "card-iommu-group",
    "card-id",
    "card-subsystem",
  ]);
});
