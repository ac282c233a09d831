import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkLab, readLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { type Changes, clusterLab, labWith, problemsOf, synthesized } from "../../testing/lab";

const FILE = join(__dirname, "../../examples/smallest.yaml");

/** The smallest lab: no node is named, and there is no network, no gateway and no address. */
const smallest: LabInput = {
  name: "small",
  proxmox: { endpoint: "https://pve1.lab.example:8006/", nodes: { pve1: {} } },
  network: { clients: ["192.0.2.0/24"], management: ["192.0.2.0/24"] },
  containers: { ollama: { vmId: 201, address: "dhcp" } },
};

const codes = (changes: Changes, base = smallest) => problemsOf(labWith(changes, base)).map(({ code }) => code);
const lab = (changes: Changes, base = smallest) => checkLab(labWith(changes, base), "/lab").lab;

describe("examples/smallest.yaml", () => {
  test("has fewer than ten lines besides its comments", () => {
    const lines = readFileSync(FILE, "utf8").split("\n");
    expect(lines.filter((line) => line.trim() !== "" && !line.startsWith("#")).length).toBeLessThan(10);
  });
  test("has no problem", () => expect(readLab(FILE).problems).toEqual([]));
});

describe("a lab with one Proxmox node", () => {
  test("runs a container that names none there", () => expect(lab({}).containers?.["ollama"]?.node).toBe("pve1"));
  test("runs VMs that name none there", () => {
    const { cluster } = lab({ defaults: { server: { node: undefined }, worker: { node: undefined } } }, clusterLab);
    expect([cluster?.servers[0].node, cluster?.workers[0]?.node]).toEqual(["pve1", "pve1"]);
  });
  test("runs a pool that names none there", () => {
    const cpu = { count: 2, firstVmId: 320, addresses: { from: "192.0.2.50", to: "192.0.2.59" } };
    const { cluster } = lab({ cluster: { pools: { cpu } } }, clusterLab);
    expect(cluster?.workers.map(({ node }) => node)).toEqual(["pve1", "pve1", "pve1"]);
  });
  test("needs the node named as soon as it has a second", () => {
    expect(codes({ proxmox: { nodes: { pve2: {} } } })).toEqual(["node-missing"]);
  });
});

describe("a lab without network.cidr", () => {
  test("has containers that lease", () => expect(codes({})).toEqual([]));
  test("has containers with a prefix of their own", () => {
    const { containers } = lab({ network: { gateway: "192.0.2.1" }, containers: { ollama: { address: "192.0.2.21/24" } } });
    expect(containers?.["ollama"]?.network.address).toEqual({
      kind: "static",
      ip: "192.0.2.21",
      prefix: 24,
      gateway: "192.0.2.1",
    });
  });
  test("has no container with an address without a prefix", () => {
    expect(
      problemsOf(labWith({ network: { gateway: "192.0.2.1" }, containers: { ollama: { address: "192.0.2.21" } } }, smallest)),
    ).toMatchObject([{ code: "cidr-missing", remedy: "Set network.cidr, such as cidr: 192.0.2.0/24, or write the prefix too." }]);
  });
  test("has no cluster", () => expect(codes({ network: { cidr: undefined } }, clusterLab)).toEqual(["cidr-missing"]));
  test("is told once what its cidr should be, when that cannot be read", () => {
    expect(codes({ network: { cidr: "everywhere" } }, clusterLab)).toEqual(["invalid-network"]);
  });
});

describe("a node without an address", () => {
  test("has containers", () => expect(codes({})).toEqual([]));
  test("has no VM, whose snippets are uploaded by SSH", () => {
    expect(problemsOf(labWith({ proxmox: { nodes: { pve1: { address: undefined } } } }, clusterLab))).toMatchObject([
      { code: "node-address-missing", path: ["proxmox", "nodes", "pve1"], remedy: "Add it, such as address: 192.0.2.11" },
    ]);
  });
  test("is not among the nodes that the provider reaches by SSH", () => {
    const { containers } = synthesized(
      labWith(
        {
          proxmox: { ssh: { username: "terraform" }, nodes: { pve2: {}, pve1: { address: "192.0.2.11" } } },
          defaults: { container: { node: "pve2" } },
        },
        smallest,
      ),
    );
    expect(JSON.stringify(containers?.provider?.["proxmox"])).not.toContain("pve2");
  });
});
