// The door before Ollama as a real Caddy, with what the role has written.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { HTTPS_PORT } from "../../../catalog/caddy";
import { type FakeOllama, startFakeOllama } from "../../../testing/fake-ollama";
import { basic, DoorBench, TOKEN } from "./door-bench";
import { describeWithAnsible, type HostVariables, type PlaybookRun } from "./playbook";

jest.setTimeout(600_000);

/** Starts and stops the unit's program for real, as the role asks, and notes the rest as the bench's own stub does. */
const systemctlWithDoor = `\
for verb in "$@"; do case "$verb" in -*) ;; *) break ;; esac; done
case "$verb $*" in
  stop*ollama-door* | restart*ollama-door*)
    [ ! -e "$STUB_STATE/door-pid" ] || kill "$(cat "$STUB_STATE/door-pid")"
    while [ -e "$STUB_STATE/door-pid" ] && kill -0 "$(cat "$STUB_STATE/door-pid")" 2>/dev/null; do sleep 0.1; done
    ;;
esac
case "$verb $*" in
  start*ollama-door* | restart*ollama-door*)
    set -a
    . "$STUB_ROOT/etc/ollama-door/login.env"
    HOME=$STUB_STATE
    $(sed -n 's/^ExecStart=//p' "$STUB_ROOT/etc/systemd/system/ollama-door.service") >>"$STUB_STATE/door-journal" 2>&1 </dev/null &
    echo $! >"$STUB_STATE/door-pid"
    ;;
esac
exec "$0-stub" "$@"
`;

/** The last lines of what the door said. */
const journalctlOfDoor = 'tail -n 30 "$STUB_STATE/door-journal"';

/** A bench whose doors are a real Caddy. */
class RealDoorBench extends DoorBench {
  private readonly doors: string[] = [];

  /** Where Caddy is. */
  static readonly program =
    (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((entry) => join(entry, "caddy"))
      .find((path) => existsSync(path)) ?? "";

  override withDoor(name: string, ollama: number, port: number, more: HostVariables = {}): HostVariables {
    const host = super.withDoor(name, ollama, port, { https_door_timeout: 20, ...more });
    const bin = join(this.folder, name, "bin");
    renameSync(join(bin, "systemctl"), join(bin, "systemctl-stub"));
    this.command(name, "systemctl", systemctlWithDoor);
    this.command(name, "journalctl", journalctlOfDoor);
    this.doors.push(name);
    return host;
  }

  override close(): void {
    for (const name of this.doors) {
      const pid = Number(this.read(name, "door-pid"));
      if (pid > 0) process.kill(pid);
    }
    super.close();
  }
}

/** A question to a door. */
interface Question {
  readonly port: number;
  readonly host?: string;
  /** The name that TLS asks for. @default the host */
  readonly servername?: string;
  readonly authorization?: string;
  /** The root that the certificate must come from, PEM. @default any certificate will do */
  readonly ca?: string;
}

/** Asks a door for the models. @returns the status and the answer */
function ask({
  port,
  host = "ollama.lab.example",
  servername = host,
  authorization,
  ca,
}: Question): Promise<[number | undefined, string]> {
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
  const headers = { Host: host, ...(authorization !== undefined && { Authorization: authorization }) };
  // A connection for each question: a restarted door has closed the former ones.
  const options = { port, host: "127.0.0.1", path: "/api/tags", servername, agent: false, ...trust, headers };
  return new Promise((done, fail) => {
    request(options, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => done([response.statusCode, text]));
    })
      .on("error", fail)
      .end();
  });
}

async function freePort(): Promise<number> {
  const free = createServer();
  const port = await new Promise<number>((done) => free.listen(0, () => done((free.address() as AddressInfo).port)));
  await new Promise((done) => free.close(done));
  return port;
}

const startOllama = () =>
  startFakeOllama({
    models: [{ name: "llama3.2:1b", size: 1 }],
    misbehave: { "/api/version": { answer: '{"version":"0.32.15"}' } },
  });

describeWithAnsible("with a real Caddy the door", () => {
  const bench = new RealDoorBench();
  let ollama: FakeOllama;
  let port: number;
  let run: PlaybookRun;

  beforeAll(async () => {
    await bench.open(readFileSync(RealDoorBench.program));
    ollama = await startOllama();
    port = await freePort();
    run = await bench.apply({ real: bench.withDoor("real", ollama.port, port) });
  });
  afterAll(async () => {
    await ollama?.close();
    bench.close();
  });

  test("passes the role's own proof", () => expect(run.recap("real")).toMatchObject({ failed: 0 }));
  test("refuses who has no token, and says what it asks for", async () => {
    expect(await ask({ port })).toEqual([401, expect.stringContaining("token")]);
  });
  test.each([
    ["another token", `Bearer ${TOKEN}x`],
    ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`],
    ["an asterisk", "Bearer *"],
    ["an empty token", "Bearer "],
    ["another password", basic("another")],
  ])("refuses %s", async (_, authorization) => expect((await ask({ port, authorization }))[0]).toBe(401));
  test.each([
    ["the token", `Bearer ${TOKEN}`],
    ["the token as a password", basic(TOKEN)],
  ])("hands Ollama's answer to who has %s", async (_, authorization) => {
    expect(await ask({ port, authorization })).toEqual([200, expect.stringContaining("llama3.2:1b")]);
  });
  test("calls Ollama by a name that it answers to on loopback, and hands it no token", async () => {
    await ask({ port, authorization: `Bearer ${TOKEN}` });
    expect(ollama.requests.at(-1)).toMatchObject({ host: `127.0.0.1:${ollama.port}`, authorization: undefined });
  });
  test("answers 421 to who calls it by another name", async () => {
    const question = { port, host: "elsewhere.example", authorization: `Bearer ${TOKEN}` };
    expect((await ask({ ...question, servername: "ollama.lab.example" }))[0]).toBe(421);
  });
  test("shows no certificate to who asks for one of another name", async () => {
    await expect(ask({ port, host: "elsewhere.example" })).rejects.toThrow(/tlsv1 alert internal error/);
  });
}, ["tar", "caddy"]);

/** Whether this process may listen at the port of HTTPS, and nobody else does. A certificate authority asks there, and nowhere else. */
function hasHttpsPort(): boolean {
  const script = `require("node:net").createServer().on("error", () => process.exit(1)).listen(${HTTPS_PORT}, () => process.exit(0))`;
  return spawnSync(process.execPath, ["-e", script]).status === 0;
}

/** A certificate authority with an ACME server: another Caddy, of an authority that nobody knows. */
class AcmeAuthority {
  private process: ChildProcess | undefined;
  readonly server: string;

  constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {
    this.server = `https://localhost:${port}/acme/local/directory`;
  }

  /** The root behind its own HTTPS, which also issues the doors' certificates. */
  get root(): string {
    return join(this.folder, "authority/pki/authorities/local/root.crt");
  }

  async start(): Promise<void> {
    const text = `{
      admin off
      auto_https disable_redirects
      skip_install_trust
      storage file_system ${join(this.folder, "authority")}
    }
    https://localhost:${this.port} {
      tls internal
      acme_server
    }`;
    const file = join(this.folder, "authority.Caddyfile");
    writeFileSync(file, text);
    const env = { HOME: this.folder, PATH: process.env["PATH"] };
    this.process = spawn(RealDoorBench.program, ["run", "--adapter", "caddyfile", "--config", file], { env, stdio: "ignore" });
    for (let i = 0; i < 100 && !(await this.answers()); i += 1) await new Promise((done) => setTimeout(done, 100));
  }

  async stop(): Promise<void> {
    if (!this.process || this.process.exitCode !== null) return;
    const gone = new Promise((done) => this.process?.once("exit", done));
    this.process.kill();
    await gone;
  }

  private answers(): Promise<boolean> {
    return ask({ port: this.port, host: "localhost" }).then(
      () => true,
      () => false,
    );
  }
}

const describeAtHttpsPort = hasHttpsPort() ? describeWithAnsible : (describe.skip as typeof describeWithAnsible);
if (describeAtHttpsPort !== describeWithAnsible)
  console.warn(`SKIPPED: the door with a certificate by ACME: port ${HTTPS_PORT} of this machine cannot be listened at`);

describeAtHttpsPort("with a certificate by ACME the door", () => {
  const bench = new RealDoorBench();
  const port = HTTPS_PORT;
  const host = "localhost";
  const authorization = `Bearer ${TOKEN}`;
  let ollama: FakeOllama;
  let authority: AcmeAuthority;
  let variables: HostVariables;
  const runs: Record<"away" | "stranger" | "known", PlaybookRun> = {} as never;

  const apply = (changes: HostVariables = {}) => bench.apply({ acme: { ...variables, ...changes } });
  const orders = () => bench.read("acme", "door-journal").match(/"msg":"obtaining certificate"/g)?.length ?? 0;

  beforeAll(async () => {
    await bench.open(readFileSync(RealDoorBench.program));
    ollama = await startOllama();
    authority = new AcmeAuthority(bench.folder, await freePort());
    variables = bench.withDoor("acme", ollama.port, port, {
      ollama_https_names: [host],
      ollama_https_certificate: "acme",
      ollama_https_email: "operator@lab.example",
      ollama_https_acme_server: authority.server,
      https_door_timeout: 4,
    });
    runs.away = await apply();
    await authority.start();
    runs.stranger = await apply();
    writeFileSync(join(bench.lab, "root.crt"), readFileSync(authority.root));
    runs.known = await apply({ ollama_https_acme_root_file: "root.crt", https_door_timeout: 20 });
  });
  afterAll(async () => {
    await authority?.stop();
    await ollama?.close();
    bench.close();
  });

  test("fails where the authority cannot be reached, and names both sides and the reason", () => {
    const said = runs.away.failure("acme");
    expect(said).toContain(`Its certificate comes from ${authority.server}`);
    expect(said).toContain(`the server must reach port ${HTTPS_PORT} of localhost`);
    expect(said).toMatch(/The door says: .*connection refused/);
  });

  test("fails where the container does not know the authority's own root, and says so", () => {
    expect(runs.stranger.failure("acme")).toMatch(/The door says: .*certificate signed by unknown authority/);
  });

  test("gets a certificate once it knows the root", async () => {
    expect(runs.known.recap("acme")).toMatchObject({ failed: 0 });
    expect(await ask({ port, host, ca: readFileSync(authority.root, "utf8") })).toEqual([401, expect.stringContaining("token")]);
  });

  test("hands Ollama's answer to who has the token", async () => {
    const ca = readFileSync(authority.root, "utf8");
    expect(await ask({ port, host, authorization, ca })).toEqual([200, expect.stringContaining("llama3.2:1b")]);
  });

  describe("later", () => {
    test("is left alone by a second run", async () => {
      const run = await apply({ ollama_https_acme_root_file: "root.crt" });
      expect(run.recap("acme")).toMatchObject({ failed: 0, changed: 0 });
    });

    test("starts again with the certificate that it has, while the authority is away", async () => {
      await authority.stop();
      const before = orders();
      writeFileSync(join(bench.lab, "ollama-token"), "swordfish-swordfish-1\n");
      const run = await apply({ ollama_https_acme_root_file: "root.crt" });
      expect(run.recap("acme")).toMatchObject({ failed: 0 });
      expect(orders()).toBe(before);
      const ca = readFileSync(authority.root, "utf8");
      expect((await ask({ port, host, authorization: "Bearer swordfish-swordfish-1", ca }))[0]).toBe(200);
    });
  });
}, ["tar", "caddy"]);
