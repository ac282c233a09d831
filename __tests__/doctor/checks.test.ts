import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type DoctorCode, findingChapters, findingKind } from "../../doctor/codes";
import { type Finding, type Known, known, unknown } from "../../doctor/finding";
import { type ProxmoxPlan, proxmoxPlan } from "../../doctor/plan";
import { findingsIn } from "../../doctor/proxmox/checks";
import type { Device, Guest, NodeFacts, ProxmoxFacts, Storage } from "../../doctor/proxmox/facts";
import type { Lab } from "../../lab/lab";
import { checkLab, readLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { baseLab, clusterLab, labWith } from "../../testing/lab";
import { factsFor } from "../../testing/proxmox/facts";

const GIB = 1024 ** 3;
const ROOT = join(__dirname, "../..");

type Change = (facts: ProxmoxFacts) => Partial<ProxmoxFacts>;

function plannedOf(lab: Lab): ProxmoxPlan {
  const plan = proxmoxPlan(lab);
  if (!plan) throw new Error("the lab has no guests on Proxmox");
  return plan;
}

/** What is found about a lab on a Proxmox cluster that lacks nothing, except for a change. */
function found(input: LabInput, change: Change = () => ({})): Finding[] {
  const { lab } = checkLab(input, "/lab");
  const plan = plannedOf(lab);
  const facts = factsFor(lab, plan);
  return findingsIn({ lab, plan, facts: { ...facts, ...change(facts) } });
}

/** pve1 with a change. */
function onPve1(change: (node: NodeFacts) => Partial<NodeFacts>): Change {
  return ({ node }) => {
    const { pve1 } = node;
    if (!pve1) throw new Error("the lab does not use pve1");
    return { node: { ...node, pve1: { ...pve1, ...change(pve1) } } };
  };
}

function all<T>(fact: Known<readonly T[]>): readonly T[] {
  if (!fact.known) throw new Error(fact.why);
  return fact.value;
}

const storagesWith = (change: Partial<Storage>): Change =>
  onPve1(({ storages }) => ({ storages: known(all(storages).map((storage) => ({ ...storage, ...change }))) }));
const bridgesWith = (change: Partial<{ iface: string; active: boolean; bridge_vlan_aware: boolean }>): Change =>
  onPve1(({ bridges }) => ({ bridges: known(all(bridges).map((bridge) => ({ ...bridge, ...change }))) }));
const deviceWith = (change: Partial<Device>): Change =>
  onPve1(({ devices }) => ({ devices: known(all(devices).map((device) => ({ ...device, ...change }))) }));
const nodeWith =
  (change: { status?: string; maxcpu?: number; maxmem?: number }): Change =>
  ({ nodes }) => ({ nodes: known(all(nodes).map((node) => ({ ...node, ...change }))) });

/** A guest that is there, by default the container of the base lab; its VMID is no longer free. */
function withGuest(change: Partial<Guest> = {}, config: Readonly<Record<string, unknown>> = {}): Change {
  const guest: Guest = {
    vmid: 201,
    type: "lxc",
    node: "pve1",
    name: "test-ollama-1",
    status: "running",
    template: false,
    tags: "",
    ...change,
  };
  return ({ guests, taken }) => ({
    guests: known([...all(guests), guest]),
    taken: new Map([...taken].filter(([id]) => id !== guest.vmid)),
    configs: new Map([[guest.vmid, known(config)]]),
    live: new Map([[guest.vmid, known(["198.51.100.7"])]]),
  });
}

const vlanLab = labWith({ network: { vlan: 20 } });
const poolLab = labWith({ containers: { "ollama-1": { pool: "lab" } } });
const templateLab = labWith({ cluster: { image: undefined, template: { vmId: 9000 } } }, clusterLab);
const mappingLab = labWith(
  { proxmox: { nodes: { pve1: { gpus: { rtx: undefined, pool: { mapping: "cards" } } } } } },
  labWith({ cluster: { workers: { "gpu-1": { gpus: ["pool"] } } } }, clusterLab),
);

const MEND = "Mend the connection first, then run doctor again.";
const CARD = ["proxmox", "nodes", "pve1", "gpus", "rtx"];
const NODE = ["proxmox", "nodes", "pve1"];
const CONTAINER = ["containers", "ollama-1"];
const WORKER = ["cluster", "workers", "gpu-1"];

const STRANGER = { vmid: 150, type: "qemu", name: "mail" } as const;
const FILTERED = { net0: "name=eth0,bridge=vmbr0,firewall=1,ip=192.0.2.21/24" };

interface Case {
  readonly when: string;
  readonly lab?: LabInput;
  readonly change: Change;
  readonly expected: readonly Omit<Finding, "message">[];
}

const cases: readonly Case[] = [
  {
    when: "the credential lacks a privilege",
    change: ({ permissions }) => {
      const held = permissions.known ? permissions.value : {};
      const { "VM.Allocate": _, ...rest } = held["/vms"] ?? {};
      return { permissions: known({ ...held, "/vms": rest }) };
    },
    expected: [
      {
        code: "missing-privilege",
        severity: "error",
        path: ["proxmox", "auth"],
        remedy:
          "`ollama-lab rights` prints every command; for this path: " +
          'pveum role add LabGuest --privs "VM.Allocate VM.Audit VM.Config.CPU VM.Config.Disk VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt" ' +
          "&& pveum acl modify /vms --users USER --roles LabGuest",
      },
    ],
  },
  {
    when: "the credential may grant rights",
    change: ({ permissions }) => ({
      permissions: known({ ...(permissions.known && permissions.value), "/access": { "Permissions.Modify": true } }),
    }),
    expected: [
      {
        code: "superfluous-privilege",
        severity: "warning",
        path: ["proxmox", "auth"],
        remedy: "Give the token a user of its own, with what `ollama-lab rights` prints and nothing else.",
      },
    ],
  },
  {
    when: "the lab's files lie where backups are",
    lab: clusterLab,
    change: onPve1(({ storages }) => ({
      storages: known(all(storages).map((one) => ({ ...one, content: `${one.content},backup` }))),
    })),
    expected: [
      {
        code: "backups-in-reach",
        severity: "warning",
        path: ["storage", "files"],
        remedy: expect.stringContaining("pvesm set local --content rootdir,images,vztmpl,import,snippets."),
      },
    ],
  },
  {
    when: "the privileges cannot be read",
    change: () => ({ permissions: unknown("no answer") }),
    expected: [{ code: "rights-unknown", severity: "unknown", path: ["proxmox", "endpoint"], remedy: MEND }],
  },
  {
    when: "Proxmox VE 10 answers",
    change: () => ({ version: known({ version: "10.0.1" }) }),
    expected: [
      {
        code: "new-release",
        severity: "warning",
        path: ["proxmox", "endpoint"],
        remedy: "Read the plan with care, and look for a newer release of this project.",
      },
    ],
  },
  {
    when: "Proxmox VE 7 answers",
    change: () => ({ version: known({ version: "7.4-3" }) }),
    expected: [{ code: "old-release", severity: "error", path: ["proxmox", "endpoint"], remedy: "Upgrade the Proxmox cluster." }],
  },
  {
    when: "the nodes cannot be read",
    change: () => ({ nodes: unknown("no answer") }),
    expected: [{ code: "nodes-unknown", severity: "unknown", path: ["proxmox", "nodes"], remedy: MEND }],
  },
  {
    when: "the Proxmox cluster lacks a node of the lab",
    change: () => ({ nodes: known([{ node: "pve9", status: "online" }]) }),
    expected: [
      { code: "node-missing", severity: "error", path: NODE, remedy: "Write the node's name as `pvesh get /nodes` shows it." },
    ],
  },
  {
    when: "a node of the lab is offline",
    change: nodeWith({ status: "offline" }),
    expected: [
      {
        code: "node-offline",
        severity: "error",
        path: NODE,
        remedy: "Start the node, or apply the stacks of the other nodes only.",
      },
    ],
  },
  {
    when: "the guests of a node get more memory than it has",
    change: nodeWith({ maxmem: GIB }),
    expected: [
      { code: "node-memory", severity: "error", path: NODE, remedy: "Give them less memory, or move guests to another node." },
    ],
  },
  {
    when: "a container gets more cores than its node has",
    change: nodeWith({ maxcpu: 1 }),
    expected: [
      {
        code: "node-cores",
        severity: "warning",
        path: [...CONTAINER, "cores"],
        remedy: "Write 1 or less; Proxmox starts no VM with more cores than its node has.",
      },
    ],
  },
  {
    when: "a VM gets more cores than its node has",
    lab: labWith({ cluster: { workers: { "gpu-1": { cores: 32 } } } }, clusterLab),
    change: nodeWith({ maxcpu: 16 }),
    expected: [
      {
        code: "node-cores",
        severity: "error",
        path: [...WORKER, "cores"],
        remedy: "Write 16 or less; Proxmox starts no VM with more cores than its node has.",
      },
    ],
  },
  {
    when: "a node's clock is two minutes ahead",
    change: onPve1(() => ({ time: known(1_800_000_120) })),
    expected: [{ code: "clock-differs", severity: "warning", path: NODE, remedy: "Run on pve1: chronyc tracking" }],
  },
  {
    when: "the storages cannot be read",
    change: onPve1(() => ({ storages: unknown("no answer") })),
    expected: [
      {
        code: "storages-unknown",
        severity: "unknown",
        path: NODE,
        remedy: "Give the credential Datastore.Audit on the storages, or mend the connection.",
      },
    ],
  },
  {
    when: "a datastore is not there",
    change: onPve1(({ storages }) => ({ storages: known(all(storages).filter(({ storage }) => storage !== "local-lvm")) })),
    expected: [
      {
        code: "storage-missing",
        severity: "error",
        path: CONTAINER,
        remedy: "Name one of those, or give the credential Datastore.Audit on it: what it may not audit is left out.",
      },
    ],
  },
  {
    when: "the datastores are not active",
    change: storagesWith({ active: false }),
    expected: [
      { code: "storage-inactive", severity: "error", path: CONTAINER, remedy: "Look at `pvesm status` on pve1." },
      {
        code: "storage-inactive",
        severity: "error",
        path: [...CONTAINER, "template"],
        remedy: "Look at `pvesm status` on pve1.",
      },
    ],
  },
  {
    when: "a datastore does not take the disks of containers",
    change: storagesWith({ content: "images,vztmpl" }),
    expected: [
      {
        code: "storage-content",
        severity: "error",
        path: CONTAINER,
        remedy: "Run on a node: pvesm set local-lvm --content images,vztmpl,rootdir",
      },
    ],
  },
  {
    when: "the new disks are larger than the free space",
    change: storagesWith({ avail: GIB }),
    expected: [
      {
        code: "storage-space",
        severity: "warning",
        path: CONTAINER,
        remedy: "Free space, take smaller disks, or make sure that the datastore is thin and stays so.",
      },
    ],
  },
  {
    when: "the template is not on the datastore",
    change: ({ volumes }) => ({ volumes: new Map([...volumes].map(([key]) => [key, known([])])) }),
    expected: [
      {
        code: "volume-missing",
        severity: "error",
        path: [...CONTAINER, "template"],
        remedy: "Run on pve1: pveam update && pveam download local ubuntu-22.04-standard_22.04-1_amd64.tar.zst",
      },
    ],
  },
  {
    when: "the bridges cannot be read",
    change: onPve1(() => ({ bridges: unknown("no answer") })),
    expected: [
      {
        code: "bridges-unknown",
        severity: "unknown",
        path: CONTAINER,
        remedy: "Give the credential Sys.Audit on the node for this look, or compare by hand with `ip link show type bridge`.",
      },
    ],
  },
  {
    when: "the credential sees no bridge",
    change: onPve1(() => ({ bridges: known([]) })),
    expected: [
      {
        code: "bridges-unknown",
        severity: "unknown",
        path: CONTAINER,
        remedy: "Give it Sys.Audit on /nodes/pve1 for this look, or run there: ip link show vmbr0",
      },
    ],
  },
  {
    when: "the node has other bridges",
    change: bridgesWith({ iface: "vmbr7" }),
    expected: [
      {
        code: "bridge-missing",
        severity: "error",
        path: CONTAINER,
        remedy: "Name a bridge that the node has, or make it under Network of the node.",
      },
    ],
  },
  {
    when: "the bridge is down",
    change: bridgesWith({ active: false }),
    expected: [{ code: "bridge-inactive", severity: "error", path: CONTAINER, remedy: "Run on pve1: ifreload -a" }],
  },
  {
    when: "the lab has a VLAN, but the bridge is not aware of them",
    lab: vlanLab,
    change: bridgesWith({ bridge_vlan_aware: false }),
    expected: [
      {
        code: "bridge-not-vlan-aware",
        severity: "warning",
        path: CONTAINER,
        remedy: "Make it VLAN-aware (Network of the node), or leave out `vlan` and name the bridge of that VLAN.",
      },
    ],
  },
  {
    when: "the datacenter's firewall is off",
    change: () => ({ firewall: known({ enable: false }) }),
    expected: [
      {
        code: "firewall-off",
        severity: "warning",
        path: ["network", "management"],
        remedy:
          "Switch it on under Datacenter → Firewall → Options. Allow yourself in first: the nodes then accept port 8006 and 22 from their own network only.",
      },
    ],
  },
  {
    when: "the datacenter's firewall cannot be read",
    change: () => ({ firewall: unknown("Permission check failed (/, Sys.Audit)") }),
    expected: [
      {
        code: "firewall-unknown",
        severity: "unknown",
        path: ["network", "management"],
        remedy: "Look under Datacenter → Firewall → Options, or give the credential Sys.Audit on / for this look.",
      },
    ],
  },
  {
    when: "the guests cannot be read",
    change: () => ({ guests: unknown("no answer") }),
    expected: [{ code: "guests-unknown", severity: "unknown", path: ["proxmox", "endpoint"], remedy: MEND }],
  },
  {
    when: "another guest has the VMID",
    change: withGuest({ name: "mail", type: "qemu" }),
    expected: [
      {
        code: "vmid-taken",
        severity: "error",
        path: [...CONTAINER, "vmId"],
        remedy: "Choose a free VMID: `pvesh get /cluster/nextid` names one.",
      },
    ],
  },
  {
    when: "a guest that the credential may not see has the VMID",
    change: () => ({ taken: new Map([[201, known(true)]]) }),
    expected: [
      {
        code: "vmid-taken-unseen",
        severity: "error",
        path: [...CONTAINER, "vmId"],
        remedy: "Choose a free VMID, or give the credential VM.Audit on /vms: the ownership guard needs it too.",
      },
    ],
  },
  {
    when: "whether the VMID is free cannot be asked",
    change: () => ({ taken: new Map([[201, unknown("no answer")]]) }),
    expected: [{ code: "vmid-unknown", severity: "unknown", path: [...CONTAINER, "vmId"], remedy: MEND }],
  },
  {
    when: "the container is on another node",
    change: withGuest({ node: "pve2" }),
    expected: [
      {
        code: "guest-on-other-node",
        severity: "error",
        path: [...CONTAINER, "node"],
        remedy: "Write node: pve2, or migrate it back: pct migrate 201 pve1",
      },
    ],
  },
  {
    when: "a guest with another VMID has the name",
    change: withGuest({ vmid: 150 }),
    expected: [
      {
        code: "guest-name-taken",
        severity: "warning",
        path: [...CONTAINER, "name"],
        remedy: "Give the guest another name, or the VMID of the one that is there if it is meant.",
      },
    ],
  },
  {
    when: "the container is there with another address",
    change: withGuest({}, { net0: "name=eth0,bridge=vmbr0,ip=192.0.2.99/24,gw=192.0.2.1" }),
    expected: [
      {
        code: "guest-address-differs",
        severity: "warning",
        path: [...CONTAINER, "address"],
        remedy: "Deploy it, or write the address that it has.",
      },
    ],
  },
  {
    when: "the VM is there with another address",
    lab: clusterLab,
    change: withGuest(
      { vmid: 311, type: "qemu", name: "test-gpu-1" },
      { ipconfig0: "ip=192.0.2.99/24,gw=192.0.2.1", hostpci0: "mapping=rtx" },
    ),
    expected: [
      {
        code: "guest-address-differs",
        severity: "error",
        path: [...WORKER, "address"],
        remedy:
          "Write 192.0.2.99: cloud-init sets an address at the first boot only. docs/upgrades.md says how to rebuild a node.",
      },
    ],
  },
  {
    when: "a guest of others runs with an address of the lab",
    change: (facts) => ({ ...withGuest(STRANGER)(facts), live: new Map([[150, known(["192.0.2.21"])]]) }),
    expected: [
      {
        code: "address-taken",
        severity: "error",
        path: [...CONTAINER, "address"],
        remedy: "Choose another address, or give that guest another.",
      },
    ],
  },
  {
    when: "a stopped guest of others has an address of the lab in its configuration",
    change: withGuest({ ...STRANGER, status: "stopped" }, { ipconfig0: "ip=192.0.2.21/24,gw=192.0.2.1" }),
    expected: [
      {
        code: "address-taken",
        severity: "warning",
        path: [...CONTAINER, "address"],
        remedy: "Choose another address, or give that guest another.",
      },
    ],
  },
  {
    when: "a guest of others does not say which addresses it has",
    change: (facts) => ({ ...withGuest(STRANGER)(facts), live: new Map([[150, unknown("No QEMU guest agent configured")]]) }),
    expected: [
      {
        code: "addresses-unknown",
        severity: "unknown",
        path: ["network", "cidr"],
        remedy: "Compare by hand. A VM says its addresses where the guest agent is installed and enabled.",
      },
    ],
  },
  {
    when: "a guest of the lab is stopped",
    change: withGuest({ status: "stopped" }),
    expected: [
      {
        code: "guest-stopped",
        severity: "warning",
        path: CONTAINER,
        remedy: "Look why, then start it on pve1: pct start 201",
      },
    ],
  },
  {
    when: "the firewall of a guest is off",
    change: (facts) => ({ ...withGuest({}, FILTERED)(facts), walls: new Map([[201, known(false)]]) }),
    expected: [
      {
        code: "guest-firewall-off",
        severity: "warning",
        path: CONTAINER,
        remedy:
          "Switch it on: pvesh set /nodes/pve1/lxc/201/firewall/options --enable 1. A deploy does it only where the state says that it is off.",
      },
    ],
  },
  {
    when: "the firewall of a guest does not filter its network card",
    change: (facts) => ({
      ...withGuest({}, { net0: "name=eth0,bridge=vmbr0,ip=192.0.2.21/24" })(facts),
      walls: new Map([[201, known(true)]]),
    }),
    expected: [
      {
        code: "guest-firewall-off",
        severity: "warning",
        path: CONTAINER,
        remedy: "Deploy again: the lab filters every card of its guests.",
      },
    ],
  },
  {
    when: "no guest has the VMID of the template",
    lab: templateLab,
    change: () => ({ guests: known([]) }),
    expected: [
      {
        code: "vm-template-missing",
        severity: "error",
        path: ["cluster", "template", "vmId"],
        remedy: "docs/cluster.md says how to make one.",
      },
    ],
  },
  {
    when: "the VM to clone is no template",
    lab: templateLab,
    change: ({ guests }) => ({ guests: known(all(guests).map((guest) => ({ ...guest, template: false }))) }),
    expected: [
      {
        code: "vm-template-missing",
        severity: "error",
        path: ["cluster", "template", "vmId"],
        remedy: "Run on pve1: qm template 9000",
      },
    ],
  },
  {
    when: "the pool is not there",
    lab: poolLab,
    change: () => ({ pools: known([]) }),
    expected: [
      {
        code: "pool-missing",
        severity: "error",
        path: [...CONTAINER, "pool"],
        remedy: "Run on a node: pvesh create /pools --poolid lab",
      },
    ],
  },
  {
    when: "the PCI devices cannot be read",
    lab: clusterLab,
    change: onPve1(() => ({ devices: unknown("Permission check failed (/, Sys.Audit)") })),
    expected: [
      {
        code: "cards-unknown",
        severity: "unknown",
        path: CARD,
        remedy: "Give the credential Sys.Audit on / for this look, or compare by hand: pvesh get /nodes/pve1/hardware/pci",
      },
    ],
  },
  {
    when: "the card is at another path",
    lab: clusterLab,
    change: deviceWith({ id: "0000:02:00.0" }),
    expected: [
      {
        code: "card-missing",
        severity: "error",
        path: [...CARD, "path"],
        remedy: "Write the path that the list shows; a new card or firmware moves the others.",
      },
    ],
  },
  {
    when: "another card is at the path, in another IOMMU group",
    lab: clusterLab,
    change: deviceWith({ device: "0x2704", subsystem_device: "0x0001", iommugroup: 14 }),
    expected: [
      {
        code: "card-differs",
        severity: "error",
        path: [...CARD, "id"],
        remedy: 'Write id: "10de:2704"; Proxmox starts no VM whose mapping does not fit the card.',
      },
      {
        code: "card-differs",
        severity: "error",
        path: [...CARD, "subsystemId"],
        remedy: 'Write subsystemId: "1043:0001"; Proxmox starts no VM whose mapping does not fit the card.',
      },
      {
        code: "card-differs",
        severity: "error",
        path: [...CARD, "iommuGroup"],
        remedy: "Write iommuGroup: 14; Proxmox starts no VM whose mapping does not fit the card.",
      },
    ],
  },
  {
    when: "the node has no IOMMU",
    lab: clusterLab,
    change: deviceWith({ iommugroup: -1 }),
    expected: [
      {
        code: "iommu-off",
        severity: "error",
        path: CARD,
        remedy: "Switch on VT-d or AMD-Vi in the firmware; docs/cluster.md says what the kernel needs.",
      },
    ],
  },
  {
    when: "a disk controller is in the card's IOMMU group",
    lab: clusterLab,
    change: onPve1(({ devices }) => ({
      devices: known(all(devices).flatMap((card) => [card, { ...card, id: "0000:03:00.0", class: "0x010802" }])),
    })),
    expected: [
      {
        code: "iommu-group-shared",
        severity: "error",
        path: CARD,
        remedy: "Put the card into another slot, or pass the whole group if the host can do without those devices.",
      },
    ],
  },
  {
    when: "another VM of the node runs with the card",
    lab: clusterLab,
    change: withGuest({ vmid: 150, type: "qemu", name: "desktop" }, { hostpci0: "0000:01:00,pcie=1" }),
    expected: [{ code: "card-in-use", severity: "error", path: CARD, remedy: "Stop it first: qm shutdown 150" }],
  },
  {
    when: "the mapping that the lab names is not there",
    lab: mappingLab,
    change: () => ({ mappings: known([]) }),
    expected: [
      {
        code: "mapping-missing",
        severity: "error",
        path: ["proxmox", "nodes", "pve1", "gpus", "pool", "mapping"],
        remedy: "Make it under Datacenter → Resource Mappings, or give the credential Mapping.Use on it.",
      },
    ],
  },
];

test.each(cases)("when $when, that alone is found, with its place and remedy", ({ lab = baseLab, change, expected }) => {
  expect(found(lab, change).map(({ message: _, ...rest }) => rest)).toEqual(expected);
});

test("every code of the checks has a case", () => {
  const notChecks = ["This machine", "The connection and the credential", "SSH to the nodes", "Kubernetes", "What is deployed"];
  const codes = findingChapters.filter(({ title }) => !notChecks.includes(title)).flatMap(({ kinds }) => Object.keys(kinds));
  const covered = new Set<string>(cases.flatMap(({ expected }) => expected.map(({ code }) => code)));
  expect(codes.filter((code) => !covered.has(code))).toEqual([]);
});

test("each finding has a severity that the registry has for its code", () => {
  const findings = cases.flatMap(({ expected }) => expected);
  expect(findings.filter(({ code, severity }) => !severityOf(code).includes(severity))).toEqual([]);
});

function severityOf(code: DoctorCode): string[] {
  return findingKind(code).severity.split(" or ");
}

const examples = readdirSync(join(ROOT, "examples"))
  .map((file) => `examples/${file}`)
  .filter((file) => file.endsWith(".yaml"))
  .flatMap((file) => {
    const { lab } = readLab(join(ROOT, file));
    return lab?.proxmox ? [{ file, lab }] : [];
  });

test.each(examples)("nothing is found about $file on a Proxmox cluster that lacks nothing", ({ lab }) => {
  const plan = plannedOf(lab);
  expect(findingsIn({ lab, plan, facts: factsFor(lab, plan) })).toEqual([]);
});

describe("what is no fault", () => {
  const cardIs = (change: Change): string[] => found(clusterLab, change).map(({ code }) => code);

  test("a guest of the lab that is there as the lab says", () => {
    expect(found(baseLab, withGuest({}, { net0: "name=eth0,ip=192.0.2.21/24" }))).toEqual([]);
  });
  test("a datastore that is too small for disks that are there already", () => {
    const small = storagesWith({ avail: GIB });
    expect(found(baseLab, (facts) => ({ ...withGuest()(facts), ...small(facts) }))).toEqual([]);
  });
  test("a bridge that is the network of an SDN zone", () => {
    const change: Change = (facts) => ({
      ...bridgesWith({ iface: "vmbr7" })(facts),
      vnets: known(["vmbr0"]),
      permissions: known({
        "/": Object.fromEntries(Object.values(facts.permissions.known ? facts.permissions.value : {}).flatMap(Object.entries)),
      }),
    });
    expect(found(baseLab, change)).toEqual([]);
  });
  test("a PCI bridge in the card's IOMMU group", () => {
    const withBridge = onPve1(({ devices }) => ({
      devices: known(all(devices).flatMap((card) => [card, { ...card, id: "0000:00:01.0", class: "0x060400" }])),
    }));
    expect(cardIs(withBridge)).toEqual([]);
  });
  test("a VM of another node with a card at the same path", () => {
    expect(cardIs(withGuest({ vmid: 150, type: "qemu", name: "far", node: "pve2" }, { hostpci0: "0000:01:00" }))).toEqual([]);
  });
  test("a guest of the lab that runs behind its firewall", () => {
    const behind: Change = (facts) => ({ ...withGuest({}, FILTERED)(facts), walls: new Map([[201, known(true)]]) });
    expect(found(baseLab, behind)).toEqual([]);
  });
  test("a guest of others without an address where the lab leases all of its own", () => {
    const leased = labWith({ containers: { "ollama-1": { address: "dhcp" } } });
    const silent: Change = (facts) => ({ ...withGuest(STRANGER)(facts), live: new Map([[150, unknown("no agent")]]) });
    expect(found(leased, silent)).toEqual([]);
  });
  test("a stopped VM with the card", () => {
    const stopped = withGuest({ vmid: 150, type: "qemu", name: "off", status: "stopped" }, { hostpci0: "0000:01:00" });
    expect(cardIs(stopped)).toEqual([]);
  });
});

describe("a card that another VM runs with", () => {
  const holding = (hostpci0: string, map: string[] = []): string[] =>
    found(clusterLab, (facts) => ({
      ...withGuest({ vmid: 150, type: "qemu", name: "desktop" }, { hostpci0 })(facts),
      mappings: known([{ id: "theirs", map }]),
    })).map(({ code }) => code);

  test("is found by a path without its domain", () => expect(holding("01:00.0,pcie=1")).toEqual(["card-in-use"]));
  test("is found by a mapping of it", () => {
    expect(holding("mapping=theirs", ["node=pve1,path=0000:01:00,id=10de:2684"])).toEqual(["card-in-use"]);
  });
  test("is not found by a mapping of another card", () => {
    expect(holding("mapping=theirs", ["node=pve1,path=0000:41:00,id=10de:2684"])).toEqual([]);
  });
  test("is not found by a path that only ends like it", () => expect(holding("0000:a1:00.0")).toEqual([]));
});

describe("a privilege", () => {
  const needed = (facts: ProxmoxFacts): Record<string, boolean> =>
    (facts.permissions.known ? facts.permissions.value["/vms"] : undefined) ?? {};
  const missing = (permissions: (facts: ProxmoxFacts) => Record<string, Record<string, boolean>>): string[] =>
    found(baseLab, (facts) => {
      const rest = facts.permissions.known ? facts.permissions.value : {};
      const { "/vms": _, ...others } = rest;
      return { permissions: known({ ...others, ...permissions(facts) }) };
    }).map(({ code }) => code);

  test("holds below the path that has it", () => expect(missing((facts) => ({ "/": needed(facts) }))).toEqual([]));
  test("holds on a path that does not hand it down", () => {
    const own = (facts: ProxmoxFacts) => Object.fromEntries(Object.keys(needed(facts)).map((name) => [name, false]));
    expect(missing((facts) => ({ "/vms": own(facts) }))).toEqual([]);
  });
  test("does not hold below a path that does not hand it down", () => {
    const own = (facts: ProxmoxFacts) => Object.fromEntries(Object.keys(needed(facts)).map((name) => [name, false]));
    expect(missing((facts) => ({ "/": own(facts) }))).toEqual(["missing-privilege"]);
  });
  test("does not hold where a nearer path has others", () => {
    expect(missing((facts) => ({ "/": needed(facts), "/vms": { "VM.Audit": true } }))).toEqual(["missing-privilege"]);
  });
});
