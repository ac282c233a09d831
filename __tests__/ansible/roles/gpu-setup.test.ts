import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FakeOllama } from "./fake-ollama";
import { describeWithAnsible, type PlaybookRun, Workbench } from "./playbook";

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
  let service: PlaybookRun;
  let prove: PlaybookRun;

  /** A host that runs an Ollama which wrote a line into its journal at each of its starts. */
  function withJournal(name: string, ...starts: readonly string[]) {
    const variables = bench.host(name, 1, {
      ollama_gpu: "intel",
      gpu_setup_detection_timeout: 1,
      gpu_setup_detection_interval: 1,
    });
    mkdirSync(join(bench.root(name), "opt/ollama"), { recursive: true });
    writeFileSync(join(bench.root(name), "etc/systemd/system/ollama.service"), "");
    writeFileSync(join(bench.state(name), "running"), "");
    for (const [start, line] of starts.entries()) writeFileSync(join(bench.state(name), `journal-run-${start}`), line);
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
    const hosts = {
      nvidia: bench.hostWithNodes("nvidia", "nvidia", ["nvidia0", "nvidiactl"]),
      intel: bench.hostWithNodes("intel", "intel", ["dri/card0"]),
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
    for (const name of ["old", "vulkan"]) bench.withApt(name);
    setup = await bench.run("provision.yml", "gpu", hosts);
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
    apis.loaded.loaded.push({ name: "a:1b", size: 1, size_vram: 1 });
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
    expect(setup.failure("nvidia")).toContain("has no device node that matches ^nvidia-uvm$");
  });

  test("asks for a render node with an Intel GPU: a display node is not enough", () => {
    expect(setup.failure("intel")).toContain("has no device node that matches ^renderD\\d+$");
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

  test("fails with the words of the journal when Ollama stays on the processor", () => {
    expect(service.failure("hidden")).toContain("does not compute with Vulkan");
    expect(service.failure("hidden")).toContain("library=cpu");
  });

  test("says that the journal has nothing about a GPU when it has nothing", () => {
    expect(service.failure("mute")).toContain("Its journal says: nothing about a GPU.");
  });

  test("proves the use of the GPU with a loaded model", () => {
    expect(prove.recap("idle").failed).toBe(0);
    expect(apis.idle.loads).toEqual(["POST /api/generate small:1b"]);
  });

  test("proves it with a model for embeddings too", () => {
    expect(prove.recap("embedding").failed).toBe(0);
    expect(apis.embedding.loads).toEqual(["POST /api/generate embed:1b", "POST /api/embed embed:1b"]);
  });

  test("fails when a model was loaded without the GPU", () => {
    expect(prove.failure("cpu")).toContain("loaded small:1b without it");
  });

  test("loads nothing where a model is on the GPU already", () => {
    expect(prove.recap("loaded").failed).toBe(0);
    expect(apis.loaded.loads).toEqual([]);
  });
});
