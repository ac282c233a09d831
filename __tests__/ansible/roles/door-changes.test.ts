// What makes the role https_door start the door again: each of its files, and a door that does not answer.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeOllama, startFakeOllama } from "../../../testing/fake-ollama";
import { ACME, DoorBench, FILES, TOKEN } from "./door-bench";
import { describeWithAnsible, type HostVariables, type PlaybookRun } from "./playbook";

jest.setTimeout(600_000);

describeWithAnsible("role https_door", () => {
  const bench = new DoorBench();
  let door: FakeOllama;
  let later: PlaybookRun;

  /** One host for each thing that may differ in the second run: its variables then, and those that it has in the first run too. */
  const changes: Record<string, [change: HostVariables, both?: HostVariables]> = {
    nothing: [{}],
    login: [{ ollama_https_user: "another" }],
    certificate: [{ ollama_https_certificate_file: "other.pem" }],
    key: [{ ollama_https_key_file: "other.pem" }],
    root: [{ ollama_https_acme_root_file: "other.pem" }, { ...ACME, ollama_https_acme_root_file: "certificate.pem" }],
    configuration: [{ ollama_https_names: ["another.lab.example"] }],
    unit: [{ https_door_program: "/bin/echo" }],
    silent: [{}],
  };
  const restarts = (host: string) => bench.read(host, "calls").match(/^restart ollama-door$/gm)?.length ?? 0;

  beforeAll(async () => {
    await bench.open("");
    const tls = bench.certificate("ollama.lab.example");
    writeFileSync(join(bench.lab, "other.pem"), "");
    door = await startFakeOllama({ tls, authorization: `Bearer ${TOKEN}` });
    const passing = await startFakeOllama({ tls, authorization: `Bearer ${TOKEN}` });
    const hosts = (changed: boolean) =>
      Object.fromEntries(
        Object.entries(changes).map(([name, [change, both]]) => [
          name,
          bench.withDoor(name, 11434, (name === "silent" ? passing : door).port, {
            ...FILES,
            https_door_token: TOKEN,
            https_door_program: "/bin/true",
            ...both,
            ...(changed && change),
          }),
        ]),
      );
    await bench.run(bench.role("configure"), "all", hosts(false));
    await passing.close();
    later = await bench.run(bench.role("configure"), "all", hosts(true));
  });
  afterAll(async () => {
    await door?.close();
    bench.close();
  });

  test("leaves the door alone when nothing changed", () => {
    expect(later.recap("nothing")).toMatchObject({ changed: 0, failed: 0 });
    expect(restarts("nothing")).toBe(0);
  });

  test.each(Object.keys(changes).filter((name) => name !== "nothing"))("starts the door again: %s", (name) => {
    expect(later.recap(name).failed).toBe(0);
    expect(restarts(name)).toBe(1);
  });
}, ["openssl", "tar"]);
