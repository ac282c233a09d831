import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describeWithAnsible, type HostVariables, type PlaybookRun, Workbench, withEnvironment } from "./playbook";

jest.setTimeout(600_000);

describeWithAnsible("role gpu_setup, before Ollama starts,", () => {
  const bench = new Workbench();
  let nvidia: PlaybookRun;
  let installer: PlaybookRun;
  let proof: PlaybookRun;
  let proofAgain: PlaybookRun;

  /** Commands that stand before the real ones on a host's PATH. */
  function withCommands(variables: HostVariables, name: string, commands: Record<string, string>): HostVariables {
    const { PATH } = variables["task_environment"] as Record<string, string>;
    const bin = join(bench.folder, name, "commands");
    mkdirSync(bin, { recursive: true });
    for (const [command, text] of Object.entries(commands)) {
      writeFileSync(join(bin, command), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    return withEnvironment(variables, { PATH: [bin, PATH].join(delimiter) });
  }

  /** A host whose kernel module reports this version. */
  function withModule(name: string, version: string, variables: HostVariables): HostVariables {
    const host = bench.hostWithNodes(name, "nvidia", ["nvidia0", "nvidiactl", "nvidia-uvm"], {
      gpu_setup_nvidia_module: join(bench.folder, name, "version"),
      ...variables,
    });
    writeFileSync(
      join(bench.folder, name, "version"),
      `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build\n`,
    );
    return host;
  }

  /** An installer that knows some options and writes down how and where it is called. */
  const installerText = (name: string, told = 'echo "--no-kernel-modules --no-x-check"; exit 0') =>
    `#!/bin/sh
[ "$1" != --advanced-options ] || { ${told}; }
echo "$*" >"${join(bench.folder, name, "installed")}"
echo "$PWD $TMPDIR" >"${join(bench.folder, name, "folder")}"
`;

  function withInstaller(name: string, sha256: (text: string) => string, told?: string): HostVariables {
    const text = installerText(name, told);
    const host = bench.host(name, 1, {
      ollama_gpu: "nvidia",
      gpu_setup_nvidia_url: `file://${join(bench.folder, name, "driver.run")}`,
      gpu_setup_nvidia_sha256: sha256(text),
    });
    writeFileSync(join(bench.folder, name, "driver.run"), text);
    return host;
  }

  const dropIn = (name: string) => join(bench.root(name), "etc/systemd/system/ollama.service.d/gpu.conf");

  beforeAll(async () => {
    nvidia = await bench.run(bench.playbook("gpu_setup", "nvidia"), "all", {
      differs: withModule("differs", "580.95.05", { ollama_gpu_driver_version: "570.1.2" }),
      agrees: withCommands(withModule("agrees", "580.95.05", { ollama_gpu_driver_version: "580.95.05" }), "agrees", {
        "nvidia-smi": "echo 580.95.05",
      }),
    });
    installer = await bench.run(bench.playbook("gpu_setup", "nvidia_installer"), "all", {
      genuine: withInstaller("genuine", (text) => createHash("sha256").update(text).digest("hex").toUpperCase()),
      tampered: withInstaller("tampered", () => "0".repeat(64)),
      moody: withInstaller("moody", () => "", 'echo "--no-kernel-modules" >&2; exit 1'),
      silent: withInstaller("silent", () => "", "exit 0"),
    });
    const nodes = ["nvidia0", "nvidiactl", "nvidia-uvm"];
    for (const name of ["seen", "unseen"]) mkdirSync(join(bench.root(name), "opt/ollama"), { recursive: true });
    const seen = withCommands(bench.hostWithNodes("seen", "nvidia", nodes), "seen", { "nvidia-smi": 'echo "GPU 0: NVIDIA RTX"' });
    proof = await bench.run(bench.playbook("gpu_setup", "proof"), "all", {
      seen,
      unseen: withCommands(bench.hostWithNodes("unseen", "nvidia", nodes), "unseen", {
        "nvidia-smi": 'echo "Failed to initialize NVML: Driver/library version mismatch" >&2; exit 18',
      }),
    });
    proofAgain = await bench.run(bench.playbook("gpu_setup", "proof"), "all", { seen });
  });
  afterAll(() => bench.remove());

  test("refuses a driver version that is not the host's", () => {
    expect(nvidia.failure("differs")).toMatch(
      /is 570\.1\.2, but the host.+ kernel module is 580\.95\.05\. The two must be equal/,
    );
    expect(nvidia.recap("agrees").failed).toBe(0);
  });

  test("runs no NVIDIA installer with another checksum, and names both", () => {
    expect(installer.failure("tampered")).toMatch(/has the SHA-256 [0-9a-f]{64}, but gpu_setup_nvidia_sha256 is 0{64}/);
    expect(existsSync(join(bench.folder, "tampered/installed"))).toBe(false);
  });

  test("runs a genuine installer without a kernel module, with those options that it knows", () => {
    expect(installer.recap("genuine").failed).toBe(0);
    expect(readFileSync(join(bench.folder, "genuine/installed"), "utf8")).toBe("--silent --no-kernel-modules --no-x-check\n");
  });

  test("has a folder of its own for it, which is not in memory, and leaves nothing of it", () => {
    const [, folder = "", temporary] =
      /^(\/var\/tmp\/nvidia\.\S+) (\S+)$/m.exec(readFileSync(join(bench.folder, "genuine/folder"), "utf8")) ?? [];
    expect([temporary, existsSync(folder)]).toEqual([folder, false]);
  });

  test("warns of an installer without a checksum, and of no other", () => {
    const warnings = installer.output.replace(/\s+/g, " ").match(/WARNING: \S+ is not verified/g) ?? [];
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain("genuine");
  });

  test("takes the options from what the installer prints, whatever its exit code and wherever it prints them", () => {
    expect(installer.recap("moody").failed).toBe(0);
    expect(readFileSync(join(bench.folder, "moody/installed"), "utf8")).toBe("--silent --no-kernel-modules\n");
  });

  test("installs nothing when the installer names no options, and says what it said", () => {
    expect(installer.failure("silent")).toMatch(/does not list the option --no-kernel-module.+ ended with 0 and said: nothing/);
    expect(existsSync(join(bench.folder, "silent/installed"))).toBe(false);
  });

  test("makes the service prove its GPU before it starts", () => {
    expect(proof.recap("seen").failed).toBe(0);
    const command = `${join(bench.root("seen"), "opt/ollama/prove-gpu")} nvidia ${join(bench.folder, "seen/dev")}`;
    expect(readFileSync(dropIn("seen"), "utf8")).toContain(`[Service]\nExecStartPre=${command}\n`);
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
