import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OllamaWorld, type RegistryModel } from "../ollama/ollama-world";
import { type Finished, killLeftovers, run } from "../ollama/run";
import { verifyScript } from "./share";

describe.each(["sh", "bash"])("verify-models.sh under %s", (shell) => {
  let world: OllamaWorld;
  let models: string;
  let llama: RegistryModel;
  const verify = (env: Record<string, string> = {}): Promise<Finished> =>
    run(shell, verifyScript, [], { ...world.env, MODELS_DIR: models, MODELS: "llama3:8b", ...env });
  const blob = (index: number) => join(models, "blobs", llama.blobs[index] ?? "");
  const manifest = () => join(models, "manifests", llama.path);

  beforeEach(async () => {
    world = new OllamaWorld();
    models = join(world.folder, "models");
    world.serve(models);
    llama = world.register("llama3:8b", "llama weights", "licence");
    world.register("registry.lab.example/team/tuned:v1", "tuned weights", "licence");
    for (const model of ["llama3:8b", "registry.lab.example/team/tuned:v1"]) {
      await run(shell, join(world.folder, "bin/ollama"), ["pull", model], world.env);
    }
  });
  afterEach(() => {
    killLeftovers();
    world.remove();
  });

  test("accepts a folder that is complete and intact, and counts each shared blob once", async () => {
    const finished = await verify({ MODELS: "llama3:8b registry.lab.example/team/tuned:v1" });
    expect(finished).toMatchObject({ code: 0, stdout: "" });
    expect(finished.stderr).toContain("2 models, 5 blobs, all intact (sha256)");
  });

  test("accepts manifests with other white space and key order, nested annotations and brackets in strings", async () => {
    const { config, layers } = JSON.parse(readFileSync(manifest(), "utf8")) as Record<"config" | "layers", { digest: string }[]>;
    const layer = layers.map((entry) => ({
      annotations: { note: 'a "]}' },
      ...Object.fromEntries(Object.entries(entry).reverse()),
    }));
    writeFileSync(manifest(), JSON.stringify({ layers: layer, config, schemaVersion: 2 }, null, 2));
    expect((await verify()).code).toBe(0);
    truncateSync(blob(1), 3);
    expect((await verify({ VERIFY: "size" })).stdout).toBe(`damaged ${llama.blobs[1]}\n`);
  });

  test.each<[string, () => void, RegExp]>([
    ["a truncated blob", () => truncateSync(blob(1), 3), /^damaged sha256-/],
    ["a corrupt blob", () => writeFileSync(blob(1), "llama w3ights"), /^damaged sha256-/],
    ["a missing blob", () => rmSync(blob(1)), /^missing sha256-/],
    ["a missing configuration", () => rmSync(blob(0)), /^missing sha256-/],
    ["a missing manifest", () => rmSync(manifest()), /no-manifest llama3:8b/],
    ["a manifest torn in a layer", () => truncateSync(manifest(), 300), /^bad-manifest /],
    [
      "a manifest torn exactly after a layer",
      () => writeFileSync(manifest(), /^.*?"layers":\[\{.*?\}/.exec(readFileSync(manifest(), "utf8"))?.[0] ?? ""),
      /^bad-manifest /,
    ],
    ["an empty manifest", () => writeFileSync(manifest(), ""), /^bad-manifest /],
    ["a partial download", () => writeFileSync(`${blob(1)}-partial`, ""), /^foreign .*-partial$/m],
    ["a blob of the old naming", () => writeFileSync(join(models, "blobs/sha256:00"), ""), /^foreign /],
    ["a file that a copy left beside the manifests", () => writeFileSync(join(models, "manifests/._x"), ""), /^foreign /],
    [
      "a file that lies too deep",
      () => [rmSync(manifest()), mkdirSync(manifest()), writeFileSync(join(manifest(), "x"), "")],
      /^foreign /,
    ],
    ["an empty folder below manifests", () => mkdirSync(join(models, "manifests/registry.ollama.ai/library/gone")), /^foreign /],
    ["a folder without blobs", () => rmSync(join(models, "blobs"), { recursive: true }), /^no-folder /],
    [
      "an empty folder of manifests",
      () => [rmSync(join(models, "manifests"), { recursive: true }), mkdirSync(join(models, "manifests"))],
      /^no-manifest /,
    ],
  ])("finds %s, with 1", async (_, damage, finding) => {
    damage();
    const finished = await verify();
    expect(finished.code).toBe(1);
    expect(finished.stdout).toMatch(finding);
    expect(finished.stderr).not.toBe("");
  });

  test("reports every finding, not only the first", async () => {
    writeFileSync(blob(1), "llama w3ights");
    rmSync(blob(0));
    expect((await verify({ MODELS: "llama3:8b absent:1b" })).stdout.split("\n").filter(Boolean)).toHaveLength(3);
  });

  test("finds damage in a model that was not asked for", async () => {
    writeFileSync(blob(1), "llama w3ights");
    expect((await verify({ MODELS: "registry.lab.example/team/tuned:v1" })).code).toBe(1);
  });

  test("with VERIFY=size finds what is truncated, and reads no blob", async () => {
    writeFileSync(blob(1), "llama w3ights");
    expect((await verify({ VERIFY: "size" })).code).toBe(0);
    truncateSync(blob(1), 3);
    expect((await verify({ VERIFY: "size" })).code).toBe(1);
  });

  test("changes nothing", async () => {
    const before = await run("ls", "-lR", ["--full-time", models], {});
    await verify();
    expect((await run("ls", "-lR", ["--full-time", models], {})).stdout).toBe(before.stdout);
  });

  test("exits 64 without a folder, or for a check it does not know", async () => {
    expect((await verify({ MODELS_DIR: "" })).code).toBe(64);
    expect((await verify({ VERIFY: "md5" })).code).toBe(64);
  });
});
