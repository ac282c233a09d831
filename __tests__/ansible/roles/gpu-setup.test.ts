import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FakeOllama } from "./fake-ollama";
import { describeWithAnsible, type HostVariables, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

const compute = (library: string) =>
  `time=2026-01-01T00:00:00Z level=INFO msg="inference compute" id=0 library=${library} name=gpu\n`;

/** What the set-up may have changed before the service is looked at, as its tasks register it. */
const CHANGES = ["membership", "nvidia_installed", "mesa", "dropin_written"];

describeWithAnsible("role gpu_setup", () => {
  const bench = new Workbench();
  const apis = {
    idle: new FakeOllama("small:1b"),
    embedding: new FakeOllama("embed:1b"),
    cpu: new FakeOllama("small:1b"),
    loaded: new FakeOllama("a:1b"),
  };
  let setup: PlaybookRun;
  let tried: PlaybookRun;
  let service: PlaybookRun;
  let prove: PlaybookRun;

  /** A host that runs an Ollama which wrote a line into its journal at each of its starts. */
  function withJournal(name: string, ...starts: readonly string[]) {
    // Who never sees the GPU need not be waited for.
    const impatient = starts.some((line) => /vulkan/i.test(line))
      ? {}
      : { gpu_setup_detection_timeout: 1, gpu_setup_detection_interval: 1 };
    const variables = bench.host(name, 1, { ollama_gpu: "intel", ...impatient });
    bench.hasOllama(name);
    for (const [start, line] of starts.entries()) writeFileSync(join(bench.state(name), `journal-run-${start}`), line);
    return variables;
  }

  /** A container with a card that works, and an Ollama that uses it after its next start and has a model loaded. */
  function working(gpu: "nvidia" | "intel" | "amd", library: string, nodes: readonly string[], more: HostVariables = {}) {
    const variables = bench.hostWithNodes(gpu, gpu, nodes, {
      ollama_port: apis.loaded.port,
      ollama_render_gid: process.getgid?.(),
      ...more,
    });
    bench.hasOllama(gpu);
    writeFileSync(join(bench.state(gpu), "journal-run-1"), compute(library));
    return variables;
  }
  /** A container whose service has an account of the role's, which is to open device nodes of this group. */
  function withAccount(name: string, gid: number) {
    const variables = bench.hostWithNodes(name, "intel", ["dri/renderD128"], {
      ollama_manage_user: true,
      ollama_user: "lab-ollama",
      ollama_render_gid: gid,
      ollama_version: "0.12.11",
    });
    bench.hasOllama(name);
    bench.withApt(name);
    // Of another group, but everybody may open it.
    chmodSync(join(bench.folder, name, "dev/dri/renderD128"), 0o666);
    bench.command(name, "getent", '[ "$*" != "group 44" ] || exec echo video:x:44:\nexit 2');
    return variables;
  }

  /** What makes a service prove its GPU: the proof, and the addition to its unit. */
  const proofOf = (name: string) =>
    ["opt/ollama/prove-gpu", "etc/systemd/system/ollama.service.d/gpu.conf"].map((path) => join(bench.root(name), path));
  /** A container whose GPU the lab took away. */
  function former() {
    const variables = bench.hostWithNodes("former", "none", []);
    for (const path of proofOf("former")) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "");
    }
    return variables;
  }

  beforeAll(async () => {
    for (const api of Object.values(apis)) await api.start();
    // As a server lists a model on the processor, and one on the card.
    apis.loaded.loaded.push({ name: "b:1b", size: 1 }, { name: "a:1b", size: 1, size_vram: 1 });
    apis.idle.models.unshift({ name: "large:70b", size: 40 });
    const hosts = {
      partial: bench.hostWithNodes("partial", "nvidia", ["nvidia0", "nvidiactl"]),
      display: bench.hostWithNodes("display", "intel", ["dri/card0"]),
      foreign: bench.hostWithNodes("foreign", "intel", ["dri/renderD128"], { ollama_render_gid: 64999 }),
      computeless: bench.hostWithNodes("computeless", "amd", ["dri/renderD128"], { gpu_setup_kfd_topology: "/nowhere" }),
      driverless: bench.hostWithNodes("driverless", "amd", ["kfd", "dri/renderD128"], {
        gpu_setup_kfd_topology: "/nowhere",
        ollama_render_gid: process.getgid?.(),
      }),
      old: bench.hostWithNodes("old", "intel", ["dri/renderD128"], {
        ollama_render_gid: process.getgid?.(),
        ollama_version: "0.12.10",
      }),
      vulkan: bench.hostWithNodes("vulkan", "intel", ["dri/renderD128"], {
        ollama_render_gid: process.getgid?.(),
        ollama_version: "0.12.11",
      }),
      none: bench.hostWithNodes("none", "none", []),
      former: former(),
    };
    const topology = join(bench.folder, "amd/topology");
    const module = join(bench.folder, "nvidia/module");
    const cards = {
      nvidia: working("nvidia", "CUDA", ["nvidia0", "nvidiactl", "nvidia-uvm"], { gpu_setup_nvidia_module: module }),
      intel: working("intel", "Vulkan", ["dri/renderD128"], { ollama_version: "0.12.11" }),
      amd: working("amd", "ROCm", ["kfd", "dri/renderD128"], { gpu_setup_kfd_topology: topology }),
    };
    mkdirSync(join(topology, "1"), { recursive: true });
    writeFileSync(join(topology, "1/properties"), "simd_count 128\ngfx_target_version 110000\n");
    writeFileSync(module, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Release Build\n");
    bench.command("nvidia", "nvidia-smi", 'case $1 in --list-gpus) echo "GPU 0: RTX" ;; *) echo 580.95.05 ;; esac');
    bench.command("intel", "vulkaninfo", "echo deviceType = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU");
    for (const name of ["old", "vulkan", "intel"]) bench.withApt(name);
    setup = await bench.run("provision.yml", "gpu", { ...hosts, ...cards });
    tried = await bench.run(
      "provision.yml",
      "gpu",
      { ...cards, known: withAccount("known", 44), new: withAccount("new", 64999) },
      "--check",
    );
    service = await bench.run(bench.playbook("gpu_setup", "service"), "all", {
      detected: withJournal("detected", compute("Vulkan")),
      late: withJournal("late", compute("cpu"), compute("vulkan")),
      hidden: withJournal("hidden", compute("cpu"), compute("cpu")),
      mute: withJournal("mute", "", ""),
      ...Object.fromEntries(
        CHANGES.map((what) => [
          what,
          { ...withJournal(what, compute("Vulkan"), compute("Vulkan")), [`gpu_setup_${what}`]: { changed: true } },
        ]),
      ),
    });
    apis.embedding.load = (request, model) => {
      if (request === "POST /api/generate") return [400, { error: "does not support generate" }];
      apis.embedding.loaded.push({ name: model, size: 1, size_vram: 1 });
      return [200, {}];
    };
    apis.cpu.load = (_request, model) => {
      apis.cpu.loaded.push({ name: model, size: 1, size_vram: 0 });
      return [200, {}];
    };
    prove = await bench.run(
      bench.playbook("gpu_setup", "prove"),
      "all",
      Object.fromEntries(Object.entries(apis).map(([name, api]) => [name, bench.host(name, api.port, { ollama_gpu: "nvidia" })])),
    );
  });
  afterAll(() => {
    for (const api of Object.values(apis)) api.stop();
    bench.remove();
  });

  test("names the NVIDIA device node that was not passed", () => {
    expect(setup.failure("partial")).toContain("has no device node that matches ^nvidia-uvm$");
  });

  test("asks for a render node with an Intel GPU: a display node is not enough", () => {
    expect(setup.failure("display")).toContain("has no device node that matches ^renderD\\d+$");
  });

  test("names both group ids when the service could not open the device node", () => {
    expect(setup.failure("foreign")).toContain(
      `belongs to the group id ${process.getgid?.()} with mode 0660, but ollama_render_gid is 64999`,
    );
  });

  test("asks for the compute device with an AMD GPU", () => {
    expect(setup.failure("computeless")).toContain("has no device node that matches ^kfd$");
  });

  test("says when the host's amdgpu driver does not compute with the card", () => {
    expect(setup.failure("driverless")).toContain("has no AMD card that its amdgpu driver offers for computing");
  });

  test("refuses an Ollama that cannot use an Intel GPU", () => {
    expect(setup.failure("old")).toContain("Ollama 0.12.10 of old cannot use an Intel GPU: Vulkan came with 0.12.11.");
    expect(bench.read("old", "apt")).toBe("");
  });

  test("installs Mesa's Vulkan driver for an Intel GPU, and nothing that is only recommended", () => {
    expect(bench.read("vulkan", "apt")).toMatch(
      /^apt-get .*DPkg::Lock::Timeout=300 +install mesa-vulkan-drivers vulkan-tools -o APT::Install-Recommends=no$/m,
    );
  });

  test("takes a package list of an hour for fresh", () => {
    expect(setup.calls("vulkan", "apt")[0]?.args).toMatchObject({ update_cache: true, cache_valid_time: 3600 });
  });

  test.each(["nvidia", "intel", "amd"])("brings a container with a card of %s so far that Ollama computes with it", (gpu) => {
    expect(setup.recap(gpu).failed).toBe(0);
    expect(proofOf(gpu).filter((path) => existsSync(path))).toEqual(proofOf(gpu));
    expect(bench.read(gpu, "starts").trim()).toBe("1");
  });

  test("changes what it installs, and by nothing that it asks", () => {
    // The proof, its folder, the addition to the unit and the restart; with an Intel GPU its driver too.
    expect(["nvidia", "intel", "amd"].map((gpu) => setup.recap(gpu).changed)).toEqual([4, 5, 4]);
  });

  test.each(["nvidia", "amd"])("can be tried with --check where a card of %s works, which changes nothing", (gpu) => {
    expect(tried.recap(gpu)).toMatchObject({ changed: 0, failed: 0 });
  });

  test("adds the service's account to the group that the device nodes have", () => {
    expect(tried.calls("known", "group")[0]?.args).toMatchObject({ name: "video", gid: 44, system: true });
    expect(tried.calls("known", "user")[0]?.args).toMatchObject({ name: "lab-ollama", groups: ["video"], append: true });
  });

  test("makes a group of its own for device nodes whose group has no name", () => {
    expect(tried.calls("new", "group")[0]?.args).toMatchObject({ name: "ollama-gpu", gid: 64999, system: true });
    expect(tried.calls("new", "user")[0]?.args).toMatchObject({ name: "lab-ollama", groups: ["ollama-gpu"], append: true });
  });

  test("restarts Ollama for the new group of its account", () => {
    expect(tried.calls("new", "systemd_service").map(({ args, changed }) => [args["state"], changed])).toContainEqual([
      "restarted",
      true,
    ]);
  });

  test("does not wait for a restart that --check leaves out", () => {
    expect(tried.calls("new", "command").filter(({ task }) => task === "Read the journal of the service")).toHaveLength(1);
  });

  test("leaves the account of a service alone that is not the role's", () => {
    expect(setup.calls("intel", "user")).toEqual([]);
  });

  test("asks no proof any more of a container whose GPU was taken away", () => {
    expect(setup.recap("former")).toMatchObject({ changed: 1, failed: 0 });
    expect(proofOf("former").filter((path) => existsSync(path))).toEqual([]);
    expect(bench.read("former", "calls")).toContain("daemon-reload");
  });

  test("does nothing without a GPU", () => {
    expect(setup.recap("none")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("leaves an Ollama alone that already uses the GPU", () => {
    expect(service.recap("detected")).toMatchObject({ changed: 0, failed: 0 });
    expect(bench.read("detected", "starts")).toBe("");
  });

  test("restarts an Ollama that does not, and reads the journal of the new run alone", () => {
    expect(service.recap("late")).toMatchObject({ changed: 1, failed: 0 });
    expect(bench.read("late", "starts").trim()).toBe("1");
  });

  test.each(CHANGES)("restarts an Ollama that uses the GPU when the set-up changed its %s", (what) => {
    expect(service.recap(what)).toMatchObject({ changed: 1, failed: 0 });
    expect(bench.read(what, "calls")).toMatch(/^daemon-reload$.*^restart ollama$/ms);
  });

  test("looks at the journal once more, and after a restart for a minute", () => {
    const looks = service.calls("late", "command").map(({ retries, delay, changed }) => ({ retries, delay, changed }));
    expect(looks).toEqual([
      { retries: 1, delay: 3, changed: false },
      { retries: 20, delay: 3, changed: false },
    ]);
  });

  test("fails with the words of the journal when Ollama stays on the processor", () => {
    expect(service.failure("hidden")).toContain("does not compute with Vulkan");
    expect(service.failure("hidden")).toContain("library=cpu");
  });

  test("says that the journal has nothing about a GPU when it has nothing", () => {
    expect(service.failure("mute")).toContain("Its journal says: nothing about a GPU.");
  });

  test("proves the use of the GPU with the smallest model, for which it asks no answer", () => {
    expect(prove.recap("idle").failed).toBe(0);
    expect(apis.idle.loads).toEqual(["POST /api/generate small:1b"]);
    expect(prove.calls("idle", "uri").map(({ args }) => args["body"])).toContainEqual({ model: "small:1b", stream: false });
  });

  test("proves it with a model for embeddings too", () => {
    expect(prove.recap("embedding").failed).toBe(0);
    expect(apis.embedding.loads).toEqual(["POST /api/generate embed:1b", "POST /api/embed embed:1b"]);
  });

  test("waits for an answer, and far longer for a model to be loaded", () => {
    const waits = prove.calls("embedding", "uri").map(({ args }) => [String(args["url"]).replace(/.*\d\//, ""), args["timeout"]]);
    expect(waits).toEqual([
      ["api/tags", 30],
      ["api/ps", 30],
      ["api/generate", 600],
      ["api/embed", 600],
      ["api/ps", 30],
    ]);
  });

  test("fails when a model was loaded without the GPU", () => {
    expect(prove.failure("cpu")).toContain("loaded small:1b without it");
  });

  test("loads nothing where a model is on the GPU already", () => {
    expect(prove.recap("loaded").failed).toBe(0);
    expect(apis.loaded.loads).toEqual([]);
  });
});
