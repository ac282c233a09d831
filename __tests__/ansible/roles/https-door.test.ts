// The door before Ollama. Its archive comes from a mirror of the test's own, and the test's own HTTPS server stands for Caddy.
import { existsSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeOllama, startFakeOllama } from "../../../testing/fake-ollama";
import { ACME, ARCHITECTURE, basic, DoorBench, FILES, TOKEN, VERSION } from "./door-bench";
import { AWAY, describeWithAnsible, type HostVariables, type PlaybookRun, withEnvironment } from "./playbook";

jest.setTimeout(600_000);

/** Knows how to adapt a configuration, which is all that the role asks of it. */
const fakeCaddy = '#!/bin/sh\n[ "$1" = adapt ] && for last in "$@"; do :; done && grep -q "^https://" "$last"\n';

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
    // Whoever does not ask in English gets another word.
    bench.command(name, "apt-cache", `[ "$LC_ALL" != C ] || printf '${policy}'`);
    writeFileSync(join(bench.root(name), "etc/systemd/system/caddy.service"), "");
    return withEnvironment(host, AWAY);
  };

  beforeAll(async () => {
    await bench.open(fakeCaddy);
    writeFileSync(join(bench.lab, "short"), "hunter2\n");
    writeFileSync(join(bench.lab, "any"), "hunter2*hunter2*hunter2\n");
    const locked = await door(`Bearer ${TOKEN}`);
    settled = {
      // With the role's own times.
      internal: bench.withDoor("internal", 11434, locked, { https_door_timeout: undefined, https_door_interval: undefined }),
      files: bench.withDoor("files", 11434, locked, FILES),
      acme: bench.withDoor("acme", 11434, locked, ACME),
    };
    // An image without apt.
    bench.command("acme", "apt-cache", "exit 127");
    const jammed = bench.withDoor("jammed", 11434, locked);
    bench.command("jammed", "systemctl", "case $* in *restart*) exit 1 ;; esac\necho LoadState=loaded");
    bench.command("jammed", "journalctl", 'echo "caddy: $*"; exit 1');
    first = await bench.apply({
      ...settled,
      absent: bench.withDoor("absent", 11434, locked, { ollama_https_token_file: "nowhere" }),
      short: bench.withDoor("short", 11434, locked, { ollama_https_token_file: "short" }),
      any: bench.withDoor("any", 11434, locked, { ollama_https_token_file: "any" }),
      nokey: bench.withDoor("nokey", 11434, locked, {
        ...FILES,
        ollama_https_key_file: "no-key.pem",
      }),
      tampered: bench.withDoor("tampered", 11434, locked, { ollama_https_caddy_sha512: { [ARCHITECTURE]: "0".repeat(128) } }),
      unlocked: bench.withDoor("unlocked", 11434, await door(undefined)),
      other: bench.withDoor("other", 11434, await door("Bearer another-token-of-somebody")),
      none: bench.host("none", 11434),
      nameless: bench.withDoor("nameless", 11434, locked, { ollama_https_names: undefined }),
      kindless: bench.withDoor("kindless", 11434, locked, { ollama_https_certificate: "self" }),
      foreign: bench.withDoor("foreign", 11434, locked, { ollama_https_caddy_sha512: { riscv64: "", s390x: "" } }),
      jammed,
    });
    second = await bench.apply(settled);
    const managed = bench.withDoor("managed", 11434, locked, { ollama_manage_user: true });
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

  test("says with --check which Caddy a run would download, and does not", () => {
    expect(tried.said).toContain(`A run would download Caddy ${VERSION} for managed.`);
    expect(tried.calls("managed", "get_url")).toEqual([]);
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
    expect(bench.downloads.filter((one) => one === path)).toHaveLength(8);
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
    expect(program.failure("old")).toContain(
      `https://github.com/caddyserver/caddy/releases/download/v${VERSION}/caddy_${VERSION}_linux_${ARCHITECTURE}.tar.gz`,
    );
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

  test("refuses a door without a name, or with a certificate of no kind", () => {
    expect(first.failure("nameless")).toContain("nameless has ollama_https_port, but ollama_https_names is []");
    expect(first.failure("kindless")).toContain('ollama_https_certificate is "self"');
  });

  test("names the processors that there is a Caddy for", () => {
    expect(first.failure("foreign")).toContain(`the checksum of Caddy ${VERSION} is known for riscv64 and s390x only`);
  });

  test("repeats the last words of a door that does not start", () => {
    expect(first.failure("jammed")).toContain(
      "of jammed did not start. Last words: caddy: --unit ollama-door --lines 15 --no-pager --output cat",
    );
  });

  test("names a key that is not on the operator's machine", () => {
    expect(first.failure("nokey")).toMatch(/needs \S+\/no-key\.pem on the machine that runs Ansible/);
  });

  test("fails when whoever has no token is let in", () => {
    expect(first.failure("unlocked")).toMatch(/was asked without a token\. It should have answered 401/);
    // Nothing better is waited for.
    expect(first.calls("unlocked", "uri").map(({ attempts }) => attempts)).toEqual([null, 1]);
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
