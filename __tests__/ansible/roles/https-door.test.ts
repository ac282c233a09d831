// The door before Ollama. Its archive comes from a mirror of the test's own, and the test's own HTTPS server stands for Caddy; where a real
// Caddy is on PATH, a second part runs that with what the role has written.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { arch } from "node:os";
import { delimiter, join } from "node:path";
import { CADDY_OLDEST, DOOR_USER, HTTPS_PORT } from "../../../catalog/caddy";
import { type FakeOllama, startFakeOllama } from "../../../testing/fake-ollama";
import { AWAY, describeWithAnsible, type HostVariables, type PlaybookRun, Workbench, withEnvironment } from "./playbook";

jest.setTimeout(600_000);

const TOKEN = "hunter2-hunter2-hunter2";
const VERSION = "2.99.0";
const ARCHITECTURE = arch() === "arm64" ? "arm64" : "amd64";
const basic = (password: string) => `Basic ${Buffer.from(`${DOOR_USER}:${password}`).toString("base64")}`;

/** Knows how to adapt a configuration, which is all that the role asks of it. */
const fakeCaddy = '#!/bin/sh\n[ "$1" = adapt ] && for last in "$@"; do :; done && grep -q "^https://" "$last"\n';

/** A bench with a mirror of Caddy's releases, and files of a lab. */
class DoorBench extends Workbench {
  readonly downloads: string[] = [];
  readonly lab = join(this.folder, "lab");
  private archive = Buffer.alloc(0);
  private readonly mirror = createServer((incoming, response) => {
    this.downloads.push(incoming.url ?? "");
    response.end(this.archive);
  });

  async open(program: string | Buffer): Promise<void> {
    mkdirSync(this.lab);
    writeFileSync(join(this.lab, "ollama-token"), `${TOKEN}\n`);
    const pack = join(this.folder, "pack");
    mkdirSync(pack);
    writeFileSync(join(pack, "caddy"), program, { mode: 0o755 });
    writeFileSync(join(pack, "LICENSE"), "");
    const packed = spawnSync("tar", ["-czf", join(this.folder, "caddy.tar.gz"), "-C", pack, "."]);
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
    this.archive = readFileSync(join(this.folder, "caddy.tar.gz"));
    await new Promise<void>((done) => this.mirror.listen(0, "127.0.0.1", done));
  }

  close(): void {
    this.mirror.close();
    this.remove();
  }

  /** A certificate for a name, with its key. */
  certificate(name: string): { key: string; cert: string } {
    const [key, cert] = [join(this.lab, "key.pem"), join(this.lab, "certificate.pem")];
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
    const files = ["-keyout", key, "-out", cert];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files]);
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  }

  /** A host with a door at a port, before the Ollama at another. */
  withDoor(name: string, ollama: number, port: number, more: HostVariables = {}): HostVariables {
    const sha512 = createHash("sha512").update(this.archive).digest("hex");
    const host = this.host(name, ollama, {
      lab_folder: this.lab,
      ollama_https_port: port,
      ollama_https_names: ["ollama.lab.example", "192.0.2.21"],
      ollama_https_user: DOOR_USER,
      ollama_https_token_file: "ollama-token",
      ollama_https_certificate: "internal",
      ollama_https_caddy_oldest: CADDY_OLDEST,
      ollama_https_caddy_version: VERSION,
      ollama_https_caddy_sha512: { [ARCHITECTURE]: sha512 },
      ollama_https_caddy_url: `http://127.0.0.1:${(this.mirror.address() as AddressInfo).port}/mirror/`,
      // Who never opens need not be waited for.
      ...(name !== "internal" && { https_door_timeout: 3, https_door_interval: 1 }),
      ...more,
    });
    // A distribution without a Caddy, as Ubuntu 22.04.
    this.command(name, "apt-cache", "#!/bin/sh\n");
    return host;
  }

  file(host: string, path: string): string {
    return readFileSync(join(this.root(host), path), "utf8");
  }

  /** The role alone, or one of its task files, after what every playbook reads of a host. */
  role(tasksFrom = "main"): string {
    const path = this.playbook("https_door", tasksFrom);
    const [play] = JSON.parse(readFileSync(path, "utf8")) as [{ tasks: object[] }];
    play.tasks.unshift({ "ansible.builtin.setup": { gather_subset: ["min"] } });
    writeFileSync(path, JSON.stringify([play]));
    return path;
  }

  /** The plan's words, with everything that it may tell: values, differences, results of modules. */
  apply(hosts: Record<string, HostVariables>, ...more: string[]): Promise<PlaybookRun> {
    return this.run(this.role(), "all", hosts, "--diff", "-vvv", ...more);
  }
}

describeWithAnsible("role https_door", () => {
  const bench = new DoorBench();
  const doors: FakeOllama[] = [];
  let first: PlaybookRun;
  let second: PlaybookRun;
  let tried: PlaybookRun;
  let program: PlaybookRun;
  let settled: Record<string, HostVariables>;

  /** An HTTPS server in the place of Caddy. */
  const door = async (authorization: string | undefined): Promise<number> => {
    const tls = bench.certificate("ollama.lab.example");
    const misbehave = { "/api/version": { answer: '{"version":"0.32.15"}' } };
    const server = await startFakeOllama({ tls, misbehave, ...(authorization && { authorization }) });
    doors.push(server);
    return server.port;
  };

  /** A distribution that has this Caddy, or an origin of the operator's beside it. */
  const withPackage = (name: string, version: string, url?: string): HostVariables => {
    const host = bench.withDoor(
      name,
      11434,
      1,
      url === undefined ? {} : { ollama_https_caddy_url: url, https_door_download_retries: 0 },
    );
    bench.withApt(name);
    const policy = `caddy:\n  Installed: (none)\n  Candidate: 1:${version}\n`;
    bench.command(name, "apt-cache", `#!/bin/sh\nprintf '${policy}'\n`);
    return withEnvironment(host, AWAY);
  };

  beforeAll(async () => {
    await bench.open(fakeCaddy);
    writeFileSync(join(bench.lab, "short"), "hunter2\n");
    writeFileSync(join(bench.lab, "any"), "hunter2*hunter2*hunter2\n");
    const locked = await door(`Bearer ${TOKEN}`);
    settled = {
      internal: bench.withDoor("internal", 11434, locked),
      files: bench.withDoor("files", 11434, locked, {
        ollama_https_certificate: "files",
        ollama_https_certificate_file: "certificate.pem",
        ollama_https_key_file: "key.pem",
      }),
      acme: bench.withDoor("acme", 11434, locked, {
        ollama_https_certificate: "acme",
        ollama_https_email: "operator@lab.example",
        ollama_https_acme_server: "https://ca.lab.example/directory",
      }),
    };
    first = await bench.apply({
      ...settled,
      absent: bench.withDoor("absent", 11434, locked, { ollama_https_token_file: "nowhere" }),
      short: bench.withDoor("short", 11434, locked, { ollama_https_token_file: "short" }),
      any: bench.withDoor("any", 11434, locked, { ollama_https_token_file: "any" }),
      nokey: bench.withDoor("nokey", 11434, locked, {
        ollama_https_certificate: "files",
        ollama_https_certificate_file: "certificate.pem",
        ollama_https_key_file: "no-key.pem",
      }),
      tampered: bench.withDoor("tampered", 11434, locked, { ollama_https_caddy_sha512: { [ARCHITECTURE]: "0".repeat(128) } }),
      unlocked: bench.withDoor("unlocked", 11434, await door(undefined)),
      other: bench.withDoor("other", 11434, await door("Bearer another-token-of-somebody")),
      none: bench.host("none", 11434),
    });
    second = await bench.apply(settled);
    const managed = bench.withDoor("managed", 11434, locked, { ollama_manage_user: true });
    const release = join(bench.root("managed"), "opt/ollama-door/releases", VERSION);
    mkdirSync(release, { recursive: true });
    writeFileSync(join(release, "caddy"), fakeCaddy);
    tried = await bench.run(bench.role(), "all", { ...settled, managed }, "--check");
    program = await bench.run(bench.role("install"), "all", {
      packaged: withPackage("packaged", "2.9.1-1", ""),
      old: withPackage("old", "2.5.1-1", ""),
      mirrored: withPackage("mirrored", "2.9.1-1"),
    });
  });
  afterAll(async () => {
    for (const one of doors) await one.close();
    bench.close();
  });

  test.each(["internal", "files", "acme"])("puts a door with a certificate by %s before Ollama", (name) => {
    expect(first.recap(name)).toMatchObject({ failed: 0 });
    expect(existsSync(join(bench.state(name), "door-enabled"))).toBe(true);
    expect(bench.read(name, "calls")).toMatch(/^daemon-reload$.*^start ollama-door$/ms);
  });

  test.each(["internal", "files", "acme"])("changes nothing in a second run of %s", (name) => {
    expect(second.recap(name)).toMatchObject({ failed: 0, changed: 0 });
  });

  test.each(["internal", "files", "acme"])("can be tried with --check on a container with %s, which changes nothing", (name) => {
    expect(tried.recap(name)).toMatchObject({ failed: 0, changed: 0 });
  });

  test("runs by an account of its own, without a shell", () => {
    expect(tried.calls("managed", "group")[0]?.args).toMatchObject({ name: "ollama-door", system: true });
    expect(tried.calls("managed", "user")[0]?.args).toMatchObject({
      name: "ollama-door",
      group: "ollama-door",
      system: true,
      home: join(bench.root("managed"), "var/lib/ollama-door"),
      create_home: false,
      shell: "/usr/sbin/nologin",
    });
  });

  test("gives its folders to that account", () => {
    const folders = tried.calls("managed", "file").map(({ args }) => [args["path"], args["owner"], args["group"]]);
    expect(folders).toEqual([
      [join(bench.root("managed"), "etc/ollama-door"), null, "ollama-door"],
      [join(bench.root("managed"), "var/lib/ollama-door"), "ollama-door", "ollama-door"],
    ]);
  });

  test("changes what it installs, and by nothing that it asks", () => {
    // Folders, archive, contents, release, and the staging folder again; two folders, login, configuration and unit; the start, and at boot.
    expect(first.recap("internal").changed).toBe(12);
    // The certificate and its key too.
    expect(first.recap("files").changed).toBe(14);
  });

  test("downloads into its staging folder, and tries it three times again after a minute of silence", () => {
    const staging = join(bench.root("internal"), "opt/ollama-door/staging");
    expect(first.calls("internal", "get_url")).toMatchObject([
      { retries: 3, delay: 10, args: { timeout: 60, mode: "0600", dest: join(staging, "archive"), tmp_dest: staging } },
    ]);
  });

  test("looks for a minute and a half whether it is open", () => {
    expect(first.calls("internal", "uri")).toMatchObject([
      { args: { timeout: 10 } },
      { retries: 30, delay: 3, args: { timeout: 10 } },
      { args: {} },
    ]);
  });

  test("fetches the release of the mirror, once for each host", () => {
    const path = `/mirror/v${VERSION}/caddy_${VERSION}_linux_${ARCHITECTURE}.tar.gz`;
    expect(bench.downloads).toContain(path);
    expect(bench.downloads.filter((one) => one === path)).toHaveLength(7);
  });

  test("runs no archive with another checksum, and names both", () => {
    expect(first.failure("tampered")).toMatch(
      /has the SHA-512 [0-9a-f]{128}, but the release's is 0{128}\. Nothing was replaced/,
    );
    expect(existsSync(join(bench.root("tampered"), "opt/ollama-door/releases", VERSION))).toBe(false);
  });

  test("prints the token nowhere, though everything is printed", () => {
    const said = first.output + second.output;
    expect(said).not.toContain("hunter2");
    expect(said).not.toContain(basic(TOKEN).slice(6));
  });

  test("keeps the token in one file, which nobody but root reads", () => {
    expect(bench.file("internal", "etc/ollama-door/login.env")).toBe(
      `DOOR_BEARER="Bearer ${TOKEN}"\nDOOR_BASIC="${basic(TOKEN)}"\n`,
    );
    expect(bench.mode("internal", "etc/ollama-door/login.env")).toBe("600");
    expect(bench.file("internal", "etc/ollama-door/Caddyfile")).not.toContain("hunter2");
  });

  test("lets nobody else into its configuration and its certificates", () => {
    const modes = ["etc/ollama-door", "var/lib/ollama-door", "etc/ollama-door/Caddyfile"].map((path) =>
      bench.mode("internal", path),
    );
    expect(modes).toEqual(["750", "750", "640"]);
  });

  test("lets every account read its unit, its certificate and its releases", () => {
    const paths = ["etc/systemd/system/ollama-door.service", "etc/ollama-door/certificate.pem", "opt/ollama-door/releases"];
    const release = `opt/ollama-door/releases/${VERSION}`;
    expect([...paths, release].map((path) => bench.mode("files", path))).toEqual(["644", "644", "755", "755"]);
  });

  test("leaves nothing of a download behind, whether it was taken or not", () => {
    const left = ["internal", "tampered"].filter((host) => existsSync(join(bench.root(host), "opt/ollama-door/staging")));
    expect(left).toEqual([]);
  });

  test("takes the distribution's Caddy where it is new enough, and keeps its service away", () => {
    expect(program.recap("packaged").failed).toBe(0);
    expect(bench.read("packaged", "apt")).toMatch(
      /^apt-get .*DPkg::Lock::Timeout=300 +install caddy -o APT::Install-Recommends=no$/m,
    );
    expect(readlinkSync(join(bench.root("packaged"), "etc/systemd/system/caddy.service"))).toBe("/dev/null");
  });

  test("takes the project's Caddy where the distribution's is too old", () => {
    expect(program.failure("old")).toContain(`/v${VERSION}/caddy_${VERSION}_linux_${ARCHITECTURE}.tar.gz`);
    expect(bench.read("old", "apt")).toBe("");
  });

  test("takes the Caddy of an origin of the operator's, though the distribution has one", () => {
    expect(program.recap("mirrored").failed).toBe(0);
    expect(bench.read("mirrored", "apt")).toBe("");
  });

  test("copies a certificate of the operator's, and its key for the door alone", () => {
    expect(bench.file("files", "etc/ollama-door/certificate.pem")).toContain("BEGIN CERTIFICATE");
    expect(bench.mode("files", "etc/ollama-door/key.pem")).toBe("600");
    expect(first.output).not.toContain("PRIVATE KEY");
  });

  test("asks an ACME server for the host alone, at port 443 and not at 80", () => {
    const text = bench.file("acme", "etc/ollama-door/Caddyfile");
    expect(text).toContain("dir https://ca.lab.example/directory");
    expect(text).toContain("disable_http_challenge");
    expect(text).not.toContain("192.0.2.21");
  });

  test("answers to every name and address of its certificate", () => {
    const port = String(settled["internal"]?.["ollama_https_port"]);
    expect(bench.file("internal", "etc/ollama-door/Caddyfile")).toContain(
      `\nhttps://ollama.lab.example:${port}, https://192.0.2.21:${port} {\n`,
    );
  });

  test("starts no door without its login", () => {
    const unit = bench.file("internal", "etc/systemd/system/ollama-door.service");
    expect(unit).toContain(`EnvironmentFile=${join(bench.root("internal"), "etc/ollama-door/login.env")}\n`);
  });

  test("says where the token is to be, and how it is made", () => {
    expect(first.failure("absent")).toMatch(
      /is to be in \S+\/nowhere .+ there is no such file\. Make it: .*openssl rand -hex 32/,
    );
  });

  test.each([
    ["short", "is too short"],
    ["any", "has a character that Caddy takes for any text"],
  ])("refuses the token of %s, which %s", (name) => {
    expect(first.failure(name)).toContain("does not hold a token of at least 16 letters, digits");
    expect(existsSync(join(bench.root(name), "etc/ollama-door/login.env"))).toBe(false);
  });

  test("names a key that is not on the operator's machine", () => {
    expect(first.failure("nokey")).toMatch(/needs \S+\/no-key\.pem on the machine that runs Ansible/);
  });

  test("fails when whoever has no token is let in", () => {
    expect(first.failure("unlocked")).toMatch(/was asked without a token\. It should have answered 401/);
  });

  test("fails when the token does not open the door", () => {
    expect(first.failure("other")).toMatch(/answered 401 with the right token/);
  });

  test("does nothing for a container without a door", () => {
    expect(first.recap("none")).toMatchObject({ failed: 0, changed: 0 });
  });

  describe("later", () => {
    test("brings another token, and starts the door again", async () => {
      writeFileSync(join(bench.lab, "ollama-token"), "swordfish-swordfish-1\n");
      const server = await door("Bearer swordfish-swordfish-1");
      const host = { ...settled["files"], ollama_https_port: server };
      const run = await bench.apply({ files: host });
      expect(run.recap("files")).toMatchObject({ failed: 0 });
      expect(bench.file("files", "etc/ollama-door/login.env")).toContain("swordfish-swordfish-1");
      expect(run.output).not.toContain("swordfish");
    });

    test("takes the door, its login and its key away when the lab has none any more", async () => {
      const run = await bench.apply({ internal: { ...settled["internal"], ollama_https_port: 0 } });
      expect(run.recap("internal")).toMatchObject({ failed: 0 });
      const left = ["etc/ollama-door", "etc/systemd/system/ollama-door.service"].filter((path) =>
        existsSync(join(bench.root("internal"), path)),
      );
      expect([left, existsSync(join(bench.state("internal"), "door"))]).toEqual([[], false]);
    });
  });
}, ["openssl", "tar"]);

/** Starts and stops the unit's program for real, as the role asks, and notes the rest as the bench's own stub does. */
const systemctlWithDoor = `#!/bin/sh
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
const journalctlOfDoor = '#!/bin/sh\ntail -n 30 "$STUB_STATE/door-journal"\n';

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
