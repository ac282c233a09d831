import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithAnsible, type HostVariables, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

describeWithAnsible("role gpu_setup, before Ollama starts,", () => {
  const bench = new Workbench();
  let driver: PlaybookRun;
  let tried: PlaybookRun;
  let proof: PlaybookRun;
  let proofAgain: PlaybookRun;

  const VERSION = "580.95.05";
  const NODES = ["nvidia0", "nvidiactl", "nvidia-uvm"];
  /** A host whose kernel module has that version. */
  function withModule(name: string, variables: HostVariables): HostVariables {
    const file = join(bench.folder, name, "version");
    const host = bench.hostWithNodes(name, "nvidia", NODES, { gpu_setup_nvidia_module: file, ...variables });
    writeFileSync(file, `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${VERSION}  Release Build\n`);
    bench.withApt(name);
    return host;
  }
  /** Gives a host an nvidia-smi that does this. */
  const smi = (name: string, text: string) => bench.command(name, "nvidia-smi", text);

  /** An installer that knows some options and writes down how and where it is called. */
  const installerText = (name: string, told = 'echo "--no-kernel-modules --no-x-check"; exit 0') =>
    `#!/bin/sh
[ "$1" != --advanced-options ] || { ${told}; }
echo "$*" >"${join(bench.folder, name, "installed")}"
echo "$PWD $TMPDIR" >"${join(bench.folder, name, "folder")}"
`;

  function withInstaller(name: string, sha256: (text: string) => string, told?: string): HostVariables {
    const text = installerText(name, told);
    const host = withModule(name, {
      gpu_setup_nvidia_url: `file://${join(bench.folder, name, "driver.run")}`,
      gpu_setup_nvidia_sha256: sha256(text),
    });
    writeFileSync(join(bench.folder, name, "driver.run"), text);
    return host;
  }

  const dropIn = (name: string) => join(bench.root(name), "etc/systemd/system/ollama.service.d/gpu.conf");

  beforeAll(async () => {
    const hosts = {
      differs: withModule("differs", { ollama_gpu_driver_version: "570.1.2" }),
      unknown: withModule("unknown", { gpu_setup_nvidia_module: "/nowhere" }),
      agrees: withModule("agrees", { ollama_gpu_driver_version: VERSION }),
      genuine: withInstaller("genuine", (text) => createHash("sha256").update(text).digest("hex").toUpperCase()),
      tampered: withInstaller("tampered", () => "0".repeat(64)),
      moody: withInstaller("moody", () => "", 'echo "--no-kernel-modules" >&2; exit 1'),
      silent: withInstaller("silent", () => "", "exit 0"),
      talkative: withInstaller("talkative", () => "", `printf 'word %.0s' $(seq 100)`),
    };
    smi("agrees", `echo " ${VERSION}"`);
    smi("moody", "echo 570.1.2");
    driver = await bench.run(bench.playbook("gpu_setup", "nvidia"), "all", hosts);
    tried = await bench.run(bench.playbook("gpu_setup", "nvidia"), "all", { agrees: hosts.agrees }, "--check");
    const seen = bench.hostWithNodes("seen", "nvidia", NODES);
    const unseen = bench.hostWithNodes("unseen", "nvidia", NODES);
    for (const name of ["seen", "unseen"]) mkdirSync(join(bench.root(name), "opt/ollama"), { recursive: true });
    smi("seen", 'echo "GPU 0: NVIDIA RTX"');
    smi("unseen", 'echo "Failed to initialize NVML: Driver/library version mismatch" >&2; exit 18');
    proof = await bench.run(bench.playbook("gpu_setup", "proof"), "all", { seen, unseen });
    proofAgain = await bench.run(bench.playbook("gpu_setup", "proof"), "all", { seen });
  });
  afterAll(() => bench.remove());

  test("refuses a driver version that is not the host's", () => {
    expect(driver.failure("differs")).toMatch(
      /is 570\.1\.2, but the host.+ kernel module is 580\.95\.05\. The two must be equal/,
    );
  });

  test("asks for the driver's version where the host's kernel does not tell it", () => {
    expect(driver.failure("unknown")).toContain("unknown has no ollama_gpu_driver_version, and /nowhere does not tell it.");
  });

  test("installs nothing where the driver of the host's version is there, nor when it is tried with --check", () => {
    for (const run of [driver, tried]) expect(run.recap("agrees")).toMatchObject({ changed: 0, failed: 0 });
    expect(bench.read("agrees", "apt")).toBe("");
  });

  test("installs what the installer looks for, and nothing that is only recommended", () => {
    expect(bench.read("genuine", "apt")).toMatch(
      /^update\napt-get .*DPkg::Lock::Timeout=300 +install ca-certificates kmod -o APT::Install-Recommends=no$/m,
    );
    expect(driver.calls("genuine", "apt")[0]?.args).toMatchObject({ cache_valid_time: 3600, lock_timeout: 300 });
  });

  test("downloads the installer into its folder, and tries it three times again after a minute of silence", () => {
    const [download] = driver.calls("genuine", "get_url");
    const folder = expect.stringMatching(/^\/var\/tmp\/nvidia\.[^/]+$/);
    expect(download).toMatchObject({ retries: 3, delay: 10, args: { timeout: 60, mode: "0700", tmp_dest: folder } });
  });

  test("runs no NVIDIA installer with another checksum, and names both", () => {
    expect(driver.failure("tampered")).toMatch(/has the SHA-256 [0-9a-f]{64}, but gpu_setup_nvidia_sha256 is 0{64}/);
    expect(existsSync(join(bench.folder, "tampered/installed"))).toBe(false);
  });

  test("runs a genuine installer without a kernel module, with those options that it knows", () => {
    expect(driver.recap("genuine").failed).toBe(0);
    expect(readFileSync(join(bench.folder, "genuine/installed"), "utf8")).toBe("--silent --no-kernel-modules --no-x-check\n");
  });

  test("has a folder of its own for it, which is not in memory, and leaves nothing of it", () => {
    const [, folder = "", temporary] =
      /^(\/var\/tmp\/nvidia\.\S+) (\S+)$/m.exec(readFileSync(join(bench.folder, "genuine/folder"), "utf8")) ?? [];
    expect([temporary, existsSync(folder)]).toEqual([folder, false]);
  });

  test("warns of an installer without a checksum, and of no other", () => {
    const warnings = driver.said.match(/WARNING: \S+ is not verified/g) ?? [];
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).not.toContain("genuine");
  });

  test("takes the options from what the installer prints, whatever its exit code and wherever it prints them", () => {
    expect(driver.recap("moody").failed).toBe(0);
    expect(readFileSync(join(bench.folder, "moody/installed"), "utf8")).toBe("--silent --no-kernel-modules\n");
  });

  test("installs nothing when the installer names no options, and says what it said", () => {
    expect(driver.failure("silent")).toMatch(/does not list the option --no-kernel-module.+ ended with 0 and said: nothing/);
    expect(existsSync(join(bench.folder, "silent/installed"))).toBe(false);
  });

  test("repeats no more than the beginning of what the installer said", () => {
    expect(driver.failure("talkative")).toMatch(/and said: (word ){58,60}\S{0,4}\.\.\./);
  });

  test("changes what it installs, and by nothing that it asks", () => {
    // The packages, its folder, the download, the installation, and the folder again.
    expect(driver.recap("genuine").changed).toBe(5);
  });

  test("makes the service prove its GPU before it starts", () => {
    expect(proof.recap("seen")).toMatchObject({ changed: 3, failed: 0 });
    const command = `${join(bench.root("seen"), "opt/ollama/prove-gpu")} nvidia ${join(bench.folder, "seen/dev")}`;
    expect(readFileSync(dropIn("seen"), "utf8")).toContain(`[Service]\nExecStartPre=${command}\n`);
  });

  test("lets every account run the proof, and systemd read that it is asked for", () => {
    const folder = "etc/systemd/system/ollama.service.d";
    expect(["opt/ollama/prove-gpu", folder, `${folder}/gpu.conf`].map((path) => bench.mode("seen", path))).toEqual([
      "755",
      "755",
      "644",
    ]);
  });

  test("changes nothing in a second proof", () => {
    expect(proofAgain.recap("seen")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("fails with the driver's own words when the GPU is not there, and leaves the service without the demand", () => {
    expect(proof.failure("unseen")).toContain(
      "nvidia-smi sees no GPU: Failed to initialize NVML: Driver/library version mismatch",
    );
    expect(existsSync(dropIn("unseen"))).toBe(false);
  });
});
