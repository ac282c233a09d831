import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, run } from "../../cli";
import { describeWithTool } from "../../testing/external-tool";

const SECRET = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const GUESTS = 50;
const GIB = 1024 ** 3;

/** A lab of many containers on one node. */
function labOf(endpoint: string): string {
  const containers = Array.from(
    { length: GUESTS },
    (_, index) =>
      `  c-${index}: { node: pve1, vmId: ${1000 + index}, address: 192.0.2.${100 + index}, memoryGiB: 1, diskGiB: 8 }`,
  );
  return [
    "name: many",
    `proxmox: { endpoint: "${endpoint}", insecure: true, nodes: { pve1: { address: 192.0.2.11 } } }`,
    "network: { cidr: 192.0.2.0/24, gateway: 192.0.2.1, clients: [192.0.2.0/24], management: [192.0.2.10/32] }",
    "sshPublicKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example]",
    "containers:",
    ...containers,
  ].join("\n");
}

describeWithTool("openssl", "doctor, of a lab of 50 guests of which all but one are deployed", () => {
  let folder: string;
  let server: Server;
  let file: string;
  let [underWay, most, asked] = [0, 0, 0];
  let seconds: number;
  /** What it prints for people, and for programs. */
  let text: Answer;
  let json: Answer;

  const doctor = (...options: string[]) =>
    run(["doctor", file, ...options], { PATH: join(folder, "bin"), PROXMOX_VE_API_TOKEN: `terraform@pve!lab=${SECRET}` });

  /** A stranger beside the guests of the lab: each question about one is a request more. */
  const guests = [
    ...Array.from({ length: GUESTS - 1 }, (_, index) => ({ vmid: 1000 + index, name: `many-c-${index}`, status: "stopped" })),
    ...Array.from({ length: GUESTS }, (_, index) => ({ vmid: 5000 + index, name: `other-${index}`, status: "running" })),
  ].map((guest) => ({ ...guest, type: "lxc", node: "pve1" }));
  const answers: Readonly<Record<string, unknown>> = {
    "/version": { version: "9.1.4" },
    "/nodes": [{ node: "pve1", status: "online", maxcpu: 64, maxmem: 512 * GIB }],
    "/cluster/resources": guests,
    "/cluster/firewall/options": { enable: 1 },
    "/nodes/pve1/storage": [
      { storage: "local", type: "dir", content: "vztmpl", active: 1, enabled: 1, avail: 900 * GIB },
      { storage: "local-lvm", type: "lvmthin", content: "rootdir", active: 1, enabled: 1, avail: 900 * GIB },
    ],
    "/nodes/pve1/network": [{ iface: "vmbr0", active: 1 }],
    "/access/permissions": {},
  };
  const answerTo = (path: string): unknown => {
    if (path.endsWith("/config")) return { net0: "name=eth0,bridge=vmbr0,firewall=1" };
    if (path.endsWith("/interfaces")) return [{ name: "eth0", "ip-addresses": [{ "ip-address": "198.51.100.9" }] }];
    if (path.endsWith("/firewall/options")) return { enable: 1 };
    return answers[path] ?? [];
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "doctor-many-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", cert, "-subj", "/CN=pve1", "-days", "2"], {
      stdio: "pipe",
    });
    server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      underWay += 1;
      asked += 1;
      most = Math.max(most, underWay);
      const { pathname } = new URL(request.url ?? "/", "https://pve1");
      setTimeout(() => {
        underWay -= 1;
        response.end(JSON.stringify({ data: answerTo(pathname.replace("/api2/json", "")) }));
      }, 5);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    file = join(folder, "lab.yaml");
    writeFileSync(file, labOf(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`));
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin/terraform"), '#!/bin/sh\necho \'{"terraform_version": "1.11.4"}\'\n');
    chmodSync(join(folder, "bin/terraform"), 0o755);
    const begin = Date.now();
    text = await doctor();
    seconds = (Date.now() - begin) / 1000;
    json = await doctor("--json");
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test("asks no more than eight questions at once, and several at once", () => {
    expect([asked > 4 * GUESTS, most]).toEqual([true, 8]);
  });
  test("answers within a few seconds", () => expect(seconds).toBeLessThan(10));
  test("shows each guest that is there: where, in which state, with its firewall", () => {
    const { stdout } = text;
    expect(stdout).toMatch(/^Guests\n {2}many-c-0 +CT 1000 +pve1 +stopped +firewall on\n/);
    expect(stdout).toContain("… and 1 not deployed yet");
  });
  test("names the programs of this machine with their versions", () => {
    expect(text.stdout).toContain("This machine: terraform 1.11.4\n");
  });
  test("gives programs the same, as data", () => {
    const { result } = JSON.parse(json.stdout);
    expect([result.tools, result.guests[0]]).toEqual([
      { terraform: "1.11.4" },
      { key: "c-0", name: "many-c-0", kind: "lxc", vmId: 1000, node: "pve1", state: "stopped", firewall: "on" },
    ]);
  });
  test("says what is wrong at its place in the file, and ends with 1", () => {
    const { exitCode, stderr } = text;
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/lab\.yaml:2:1 proxmox.*\n {2}error missing-privilege: /)]);
  });
  test("shows the credential nowhere", () => {
    expect(JSON.stringify([text, json])).not.toContain(SECRET);
  });
});

test("a lab with errors is not asked about", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-refused-"));
  writeFileSync(join(folder, "lab.yaml"), "name: X");
  const { exitCode, stderr } = await run(["doctor", join(folder, "lab.yaml")], {});
  rmSync(folder, { recursive: true });
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("nothing was asked")]);
});
