import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";
import { PLAIN } from "../../cli/print";
import { readLab } from "../../lab/read";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example";
const ANSWERS = {
  endpoint: "https://pve1.lab.example:8006/",
  kind: "container",
  name: "homelab",
  node: "pve1",
  "node-address": "192.0.2.11",
  bridge: "vmbr0",
  cidr: "192.0.2.0/24",
  gateway: "192.0.2.1",
  dns: "192.0.2.53",
  disks: "local-lvm",
  files: "local",
  vmid: "201",
  address: "192.0.2.21",
  models: "qwen2.5:3b",
  clients: "192.0.2.0/24",
  management: "192.0.2.10/32",
};

describe("init", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "init-"));
    file = join(folder, "lab.yaml");
    mkdirSync(join(folder, ".ssh"));
    writeFileSync(join(folder, ".ssh/id_ed25519.pub"), `${KEY}\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const flags = (answers: Partial<typeof ANSWERS>) => Object.entries(answers).flatMap(([flag, value]) => [`--${flag}`, value]);
  const init = (answers: Partial<typeof ANSWERS> = ANSWERS, ...more: string[]) =>
    run(["init", file, "--offline", ...flags(answers), ...more], { HOME: folder });

  test("writes a lab that passes the check", async () => {
    const { exitCode } = await init();
    expect([exitCode, readLab(file).problems]).toEqual([0, []]);
  });
  test("takes the public key in the user's home", async () => {
    await init();
    expect(readFileSync(file, "utf8")).toContain(KEY);
  });
  test("says what to type next", async () => {
    expect((await init()).stdout).toMatch(/ollama-lab rights .*\n.*ollama-lab doctor .*\n.*deploy '\*'/);
  });
  test("names the schema as the file sees it, for editors", async () => {
    await init();
    const path = /\$schema=(\S+)/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
    expect(existsSync(join(folder, path))).toBe(true);
  });

  test("never overwrites a file", async () => {
    writeFileSync(file, "mine");
    const { exitCode, stderr } = await init();
    expect([exitCode, stderr, readFileSync(file, "utf8")]).toEqual([1, expect.stringContaining("is there already"), "mine"]);
  });
  test("never overwrites a file that appears while it asks", async () => {
    const { cidr: _, ...rest } = ANSWERS;
    const ask = async () => {
      writeFileSync(file, "mine");
      return "192.0.2.0/24";
    };
    const { exitCode } = await run(["init", file, "--offline", ...flags(rest)], { HOME: folder }, PLAIN, ask);
    expect([exitCode, readFileSync(file, "utf8")]).toEqual([1, "mine"]);
  });
  test("never writes through a link", async () => {
    symlinkSync(join(folder, "elsewhere"), file);
    expect([(await init()).exitCode, existsSync(join(folder, "elsewhere"))]).toEqual([1, false]);
  });
  test("says so where no file can be written", async () => {
    const { exitCode, stderr } = await run(["init", join(folder, "no/lab.yaml"), "--offline", ...flags(ANSWERS)], {
      HOME: folder,
    });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("there is no such folder, or none can be made (ENOENT)")]);
  });
  test("writes no lab with an error, and says what is wrong with it", async () => {
    const { exitCode, stderr } = await init({ ...ANSWERS, dns: "192.0.2.21" });
    expect([exitCode, stderr, existsSync(file)]).toEqual([1, expect.stringContaining("Nothing was written"), false]);
  });
  test("names the flag of an answer that is missing", async () => {
    const { cidr: _, ...rest } = ANSWERS;
    const { exitCode, stderr } = await init(rest);
    expect([exitCode, stderr, existsSync(file)]).toEqual([1, expect.stringContaining("--cidr <network>"), false]);
  });
  test("asks a person on a terminal", async () => {
    const { cidr: _, ...rest } = ANSWERS;
    const ask = async () => "192.0.2.0/24";
    const { exitCode } = await run(["init", file, "--offline", ...flags(rest)], { HOME: folder }, PLAIN, ask);
    expect([exitCode, readFileSync(file, "utf8")]).toEqual([0, expect.stringContaining("cidr: 192.0.2.0/24")]);
  });
  test("without a credential, names the variable to set, and that there is --offline", async () => {
    const { stderr } = await run(["init", file, ...flags(ANSWERS)], { HOME: folder });
    expect(stderr).toMatch(/PROXMOX_VE_API_TOKEN is not set.*--offline/s);
  });
  test("without a file in its arguments it takes the one in LAB", async () => {
    await run(["init", "--offline", ...flags(ANSWERS)], { HOME: folder, LAB: file });
    expect(existsSync(file)).toBe(true);
  });
});
