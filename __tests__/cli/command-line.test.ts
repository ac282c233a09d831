import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";
import { version } from "../../package.json";

const { sourceState } = require("../../tools/source-state.cjs") as { sourceState(root: string): string };

const ROOT = join(__dirname, "../..");
const LXC = join(ROOT, "examples/lxc.yaml");

describe("the command line", () => {
  test.each([
    ["an unknown command", ["chek"], "unknown command 'chek'"],
    ["an unknown option", ["check", "--chek"], "unknown option '--chek'"],
    ["two labs", ["check", "a.yaml", "b.yaml"], "too many arguments for 'check'"],
  ])("%s is refused with 64", async (_, args, message) => {
    expect(await run(args, {})).toEqual({ exitCode: 64, stdout: "", stderr: expect.stringContaining(message) });
  });

  test("a command that is nearly right is suggested", async () => {
    expect((await run(["chek"], {})).stderr).toContain("Did you mean check?");
  });

  test("no command at all gets the help, and ends with 64", async () => {
    expect(await run([], {})).toEqual({ exitCode: 64, stdout: "", stderr: expect.stringContaining("Usage: ollama-lab") });
  });

  test("--help lists the commands and the exit codes, and ends with 0", async () => {
    const { exitCode, stdout } = await run(["--help"], {});
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/check .*synth .*inventory .*Exit codes:/s)]);
  });

  test("--version prints the version of the package", async () => {
    expect(await run(["--version"], {})).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("which lab a command takes", () => {
  test("the one named as an argument wins over LAB", async () => {
    expect((await run(["check", LXC], { LAB: "elsewhere.yaml" })).stdout).toContain("lxc.yaml");
  });
  test("without an argument it is the one in LAB", async () => {
    expect((await run(["check"], { LAB: LXC })).stdout).toContain("lxc.yaml");
  });
  test("an empty LAB is refused, with what to write", async () => {
    expect(await run(["check"], { LAB: "" })).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringContaining("LAB=examples/lxc.yaml"),
    });
  });
});

describe("--json", () => {
  test("prints one document, alone on stdout", async () => {
    const { stdout, stderr } = await run(["check", LXC, "--json"], {});
    expect([JSON.parse(stdout), stderr]).toEqual([expect.objectContaining({ version: 1, command: "check", lab: LXC }), ""]);
  });

  test("a problem has its place as numbers", async () => {
    const { stdout } = await run(["check", join(ROOT, "examples/gpu-cluster.yaml"), "--json"], {});
    expect(JSON.parse(stdout).problems[0]).toMatchObject({
      code: "k3s-ended",
      line: expect.any(Number),
      column: expect.any(Number),
    });
  });

  test("a lab that is not there is a problem, and the exit code is 1", async () => {
    const { exitCode, stdout } = await run(["check", "nowhere.yaml", "--json"], {});
    expect([exitCode, JSON.parse(stdout).problems]).toEqual([1, [expect.objectContaining({ code: "lab-missing" })]]);
  });

  test("a refusal stands beside the result", async () => {
    const { stdout } = await run(["check", "--json"], { LAB: "" });
    expect(JSON.parse(stdout)).toMatchObject({ error: expect.stringContaining("LAB is set"), result: null });
  });
});

describe("check", () => {
  test("writes nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "check-"));
    try {
      await run(["check", LXC], { CDKTF_OUTDIR: join(folder, "cdktf.out") });
      expect(existsSync(join(folder, "cdktf.out"))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe("--strict", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "check-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    /** The lab with this in the place of the models of its first container. */
    const labWithContainer = (setting: string): string => {
      const file = join(folder, "lab.yaml");
      const text = readFileSync(join(ROOT, "examples/default.yaml"), "utf8").replace("auth: apiToken", "auth: rootPassword");
      writeFileSync(file, text.replace('models: ["mistral:7b", nomic-embed-text]', setting));
      return file;
    };
    const AMD = "gpu: { type: amd }";

    test("a lab without a warning passes", async () => {
      expect((await run(["check", "--strict", LXC], {})).exitCode).toBe(0);
    });
    test("a warning is a failure, and without --strict it is none", async () => {
      const lab = labWithContainer("ollama: { version: 0.31.0 }");
      const { exitCode, stderr } = await run(["check", "--strict", lab], {});
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/no-checksum.*With --strict a warning is a failure\.$/s)]);
      expect((await run(["check", lab], {})).exitCode).toBe(0);
    });
    test("a default without a checksum is told", async () => {
      const { exitCode, stderr } = await run(["check", "--strict", labWithContainer(AMD)], {});
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining("warning no-checksum: the ROCm archive of Ollama")]);
    });
    test("the doctor tells it too", async () => {
      const { stderr } = await run(["doctor", labWithContainer(AMD)], {});
      expect(stderr).toContain("warning no-checksum: the ROCm archive of Ollama");
    });
    test("without it nothing is said about that default", async () => {
      const { exitCode, stderr } = await run(["check", labWithContainer(AMD)], {});
      expect([exitCode, stderr]).toEqual([0, ""]);
    });
    test("without it the warning is told where the lab chooses the version", async () => {
      const { stderr } = await run(["check", labWithContainer("ollama: { version: 0.32.15 }, gpu: { type: amd }")], {});
      expect(stderr).toContain("warning no-checksum: the ROCm archive of Ollama");
    });
  });

  test("lists what production fetches in an air-gapped lab, and how it gets there", async () => {
    const { stdout } = await run(["check", join(ROOT, "examples/air-gapped.yaml")], {});
    expect(stdout).toContain("image    ollama/ollama:0.32.15 (docker.io) ← https://registry.lab.example");
  });
});

describe("the state of the sources, by which main.mjs tells whether to build again", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "sources-"));
    mkdirSync(join(root, "cli"));
    writeFileSync(join(root, "cli/check.ts"), "old");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test.each([
    ["a source that was edited", () => writeFileSync(join(root, "cli/check.ts"), "new!")],
    ["a source that was replaced by an older one of the same size", () => utimesSync(join(root, "cli/check.ts"), 1, 1)],
    ["a source that was added", () => writeFileSync(join(root, "cli/new.ts"), "")],
    ["a source that was removed", () => rmSync(join(root, "cli/check.ts"))],
  ])("changes with %s", (_, change) => {
    const before = sourceState(root);
    change();
    expect(sourceState(root)).not.toBe(before);
  });

  test("stays what it is while nothing changes", () => expect(sourceState(root)).toBe(sourceState(root)));
});
