import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { arch } from "node:os";
import { join } from "node:path";
import { FakeOllama } from "./fake-ollama";
import { AWAY, describeWithAnsible, type HostVariables, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

/** The release of the tests whose API never answers. */
const broken = "0.14.3";

describeWithAnsible("role ollama_install", () => {
  const bench = new Workbench();
  const archives = new Map<string, Buffer>();
  const downloads: string[] = [];
  const mirror = createServer((request, response) => {
    downloads.push(request.url ?? "");
    const archive = archives.get(request.url ?? "");
    response.writeHead(archive ? 200 : 404);
    response.end(archive);
  });
  const names = [
    "verified",
    "legacy",
    "tampered",
    "mute",
    "older",
    "amd",
    "amdTampered",
    "amdVerified",
    "hollow",
    "away",
    "bare",
    "managed",
  ] as const;
  type Name = (typeof names)[number];
  const apis = Object.fromEntries(names.map((name) => [name, new FakeOllama()])) as Record<Name, FakeOllama>;

  /** Packs an archive as Ollama's releases are, under the path that the mirror serves it at. */
  function pack(version: string, suffix: "tgz" | "tar.zst", rocm = false, program = "bin/ollama"): void {
    const folder = join(bench.folder, "pack", rocm ? `${version}-rocm` : version);
    mkdirSync(join(folder, "lib/ollama"), { recursive: true });
    if (rocm) {
      mkdirSync(join(folder, "lib/ollama/rocm"));
      writeFileSync(join(folder, "lib/ollama/rocm/librocblas.so"), version);
    } else {
      mkdirSync(join(folder, "bin"), { recursive: true });
      writeFileSync(join(folder, program), `#!/bin/sh\necho ${version}\n`);
      chmodSync(join(folder, program), 0o755);
      writeFileSync(join(folder, "lib/ollama/libggml-base.so"), version);
    }
    const file = join(bench.folder, `${version}.${suffix}`);
    const packed = spawnSync("tar", [
      suffix === "tgz" ? "-czf" : "--zstd",
      ...(suffix === "tgz" ? [] : ["-cf"]),
      file,
      "-C",
      folder,
      ".",
    ]);
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
    archives.set(rocm ? rocmPath(version, suffix) : path(version, suffix), readFileSync(file));
  }
  const path = (version: string, suffix: string) =>
    `/v${version}/ollama-linux-${arch() === "arm64" ? "arm64" : "amd64"}.${suffix}`;
  const rocmPath = (version: string, suffix: string) => path(version, suffix).replace(`.${suffix}`, `-rocm.${suffix}`);
  const sha256At = (path: string) =>
    createHash("sha256")
      .update(archives.get(path) ?? "")
      .digest("hex");
  const sha256 = (version: string, suffix = "tar.zst") => sha256At(path(version, suffix));
  const rocmSha256 = (version: string) => sha256At(rocmPath(version, "tar.zst"));

  const host = (name: Name, variables: HostVariables) =>
    bench.host(name, apis[name].port, {
      ollama_archive_url: `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/`,
      // Who does not answer at all need not be waited for.
      ...(["mute", "older", "legacy", "amdVerified"].includes(name) && {
        ollama_install_api_timeout: 2,
        ollama_install_api_interval: 1,
      }),
      ...variables,
    });
  /** What stands in the place of commands of a host. */
  const commands: Partial<Record<Name, Record<string, string>>> = {
    // A container without zstd. What stands there can unpack all the same.
    bare: { zstd: '[ "$1" != --version ] || exit 127\nexec "$(command -pv zstd)" "$@"' },
  };
  const provision = (hosts: Partial<Record<Name, HostVariables>>, ...more: string[]) => {
    const all = Object.entries(hosts).map(([name, variables]) => [name, host(name as Name, variables)]);
    if (hosts.bare) bench.withApt("bare");
    for (const name of Object.keys(hosts) as Name[])
      for (const [command, text] of Object.entries(commands[name] ?? {})) bench.command(name, command, text);
    return bench.run("provision.yml", "ollama", Object.fromEntries(all) as Record<string, HostVariables>, ...more);
  };
  const base = (name: Name) => join(bench.root(name), "opt/ollama");
  const releases = (name: Name) => readdirSync(join(base(name), "releases")).sort();
  const current = (name: Name) => readlinkSync(join(base(name), "current"));
  const unit = (name: Name) => readFileSync(join(bench.root(name), "etc/systemd/system/ollama.service"), "utf8");
  const running = (name: Name) => bench.read(name, "running").trim();
  const starts = (name: Name) => Number(bench.read(name, "starts"));

  const settled = {
    verified: () => ({
      ollama_version: "0.14.1",
      ollama_archive_sha256: sha256("0.14.1"),
      ollama_environment: { OLLAMA_KEEP_ALIVE: "30m", OLLAMA_ORIGINS: 'a"b%c' },
    }),
    legacy: () => ({ ollama_version: "0.13.3", ollama_gpu: "intel" }),
    amd: () => ({ ollama_version: "0.14.1", ollama_archive_sha256: sha256("0.14.1"), ollama_gpu: "amd" }),
  };
  let first: PlaybookRun;
  let tried: PlaybookRun;

  beforeAll(async () => {
    for (const version of ["0.14.1", "0.14.2", broken]) pack(version, "tar.zst");
    pack("0.13.3", "tgz");
    pack("0.14.1", "tar.zst", true);
    pack("0.14.4", "tar.zst", false, "ollama");
    await new Promise<void>((done) => mirror.listen(0, "127.0.0.1", done));
    for (const name of names) {
      await apis[name].start();
      apis[name].version = () => (["", broken].includes(running(name)) ? undefined : running(name));
    }
    // As when another Ollama has the port.
    apis.older.version = () => "0.9.9";
    first = await provision({
      verified: settled.verified(),
      legacy: settled.legacy(),
      tampered: { ollama_version: "0.14.1", ollama_archive_sha256: sha256("0.14.2") },
      mute: { ollama_version: broken, ollama_archive_sha256: sha256(broken) },
      older: { ollama_version: "0.14.1", ollama_archive_sha256: sha256("0.14.1") },
      amd: settled.amd(),
      amdTampered: { ...settled.amd(), ollama_rocm_sha256: "0".repeat(64) },
      amdVerified: { ...settled.amd(), ollama_rocm_sha256: rocmSha256("0.14.1").toUpperCase() },
      hollow: { ollama_version: "0.14.4" },
      away: {
        ollama_version: "0.14.1",
        ollama_archive_url: "",
        ollama_install_download_retries: 0,
        task_environment: { PATH: process.env["PATH"], ...AWAY },
      },
      bare: { ...settled.verified(), ollama_archive_sha256: sha256("0.14.1").toUpperCase() },
    });
    tried = await provision(
      {
        verified: settled.verified(),
        managed: {
          ...settled.verified(),
          ollama_manage_user: true,
          ollama_user: "lab-ollama",
          ollama_group: "lab",
        },
        legacy: { ...settled.legacy(), ollama_version: "0.14.1", ollama_archive_sha256: sha256("0.14.2") },
        // It got a card after its release.
        bare: settled.amd(),
      },
      "--check",
    );
  });
  afterAll(() => {
    mirror.close();
    for (const api of Object.values(apis)) api.stop();
    bench.remove();
  });

  describe("first run", () => {
    test("installs the release, switches to it and starts it at boot", () => {
      expect(first.recap("verified").failed).toBe(0);
      expect({ releases: releases("verified"), current: current("verified"), running: running("verified") }).toEqual({
        releases: ["0.14.1"],
        current: "releases/0.14.1",
        running: "0.14.1",
      });
      expect(existsSync(join(bench.state("verified"), "enabled"))).toBe(true);
    });

    test("gives people the command of the current release", () => {
      const run = spawnSync(join(bench.root("verified"), "usr/local/bin/ollama"), { encoding: "utf8" });
      expect(run.stdout).toBe("0.14.1\n");
    });

    test("takes the .tgz of a release before 0.14.0", () => {
      expect(current("legacy")).toBe("releases/0.13.3");
      expect(downloads).toContain(path("0.13.3", "tgz"));
    });

    test("takes no other version for the one that it installed", () => {
      expect(first.failure("older")).toContain("it answered as version 0.9.9");
    });

    test("unpacks the ROCm archive over the release of a container with an AMD GPU, and asks for no other", () => {
      expect(first.recap("amd").failed).toBe(0);
      expect(readFileSync(join(base("amd"), "releases/0.14.1/lib/ollama/rocm/librocblas.so"), "utf8")).toBe("0.14.1");
      expect(downloads.filter((url) => url.includes("rocm"))).toEqual(Array(3).fill(rocmPath("0.14.1", "tar.zst")));
    });

    test("unpacks no ROCm archive with another checksum", () => {
      expect(first.failure("amdTampered")).toContain(
        `ollama_rocm_sha256 of amdTampered is ${"0".repeat(64)}. Nothing was unpacked.`,
      );
      expect(existsSync(join(base("amdTampered"), "releases/0.14.1/lib/ollama/rocm"))).toBe(false);
    });

    test("warns of a ROCm archive without a checksum, and of no other", () => {
      const warning = first.said;
      expect(warning).toContain("WARNING: amd has no ollama_rocm_sha256");
      expect(warning).toContain(`has the SHA-256 ${rocmSha256("0.14.1")}`);
      expect(warning).not.toContain("WARNING: amdVerified");
      expect(first.recap("amdVerified").failed).toBe(0);
    });

    test("downloads into its staging folder, and tries it three times again after a minute of silence", () => {
      const asked = (archive: string) => ({
        retries: 3,
        delay: 10,
        args: { timeout: 60, mode: "0600", dest: join(base("amd"), "staging", archive), tmp_dest: join(base("amd"), "staging") },
      });
      expect(first.calls("amd", "get_url")).toMatchObject([asked("archive"), asked("rocm-archive")]);
    });

    test("waits a minute for the API, and five seconds for each answer", () => {
      expect(first.calls("verified", "uri")[0]).toMatchObject({ retries: 30, delay: 2, args: { timeout: 5 } });
    });

    test("changes what it installs, and by nothing that it asks", () => {
      // The folders of releases and service; staging folder, archive, contents, checksum, release, and the staging folder again; two links, the
      // unit, the start and the start at boot.
      expect(first.recap("verified").changed).toBe(13);
      expect(first.calls("verified", "command").filter(({ changed }) => changed)).toHaveLength(1);
    });

    test("lets every account read a release and the unit", () => {
      const paths = ["releases", "releases/0.14.1", "releases/0.14.1/archive.sha256"].map((path) => join("opt/ollama", path));
      expect([...paths, "etc/systemd/system/ollama.service"].map((path) => bench.mode("verified", path))).toEqual([
        "755",
        "755",
        "644",
        "644",
      ]);
    });

    test("installs zstd where there is none", () => {
      expect(first.recap("bare").failed).toBe(0);
      expect(bench.read("bare", "apt")).toMatch(/DPkg::Lock::Timeout=300 +install zstd$/m);
      expect(first.calls("verified", "apt")).toEqual([]);
    });

    test("runs the service by an account of its own, without a shell", () => {
      expect(tried.calls("managed", "group")[0]?.args).toMatchObject({ name: "lab", system: true });
      expect(tried.calls("managed", "user")[0]?.args).toMatchObject({
        name: "lab-ollama",
        group: "lab",
        system: true,
        home: join(bench.root("managed"), "var/lib/ollama"),
        create_home: false,
        shell: "/usr/sbin/nologin",
      });
      expect(tried.calls("managed", "file")).toContainEqual(
        expect.objectContaining({ args: expect.objectContaining({ owner: "lab-ollama", group: "lab", mode: "0750" }) }),
      );
    });

    test("installs no archive without the program", () => {
      expect(first.failure("hollow")).toContain("holds no program bin/ollama. Nothing was replaced.");
      expect(existsSync(join(base("hollow"), "current"))).toBe(false);
    });

    test("asks GitHub where the lab names no mirror", () => {
      expect(first.failure("away")).toContain(`https://github.com/ollama/ollama/releases/download${path("0.14.1", "tar.zst")}`);
    });

    test("asks Ollama to use an integrated GPU, which it leaves aside by itself", () => {
      expect(unit("legacy")).toContain('Environment="OLLAMA_IGPU_ENABLE=1"');
      expect(unit("amd")).toContain('Environment="OLLAMA_IGPU_ENABLE=1"');
      expect(unit("verified")).not.toContain("OLLAMA_IGPU_ENABLE");
    });

    test("can be tried with --check on a healthy container, which changes nothing", async () => {
      const tried = await bench.run(
        "provision.yml",
        "ollama,models,report",
        { verified: host("verified", settled.verified()) },
        "--check",
      );
      expect(tried.recap("verified")).toMatchObject({ changed: 0, failed: 0 });
    });

    test("says with --check what a run would download, and does not", () => {
      const { said } = tried;
      expect(said).toContain("A run would download Ollama 0.14.1 for managed, switch to it and restart it.");
      expect(said).toContain("A run would download Ollama 0.14.1 for legacy, switch to it and restart it.");
      expect(said).toContain("A run would download the ROCm libraries of Ollama 0.14.1 for bare, and restart it.");
      expect(said).not.toMatch(/A run would download .{1,40} for verified/);
      expect(["managed", "legacy", "bare"].flatMap((name) => tried.calls(name, "get_url"))).toEqual([]);
    });

    test("fails with --check at nothing that a run would bring, and would remove no release that is the way back", () => {
      expect(["managed", "legacy", "bare"].map((name) => tried.recap(name).failed)).toEqual([0, 0, 0]);
      expect(tried.recap("legacy").changed).toBe(1);
    });

    test("warns of an archive without a checksum, and names the checksum that it has", () => {
      const warning = first.said;
      expect(warning).toContain("WARNING: legacy has no ollama_archive_sha256");
      expect(warning).toContain(`has the SHA-256 ${sha256("0.13.3", "tgz")}`);
      expect(warning).not.toContain("WARNING: verified");
    });

    test("stops at a wrong checksum before anything is installed", () => {
      expect(first.failure("tampered")).toContain(
        `has the SHA-256 ${sha256("0.14.1")}, but ollama_archive_sha256 of tampered is ${sha256("0.14.2")}. Nothing was replaced.`,
      );
      expect({ releases: releases("tampered"), link: existsSync(join(base("tampered"), "current")) }).toEqual({
        releases: [],
        link: false,
      });
      expect(starts("tampered")).toBe(0);
    });

    test("leaves no staging folder, not even after a failure", () => {
      for (const name of ["verified", "tampered"] as const) expect(readdirSync(base(name))).not.toContain("staging");
    });

    test("fails without a way back when the API of a first release stays silent", () => {
      expect(first.failure("mute")).toContain(`Ollama ${broken} on mute did not answer`);
      expect(first.failure("mute")).toContain("There is no former release to return to.");
    });

    test("writes the unit that systemd has loaded, with the port and the models' folder of the lab", () => {
      const lines = unit("verified").split("\n");
      expect(bench.read("verified", "loaded")).toBe(unit("verified"));
      expect(lines).toEqual(
        expect.arrayContaining([
          `ExecStart=${base("verified")}/current/bin/ollama serve`,
          `Environment="OLLAMA_HOST=0.0.0.0:${apis.verified.port}"`,
          `Environment="OLLAMA_MODELS=${bench.root("verified")}/var/lib/ollama/models"`,
          `User=${process.getuid?.()}`,
        ]),
      );
    });

    test("escapes what systemd would read in a value of the environment", () => {
      expect(unit("verified")).toContain('Environment="OLLAMA_ORIGINS=a\\"b%%c"\n');
    });

    test("asks for Vulkan with an Intel GPU only", () => {
      expect(unit("legacy")).toContain('Environment="OLLAMA_VULKAN=1"');
      expect(unit("verified")).not.toContain("OLLAMA_VULKAN");
    });

    test("keeps the models and the service's home from all but the service", () => {
      expect(["var/lib/ollama", "var/lib/ollama/models"].map((path) => bench.mode("verified", path))).toEqual(["750", "750"]);
    });
  });

  describe("second run, and an upgrade that fails", () => {
    let run: PlaybookRun;
    let unitBefore: string;
    let downloadsBefore: number;
    beforeAll(async () => {
      // As where the journal is gone.
      commands.legacy = { journalctl: 'echo "ollama: $*"; exit 1' };
      unitBefore = unit("legacy");
      downloadsBefore = downloads.length;
      run = await provision({
        verified: settled.verified(),
        amd: settled.amd(),
        legacy: { ollama_version: broken, ollama_archive_sha256: sha256(broken), ollama_environment: { OLLAMA_DEBUG: "1" } },
        amdVerified: { ...settled.amd(), ollama_environment: { OLLAMA_DEBUG: "1" } },
      });
    });

    test("changes nothing and restarts nothing where nothing changed", () => {
      for (const name of ["verified", "amd"] as const) {
        expect(run.recap(name)).toMatchObject({ changed: 0, failed: 0 });
        expect(starts(name)).toBe(1);
      }
    });

    test("restarts the release when its environment alone changed", () => {
      expect(run.recap("amdVerified")).toMatchObject({ changed: 2, failed: 0 });
      expect(starts("amdVerified")).toBe(2);
    });

    test("downloads only what is absent", () => {
      expect(downloads.slice(downloadsBefore)).toEqual([path(broken, "tar.zst")]);
    });

    test("brings the former release back, and its unit", () => {
      expect({ current: current("legacy"), running: running("legacy"), unit: unit("legacy") }).toEqual({
        current: "releases/0.13.3",
        running: "0.13.3",
        unit: unitBefore,
      });
      expect(bench.read("legacy", "loaded")).toBe(unitBefore);
    });

    test("fails and says that the former release serves", () => {
      expect(run.recap("legacy").failed).toBe(1);
      expect(run.failure("legacy")).toContain(`Ollama ${broken} on legacy did not answer`);
      expect(run.failure("legacy")).toContain("Rolled back: version 0.13.3 serves again");
    });

    test("repeats the last words of the service, which it asks without a change", () => {
      expect(run.failure("legacy")).toContain(
        "Last words of the service: ollama: --unit ollama --lines 15 --no-pager --output cat",
      );
      const looks = run.calls("legacy", "command").filter(({ task }) => task === "Read the last words of the service");
      expect(looks.map(({ changed }) => changed)).toEqual([false]);
    });

    test("looks whether the former release answers as long as it looked for the new one", () => {
      const [look] = run.calls("legacy", "uri").filter(({ task }) => task === "Wait until the API answers again");
      expect(look).toMatchObject({ retries: 2, delay: 1, args: { timeout: 5 } });
    });

    test("lets systemd read the former unit", () => {
      expect(bench.mode("legacy", "etc/systemd/system/ollama.service")).toBe("644");
    });

    test("removes the release that did not start", () => {
      expect(releases("legacy")).toEqual(["0.13.3"]);
    });
  });

  describe("upgrades", () => {
    let run: PlaybookRun;
    let startsBefore: number;
    beforeAll(async () => {
      startsBefore = starts("legacy");
      mkdirSync(join(base("verified"), "releases/0.12.9"));
      apis.amdVerified.version = () => undefined;
      // As a run leaves it that was stopped in the middle.
      rmSync(join(base("amd"), "releases/0.14.1/rocm.sha256"));
      commands.bare = {
        systemctl:
          'case $* in *restart*) echo "Job failed" >&2; exit 1 ;; esac\nprintf "LoadState=loaded\\nActiveState=active\\n"',
      };
      run = await provision({
        verified: { ...settled.verified(), ollama_version: "0.14.2", ollama_archive_sha256: sha256("0.14.2") },
        legacy: { ...settled.legacy(), ollama_version: "0.14.1", ollama_archive_sha256: sha256("0.14.2") },
        mute: { ollama_version: broken, ollama_archive_sha256: sha256("0.14.1") },
        amd: settled.amd(),
        amdVerified: { ollama_version: "0.14.2", ollama_archive_sha256: sha256("0.14.2") },
        bare: { ...settled.verified(), ollama_version: "0.14.2", ollama_archive_sha256: sha256("0.14.2") },
      });
    });

    test.each([
      ["answers", "amdVerified"],
      ["starts", "bare"],
    ])("says so when neither release %s", (_, name) => {
      expect(run.failure(name)).toContain("Rolled back to version 0.14.1, but it does not answer either.");
      expect(current(name as Name)).toBe("releases/0.14.1");
    });

    test("restarts the release when its ROCm libraries alone were unpacked again", () => {
      expect(run.recap("amd").failed).toBe(0);
      expect(starts("amd")).toBe(2);
    });

    test("names the reason of systemd", () => {
      expect(run.failure("bare")).toContain("Job failed");
    });

    test("serves the new release and keeps the former one for the way back", () => {
      expect(run.recap("verified").failed).toBe(0);
      expect({ running: running("verified"), previous: readlinkSync(join(base("verified"), "previous")) }).toEqual({
        running: "0.14.2",
        previous: "releases/0.14.1",
      });
    });

    test("removes releases that are neither current nor the way back", () => {
      expect(releases("verified")).toEqual(["0.14.1", "0.14.2"]);
    });

    test("leaves the serving release alone when the checksum is wrong", () => {
      expect(run.failure("legacy")).toContain("Nothing was replaced");
      expect({ releases: releases("legacy"), running: running("legacy"), starts: starts("legacy") }).toEqual({
        releases: ["0.13.3"],
        running: "0.13.3",
        starts: startsBefore,
      });
    });

    test("compares a checksum that is given later with the installed archive", () => {
      expect(run.failure("mute")).toContain(`came from an archive with the SHA-256 ${sha256(broken)}`);
    });
  });
}, ["tar", "zstd"]);

describeWithAnsible("role ollama_install refuses", () => {
  const bench = new Workbench();
  const refused: Record<string, [variables: HostVariables, message: string]> = {
    none: [{ ollama_version: null }, 'ollama_version of none is "'],
    word: [{ ollama_version: "latest" }, 'ollama_version of word is "latest". Give one exact release'],
    tag: [{ ollama_version: "v0.14.1" }, 'ollama_version of tag is "v0.14.1"'],
    short: [{ ollama_archive_sha256: "abc" }, 'ollama_archive_sha256 of short is "abc", which is not the 64 hexadecimal digits'],
    card: [{ ollama_gpu: "tpu" }, 'ollama_gpu of card is "tpu". It is none, nvidia, intel or amd.'],
    home: [{ ollama_models_dir: "/home/models" }, 'ollama_models_dir of home is "/home/models"'],
    slash: [{ ollama_models_dir: "/models/" }, 'ollama_models_dir of slash is "/models/"'],
    own: [{ ollama_environment: { OLLAMA_HOST: "::" } }, "ollama_environment of own holds OLLAMA_HOST"],
    name: [{ ollama_environment: { "A-B": "1" } }, "ollama_environment of name holds A-B"],
    lines: [{ ollama_environment: { A: "1\n2" } }, "ollama_environment of lines holds A"],
  };
  let run: PlaybookRun;
  beforeAll(async () => {
    const hosts = Object.entries(refused).map(([name, [variables]]) => [
      name,
      bench.host(name, 1, { ollama_version: "0.14.1", ...variables }),
    ]);
    run = await bench.run("provision.yml", "ollama", Object.fromEntries(hosts) as Record<string, HostVariables>);
  });
  afterAll(() => bench.remove());

  test.each(Object.entries(refused))("%s, before anything is written", (name, [, message]) => {
    expect(run.failure(name)).toContain(message);
    expect(existsSync(join(bench.root(name), "opt"))).toBe(false);
  });
});
