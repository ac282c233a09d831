import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPath, report } from "../../lab/problem";
import { readLab } from "../../lab/read";
import { baseLab, clusterLab, labWith, problemsOf } from "../../testing/lab";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Reads a lab with this content, and returns place and code of each problem, in the order of the report. */
function read(content: string | Buffer) {
  const file = join(folder, "lab.yaml");
  writeFileSync(file, content);
  const { lab, problems } = readLab(file);
  return {
    lab,
    problems,
    codes: problems.map(({ code }) => code),
    places: problems.map(({ position, path }) => `${position?.line}:${position?.column} ${formatPath(path)}`.trimEnd()),
    text: report(problems, "lab.yaml"),
  };
}

const VALID = `name: test
proxmox:
  endpoint: https://pve1.lab.example:8006/
  nodes: { pve1: { address: 192.0.2.11 } }
network: { cidr: 192.0.2.0/24, gateway: 192.0.2.1, clients: [192.0.2.0/24], management: [192.0.2.0/24] }
defaults: { container: { node: pve1, template: "local:vztmpl/u.tar.zst", ollama: { sha256: "0000000000000000000000000000000000000000000000000000000000000000" } } }
containers:
  ollama-1: { vmId: 201, address: 192.0.2.21 }
`;

test("a valid lab has no problem", () => {
  expect(read(VALID).problems).toEqual([]);
});

describe("a file that is not a lab", () => {
  test("a missing file is named, and the remedy says how to choose another", () => {
    const { problems } = readLab(join(folder, "nowhere.yaml"));
    expect(problems).toMatchObject([{ code: "lab-missing", remedy: expect.stringContaining("LAB=") }]);
  });
  test("a folder is refused", () => expect(readLab(folder).problems).toMatchObject([{ code: "lab-is-folder" }]));
  test.each(["/dev/zero", "/dev/null"])("the device %s is refused", (device) =>
    expect(readLab(device).problems).toMatchObject([{ code: "lab-not-a-file", remedy: expect.stringContaining("into a file") }]),
  );
  test("a pipe is refused, and nobody waits for what it may bring", () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(readLab(pipe).problems).toMatchObject([{ code: "lab-not-a-file" }]);
  });
  test("a link that leads back to itself is refused", () => {
    const link = join(folder, "loop");
    symlinkSync(link, link);
    expect(readLab(link).problems).toMatchObject([
      { code: "lab-unreadable", message: expect.stringContaining("back to itself"), remedy: expect.stringContaining("link") },
    ]);
  });
  test("a tab is one problem, at its place, with the remedy", () => {
    const { problems, places } = read(
      `name: test\nproxmox:\n\tendpoint: https://pve1.lab.example:8006/\n\tnodes:\n\t\tpve1: {}\n`,
    );
    expect([problems.map(({ code }) => code), places]).toEqual([["invalid-yaml"], ["3:1"]]);
    expect(problems[0]?.remedy).toContain("spaces");
  });
  test("an empty file is refused", () => expect(read("# nothing\n").codes).toEqual(["lab-empty"]));
  test("a list is refused", () => expect(read("- 1\n").codes).toEqual(["lab-not-a-map"]));
  test("more than 1 MiB is refused", () => expect(read(`${VALID}#${"x".repeat(1024 * 1024)}`).codes).toEqual(["lab-too-large"]));
  test("bytes that are not UTF-8 are refused", () => {
    expect(read(Buffer.concat([Buffer.from(VALID), Buffer.from([0x23, 0xff, 0xfe])])).codes).toEqual(["lab-not-utf8"]);
  });
  test("a key that is there twice is refused at its second place", () => {
    const { codes, places } = read(`${VALID}name: again\n`);
    expect([codes, places]).toEqual([["invalid-yaml"], ["9:1"]]);
  });
  test("a number that begins with 0 is refused at its place, with the octal number as remedy", () => {
    const { problems, places } = read(`${VALID}ollama: { releases: { a: { values: { volumes: [{ defaultMode: 0440 }] } } } }\n`);
    expect([problems.map(({ code, remedy }) => [code, remedy]), places]).toEqual([
      [["leading-zero", 'Write 0o440 where an octal number is meant, or "0440" in quotes where text is.']],
      ["9:63"],
    ]);
  });
  test("an octal number of YAML 1.2 is one", () => expect(read(`${VALID}configure: 0o440\n`).codes).toEqual(["wrong-type"]));
  test("a second document is refused", () => expect(read(`${VALID}---\n${VALID}`).codes).toContain("invalid-yaml"));
  test("a tag that YAML does not know is refused", () =>
    expect(read(`${VALID}configure: !env X\n`).codes).toContain("invalid-yaml"));
  test("an alias without an anchor is refused at its place", () => {
    const { codes, places } = read(`${VALID}configure: *x\n`);
    expect([codes, places]).toEqual([["unknown-alias"], ["9:12"]]);
  });
  test("an alias inside the value that it stands for is refused at its place", () => {
    const { codes, places } = read(`${VALID}state: &state { settings: { copy: *state } }\n`);
    expect([codes, places]).toEqual([["circular-alias"], ["9:35"]]);
  });
  test("aliases that stand for too many values are refused", () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`);
    expect(read(`l0: &l0 [a, b, c, d, e, f, g, h, i]\n${levels.join("\n")}\n`).codes).toEqual(["alias-bomb"]);
  });
  test.each([
    [999, "wrong-type"],
    [1000, "alias-bomb"],
  ])("%i aliases of one list give %s", (count, code) => {
    expect(read(`name: &a [x]\ncontainers: [${Array(count).fill("*a").join(", ")}]\n`).codes).toContain(code);
  });
});

describe("anchors", () => {
  const anchored = VALID.replace("{ vmId: 201, address: 192.0.2.21 }", "&one { vmId: 201, address: 192.0.2.21, cores: 2 }");
  test("an alias has the value of its anchor", () => {
    const { lab } = read(`${anchored}  ollama-2: { <<: *one, vmId: 202, address: 192.0.2.22 }\n`);
    expect(lab?.containers?.["ollama-2"]?.cores).toBe(2);
  });
  test("a problem in the value of an alias has the place of the alias", () => {
    expect(read(`${anchored}  ollama-2: *one\n`).places).toContain("8:20 containers.ollama-2.vmId");
  });
});

const TEN_SCHEMA_ERRORS = `name: Test
proxmox:
  endpoint: http://pve1.lab.example:8006/
  insecure: maybe
  nodes: { pve1: { address: 192.0.2.999, gpu: {} } }
network: { cidr: 192.0.2.1/24, gateway: 192.0.2.1, vlan: 5000 }
sshPublicKeys: [nonsense]
containers:
  ollama-1: { vmId: 20, address: 192.0.2.21, cpus: 4 }
`;

test("a lab with ten schema errors has ten errors, each with its line and column", () => {
  const { problems, places } = read(TEN_SCHEMA_ERRORS);
  const errors = places.filter((_, i) => problems[i]?.severity === "error");
  expect(errors.sort()).toEqual(
    [
      "1:1 name",
      "3:3 proxmox.endpoint",
      "4:3 proxmox.insecure",
      "5:20 proxmox.nodes.pve1.address",
      "5:42 proxmox.nodes.pve1.gpu",
      "6:12 network.cidr",
      "6:52 network.vlan",
      "7:17 sshPublicKeys[0]",
      "9:15 containers.ollama-1.vmId",
      "9:46 containers.ollama-1.cpus",
    ].sort(),
  );
});

const ELEVEN_RULE_ERRORS = `${VALID}  a: { vmId: 201, address: 192.0.2.1 }
  b: { vmId: 202, address: 192.0.2.255, node: pve2 }
  c: { vmId: 203, address: 198.51.100.3, features: { keyctl: true } }
  d: { vmId: 204, address: dhcp, gateway: 192.0.2.1, name: test-a }
  e: { vmId: 205, address: 192.0.2.25, devices: [/dev/fuse], models: [a, a] }
state: { type: s3, settings: { key: x } }
`;

test("a lab with eleven rule errors has eleven errors, each with its line and column", () => {
  const { problems, places } = read(ELEVEN_RULE_ERRORS);
  expect(problems.map(({ code }, i) => `${places[i]} ${code}`).sort()).toEqual(
    [
      "8:15 containers.ollama-1.vmId duplicate-vmid",
      "9:19 containers.a.address address-is-gateway",
      "10:19 containers.b.address reserved-address",
      "10:41 containers.b.node unknown-node",
      "11:19 containers.c.address address-outside-network",
      "11:54 containers.c.features.keyctl root-only",
      "12:34 containers.d.gateway gateway-with-dhcp",
      "12:54 containers.d.name duplicate-name",
      "13:40 containers.e.devices root-only",
      "13:74 containers.e.models[1] duplicate-entry",
      "14:20 state.settings state-shared",
    ].sort(),
  );
});

describe("schema errors and rule errors together", () => {
  test("an error in one container does not hide a duplicate between two others", () => {
    const { codes } = read(`${VALID}  a: { vmId: many, address: 192.0.2.22 }\n  b: { vmId: 201, address: 192.0.2.23 }\n`);
    expect(codes).toEqual(["wrong-type", "duplicate-vmid"]);
  });
  test("a network that cannot be read does not hide a duplicate VMID", () => {
    const { codes } = read(`${VALID.replace("cidr: 192.0.2.0/24", "cidr: everywhere")}  b: { vmId: 201, address: 192.0.2.23 }\n`);
    expect(codes).toEqual(["invalid-network", "duplicate-vmid"]);
  });
  test("a node that cannot be read is not called unknown", () => {
    expect(read(VALID.replace("address: 192.0.2.11", "address: nowhere")).codes).toEqual(["invalid-address"]);
  });
  test("a gateway that cannot be read is not called missing", () => {
    expect(read(VALID.replace("gateway: 192.0.2.1", "gateway: router")).codes).toEqual(["invalid-address"]);
  });
  test("containers that cannot be read are not called absent", () => {
    expect(read(VALID.replace(/containers:[\s\S]*/, "containers: 5\n")).codes).toEqual(["wrong-type"]);
  });
});

test("the report names file, line, column, code, both sides and the remedy", () => {
  expect(read(`${VALID}  b: { vmId: 201, address: 192.0.2.23 }\n`).text).toBe(
    [
      "lab.yaml:8:15 containers.ollama-1.vmId",
      "  error duplicate-vmid: the VMID 201 is claimed by containers.b.vmId and by containers.ollama-1.vmId",
      "  → Give one of them another VMID; containers and VMs share one range of numbers.",
    ].join("\n"),
  );
});

describe("a problem that several guests share", () => {
  const shared = (gateway: string) => `${VALID.replace("gateway: 192.0.2.1", gateway)}  b: { vmId: 202, address: 192.0.2.22 }\n`;
  test("is reported once", () => {
    expect(read(shared("gateway: 198.51.100.1")).codes).toEqual(["gateway-outside-network"]);
  });
  test("is reported once for each place that it has", () => {
    expect(read(shared("dns: []")).places).toEqual(["9:19 containers.b.address", "8:26 containers.ollama-1.address"]);
  });
});

test("a problem of containers and of the cluster concerns both stacks", () => {
  const lab = labWith({ containers: baseLab.containers, defaults: { container: baseLab.defaults?.container } }, clusterLab);
  const problems = problemsOf(labWith({ network: { gateway: "198.51.100.1" } }, lab));
  expect(problems.map(({ code, stacks }) => [code, stacks])).toEqual([["gateway-outside-network", ["containers", "cluster"]]]);
});

test.each([
  [999, false],
  [1000, true],
])("aliases that stand for %i values together: refused is %p", (count, refused) => {
  const { codes } = read(`one: &one a\nmany: [${Array(count).fill("*one").join(", ")}]\n`);
  expect(codes.includes("alias-bomb")).toBe(refused);
});
