import { type DraftLab, resolve } from "../../lab/draft";
import type { Lab } from "../../lab/lab";
import { prove, UnprovedError } from "../../lab/prove";
import { type LabInput, labSchema } from "../../lab/schema";
import { type Changes, clusterLab, gpuLab, labWith, ollamaLab, problemsOf } from "../../testing/lab";

/** The draft of a lab whose values the schema takes; no rule has seen it. */
function draftOf(input: LabInput): DraftLab {
  return resolve(labSchema.parse(input), "/lab");
}

const sealed: LabInput = labWith(
  { airGapped: true, ollamaNfsPath: "/mnt/nfs/ollama", reachable: ["docker.io", "helm.otwld.com"] },
  ollamaLab,
);
const card = (changes: Changes) => ({ proxmox: { nodes: { pve1: { gpus: { rtx: changes } } } } });

/** Labs that are refused, and the code of the problem: the proof relies on its rule. */
const relied: [fact: string, code: string, lab: LabInput][] = [
  [
    "a container without a node",
    "node-missing",
    labWith({ proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, defaults: { container: { node: undefined } } }),
  ],
  ["a container on a node that is not declared", "unknown-node", labWith({ defaults: { container: { node: "pve9" } } })],
  ["a container on a node called constructor", "unknown-node", labWith({ defaults: { container: { node: "constructor" } } })],
  ["a static address without a network", "cidr-missing", labWith({ network: { cidr: undefined } })],
  ["a cluster without a network", "cidr-missing", labWith({ network: { cidr: undefined } }, clusterLab)],
  [
    "a VM on a node without an address",
    "node-address-missing",
    labWith({ proxmox: { nodes: { pve1: { address: undefined } } } }, clusterLab),
  ],
  ["a static address without a gateway", "gateway-missing", labWith({ network: { gateway: undefined } })],
  [
    "a template with two checksums",
    "two-checksums",
    labWith({
      defaults: {
        container: { template: { url: "https://mirror.lab.example/u.tar.zst", sha256: "a".repeat(64), sha512: "b".repeat(128) } },
      },
    }),
  ],
  ["containers without Proxmox", "section-missing", labWith({ proxmox: undefined })],
  ["containers without a network", "section-missing", labWith({ network: undefined })],
  [
    "a VM without a node",
    "node-missing",
    labWith({ proxmox: { nodes: { pve2: { address: "192.0.2.12" } } }, defaults: { server: { node: undefined } } }, clusterLab),
  ],
  ["a VM on a node that is not declared", "unknown-node", labWith({ defaults: { worker: { node: "pve9" } } }, clusterLab)],
  ["a cluster without a gateway", "gateway-missing", labWith({ network: { gateway: undefined } }, clusterLab)],
  ["a cluster without a server", "no-server", labWith({ cluster: { servers: { "k3s-1": undefined } } }, clusterLab)],
  [
    "three servers of which none is the first",
    "first-server-missing",
    labWith(
      { cluster: { servers: { "k3s-2": { vmId: 302, address: "192.0.2.32" }, "k3s-3": { vmId: 303, address: "192.0.2.33" } } } },
      clusterLab,
    ),
  ],
  ["disks from nothing", "no-disk-source", labWith({ cluster: { image: undefined } }, clusterLab)],
  ["disks from two sources", "two-disk-sources", labWith({ cluster: { template: { vmId: 9000 } } }, clusterLab)],
  ["a card that is not declared", "unknown-gpu", labWith({ cluster: { workers: { "gpu-1": { gpus: ["gtx"] } } } }, clusterLab)],
  ["a card without a path", "gpu-incomplete", labWith(card({ path: undefined }), clusterLab)],
  ["a card without ids", "gpu-incomplete", labWith(card({ id: undefined }), clusterLab)],
  ["a card without ids of its subsystem", "gpu-incomplete", labWith(card({ subsystemId: undefined }), clusterLab)],
  ["a card without an IOMMU group", "gpu-incomplete", labWith(card({ iommuGroup: undefined }), clusterLab)],
  ["a raw card without a path", "gpu-incomplete", labWith(card({ raw: true, path: undefined }), clusterLab)],
  [
    "a chart from two places",
    "two-chart-sources",
    labWith({ ollama: { chart: { oci: "oci://registry.lab.example/charts", file: "./ollama.tgz" } } }, ollamaLab),
  ],
  ["a release whose image is not known", "image-unknown", labWith({ ollama: { chart: { version: "1.50.0" } } }, ollamaLab)],
  [
    "staging whose image is not known",
    "image-unknown",
    labWith({ ollama: { chart: { version: "1.50.0" }, releases: { ollama: { image: "ollama/ollama:0.20.0" } } } }, sealed),
  ],
  ["an air-gapped lab without a share", "nfs-path-missing", labWith({ ollamaNfsPath: undefined }, sealed)],
  ["an air-gapped lab without a way to an image", "not-mirrored", labWith({ reachable: ["helm.otwld.com"] }, sealed)],
];

describe.each(relied)("%s", (_, code, lab) => {
  test(`is reported as ${code}`, () => {
    expect(problemsOf(lab).map((problem) => problem.code)).toContain(code);
  });

  test("is no lab, should its rule be missing", () => {
    expect(() => prove(draftOf(lab))).toThrow(expect.objectContaining({ name: "UnprovedError", code }));
  });
});

test("an error of the proof names the rule that is missing, and does not blame the lab", () => {
  expect(new UnprovedError("node-missing", "the Proxmox node of containers.ollama-1 is missing").message).toBe(
    "the Proxmox node of containers.ollama-1 is missing, but no rule reported node-missing. " +
      "This is a fault of ollama-lab, not of your lab: please report it with the lab.",
  );
});

describe("a lab says what was proved:", () => {
  const proved = (changes: Changes = {}, base?: LabInput): Lab => prove(draftOf(labWith(changes, base)));
  const container = (changes: Changes = {}) => proved({ containers: { "ollama-1": changes } }).containers?.["ollama-1"];

  test("a static address with its prefix and gateway", () => {
    expect(container()?.network.address).toEqual({ kind: "static", ip: "192.0.2.21", prefix: 24, gateway: "192.0.2.1" });
  });
  test("a prefix and a gateway of the container's own before those of the network", () => {
    const own = container({ address: "198.51.100.9/25", gateway: "198.51.100.1" });
    expect(own?.network.address).toEqual({ kind: "static", ip: "198.51.100.9", prefix: 25, gateway: "198.51.100.1" });
  });
  test("a leased address", () => {
    expect(container({ address: "dhcp" })?.network.address).toEqual({ kind: "dhcp" });
  });
  test("a template that is on a datastore", () => {
    const volume = "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst";
    expect(container()?.template).toEqual({ volume });
  });
  test("a template that is downloaded, by its file name and one checksum", () => {
    const template = { url: "https://mirror.lab.example/images/u.tar.zst", sha512: "b".repeat(128) };
    expect(container({ template })?.template).toEqual({
      download: {
        url: template.url,
        fileName: "u.tar.zst",
        checksum: { algorithm: "sha512", value: template.sha512 },
      },
    });
  });
  test("a device that is named by its path alone has the group and mode of the schema", () => {
    expect(container({ devices: ["/dev/fuse"] })?.devices).toEqual([{ path: "/dev/fuse", gid: 44, mode: "0660" }]);
  });
  test("a guest's datastores are its own, then its node's, then the lab's", () => {
    const node = { proxmox: { nodes: { pve1: { storage: { disks: "fast", files: "nas" } } } }, storage: { shared: ["nas"] } };
    const { disks, files } = proved(node).containers?.["ollama-1"] ?? {};
    const own = proved({ ...node, containers: { "ollama-1": { disks: "own" } } }).containers?.["ollama-1"]?.disks;
    expect([own, disks, container()?.disks, files, container()?.files]).toEqual([
      "own",
      "fast",
      "local-lvm",
      { name: "nas", shared: true },
      { name: "local", shared: false },
    ]);
  });
  test("models on a volume of their own are on the datastore of the disks by default", () => {
    expect(container({ modelVolume: { sizeGiB: 9 }, disks: "fast" })?.modelVolume?.datastore).toBe("fast");
  });

  const cards = (changes: Changes) => proved(card(changes), clusterLab).cluster?.workers[0]?.cards;
  test("a card that gets a mapping, with every fact that Proxmox compares", () => {
    expect(cards({})).toEqual([
      {
        kind: "made",
        name: "rtx",
        path: "0000:01:00",
        id: "10de:2684",
        subsystemId: "1043:88e2",
        iommuGroup: 12,
        allFunctions: true,
      },
    ]);
  });
  test("a card that has a mapping", () => {
    const none = { path: undefined, id: undefined, subsystemId: undefined, iommuGroup: undefined };
    expect(cards({ ...none, mapping: "rtx" })).toEqual([{ kind: "mapping", name: "rtx", allFunctions: true, mapping: "rtx" }]);
  });
  test("a card that is attached raw", () => {
    expect(cards({ raw: true, allFunctions: false })).toMatchObject([{ kind: "raw", path: "0000:01:00", allFunctions: false }]);
  });
  test("disks that are made from an image", () => {
    expect(proved({}, clusterLab).cluster?.source).toMatchObject({
      kind: "image",
      image: { fileName: "noble-server-cloudimg-amd64-20250805.qcow2", checksum: { algorithm: "sha256" } },
    });
  });
  test("disks that are made from an image on a datastore", () => {
    const image = "local:import/noble.qcow2";
    // A merge of maps keeps what the base lab says about its download.
    const lab = labWith({ cluster: { image: undefined } }, clusterLab);
    expect(prove(draftOf(labWith({ cluster: { image } }, lab))).cluster?.source).toEqual({ kind: "volume", volume: image });
  });
  test("disks that are made from a template", () => {
    const cluster = { image: undefined, template: { vmId: 9000 } };
    expect(proved({ cluster }, clusterLab).cluster?.source).toEqual({ kind: "template", vmId: 9000, node: undefined });
  });

  const release = (changes: Changes = {}) =>
    proved({ ollama: { releases: { ollama: changes } } }, ollamaLab).ollama?.releases["ollama"];
  test("the client's image is that of the chart, or the release's own", () => {
    const image = "registry.lab.example/ollama:1";
    expect([release()?.clientImage, release({ image })?.clientImage]).toEqual(["ollama/ollama:0.32.15", image]);
  });
  test("the StorageClass is that of the cluster, or the release's own", () => {
    expect([release()?.storageClass, release({ storageClass: "fast" })?.storageClass]).toEqual(["nfs-client", "fast"]);
  });
  test("the device plugin is there when the lab's cluster has GPU workers", () => {
    expect([proved({}, gpuLab).kubernetes.devicePlugin?.chart.version, proved({}, ollamaLab).kubernetes.devicePlugin]).toEqual([
      expect.stringMatching(/^\d/),
      undefined,
    ]);
  });
  test("a chart comes from one place, or from where the lab's mirrors and the catalog say", () => {
    const file = proved({ ollama: { chart: { file: "./ollama.tgz" } } }, ollamaLab).ollama?.chart.source;
    expect([file, proved({}, ollamaLab).ollama?.chart.source]).toEqual([{ file: "./ollama.tgz" }, undefined]);
  });

  test("what is staged, from which image to which share", () => {
    expect(proved({}, sealed).modelStaging).toMatchObject({
      image: "ollama/ollama:0.32.15",
      models: ["llama3.2:1b"],
      share: { path: "/mnt/nfs/ollama" },
    });
  });
  test("how everything that production fetches gets there", () => {
    const rows = proved({}, sealed).fetched.map(({ kind, way }) => `${kind}: ${way}`);
    expect([rows.sort(), proved({}, ollamaLab).fetched]).toEqual([["chart: reachable", "image: reachable"], []]);
  });
  test("a lab without guests has no connection to Proxmox", () => {
    const { proxmox, network } = clusterLab;
    expect(proved({ proxmox, network }, ollamaLab).proxmox).toBeUndefined();
  });
});
