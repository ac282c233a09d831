import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithAnsible, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

/** A line such as a .pub file holds. */
const key = (name: string) =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${Buffer.from(name.padEnd(30, "x")).toString("base64")} ${name}`;
const byHand = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBB added-by-hand";

describeWithAnsible("role ssh_access", () => {
  const bench = new Workbench();
  const file = (host: string) => join(bench.root(host), "root/.ssh/authorized_keys");
  const keys = (host: string) =>
    readFileSync(file(host), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
  const host = (name: string, names: readonly string[], variables = {}) =>
    bench.host(name, 1, { ssh_access_file: file(name), ssh_authorized_keys: names.map(key), ...variables });
  /** A line as it comes from a file, twice. */
  const untidy = { ssh_authorized_keys: [` ${key("anna")}\n`, key("anna")] };
  let first: PlaybookRun;
  let second: PlaybookRun;
  let afterFirst: string[];

  beforeAll(async () => {
    for (const name of ["adding", "exclusive", "empty", "wrong"]) {
      mkdirSync(join(bench.root(name), "root/.ssh"), { recursive: true });
      writeFileSync(file(name), `${byHand}\n`);
    }
    first = await bench.run("provision.yml", "ssh", {
      adding: host("adding", ["anna", "ben"]),
      bare: host("bare", [], untidy),
      exclusive: host("exclusive", [], { ...untidy, ssh_access_exclusive: true }),
      empty: host("empty", [], { ssh_access_exclusive: true }),
      wrong: host("wrong", ["anna"], { ssh_authorized_keys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }),
    });
    afterFirst = keys("adding");
    second = await bench.run("provision.yml", "ssh", {
      adding: host("adding", ["ben"]),
      bare: host("bare", ["anna"]),
      exclusive: host("exclusive", ["anna"], { ssh_access_exclusive: true }),
    });
  });
  afterAll(() => bench.remove());

  test("adds the lab's keys and keeps the others", () => {
    expect(first.recap("adding").failed).toBe(0);
    expect(afterFirst).toEqual([byHand, key("anna"), key("ben")]);
  });

  test("removes a key that left the lab, and no other", () => {
    expect(keys("adding")).toEqual([byHand, key("ben")]);
  });

  test("makes the file where there is none, for root alone", () => {
    expect(keys("bare")).toEqual([key("anna")]);
    expect(["root/.ssh", "root/.ssh/authorized_keys"].map((path) => bench.mode("bare", path))).toEqual(["700", "600"]);
  });

  test("makes the lab's keys the only ones when it is asked to", () => {
    expect(keys("exclusive")).toEqual([key("anna")]);
    expect(bench.mode("exclusive", "root/.ssh/authorized_keys")).toBe("600");
  });

  test("touches nothing when the lab has no keys, so that nobody is locked out", () => {
    expect(first.recap("empty")).toMatchObject({ changed: 0, failed: 0 });
    expect(keys("empty")).toEqual([byHand]);
  });

  test("refuses what is no public key before it touches the file", () => {
    expect(first.failure("wrong")).toContain("which is no public SSH key");
    expect(keys("wrong")).toEqual([byHand]);
  });

  test("marks the lab's keys, and says whose they are", () => {
    expect(readFileSync(file("bare"), "utf8")).toBe(
      `# BEGIN keys of the lab, managed by Ansible\n${key("anna")}\n# END keys of the lab, managed by Ansible\n`,
    );
  });

  test("changes nothing in a second run", () => {
    for (const name of ["bare", "exclusive"]) expect(second.recap(name)).toMatchObject({ changed: 0, failed: 0 });
  });
});
