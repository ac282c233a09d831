import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OllamaWorld, type RegistryModel } from "./ollama-world";
import { type Finished, killLeftovers, run } from "./run";

describe("models-present.sh", () => {
  let world: OllamaWorld;
  let models: string;
  let script: string;
  let llama: RegistryModel;
  const probe = (env: Record<string, string>): Promise<Finished> =>
    run("sh", script, [], { ...world.env, MODELS_DIR: models, ...env });

  beforeEach(() => {
    world = new OllamaWorld();
    models = join(world.folder, "models");
    world.serve(models);
    script = world.scripts("ollama/models-present.sh", "model-staging/verify-models.sh");
    for (const model of ["nomic-embed-text", "registry.lab.example:5000/team/Tuned:v1", "llama3.2:1b"]) {
      llama = world.register(model, model);
      world.install(models, model);
    }
  });
  afterEach(() => {
    killLeftovers();
    world.remove();
  });

  test("is ready when every model is listed, however it is spelled", async () => {
    const finished = await probe({ MODELS: "library/llama3.2:1b nomic-embed-text\nregistry.lab.example:5000/team/tuned:v1" });
    expect(finished).toMatchObject({ code: 0, text: "" });
  });

  test("is not ready when a model is missing, and names it", async () => {
    const finished = await probe({ MODELS: "llama3.2:1b llama3:8b" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("the server lacks: llama3:8b");
  });

  test("is not ready when a blob of a listed model is gone", async () => {
    rmSync(join(models, "blobs", llama.blobs[1] ?? ""));
    const finished = await probe({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain(`${llama.blobs[1]} is missing`);
  });

  test("is not ready when a blob is too short", async () => {
    truncateSync(join(models, "blobs", llama.blobs[1] ?? ""), 3);
    expect((await probe({ MODELS: "llama3.2:1b" })).code).toBe(1);
  });

  test("is not ready when a manifest is not the one of the record", async () => {
    const record = join(world.folder, "release.txt");
    writeFileSync(record, `manifest=${"0".repeat(64)} ${llama.path}\n`);
    const finished = await probe({ MODELS: "llama3.2:1b", RECORD: record });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("is not the manifest that was published");
  });

  test("is ready whatever happens to a model that it does not serve", async () => {
    writeFileSync(join(models, "manifests/registry.ollama.ai/library/nomic-embed-text/latest"), "{");
    expect((await probe({ MODELS: "llama3.2:1b" })).code).toBe(0);
  });

  test("tells a stale NFS handle, and that a new pod cures it", async () => {
    world.command("ls", 'echo "ls: cannot access: Stale file handle" >&2; exit 2');
    const finished = await probe({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("is stale");
    expect(finished.stderr).toContain("delete the pod");
  });

  test("is not ready, in time, when the files hang", async () => {
    world.command("ls", "exec sleep 3000");
    const finished = await probe({ MODELS: "llama3.2:1b", PROBE_TIMEOUT_SECONDS: "0.5" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("could not be looked at within 0.5 s; does the NFS server answer?");
  });

  test("does not take another tag, or a longer name, for the model", async () => {
    expect((await probe({ MODELS: "llama3.2:1" })).code).toBe(1);
    expect((await probe({ MODELS: "llama3x2:1b" })).code).toBe(1);
  });

  test("is not ready when the API does not answer", async () => {
    const finished = await probe({ MODELS: "llama3.2:1b", OLLAMA_STUB: join(world.folder, "bin") });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("could not connect");
  });

  test("is not ready, in time, when the API hangs", async () => {
    world.hook("on-list", "exec sleep 3000");
    const finished = await probe({ MODELS: "llama3.2:1b", PROBE_TIMEOUT_SECONDS: "0.1" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain("no answer from the API within 0.1 s");
  });

  test("exits 64 without a list, so that a forgotten variable never looks ready", async () => {
    expect((await probe({})).code).toBe(64);
  });

  test("exits 64 without a folder", async () => {
    expect((await probe({ MODELS: "a", MODELS_DIR: "" })).code).toBe(64);
  });

  test("exits 64 for a bound that is no number, and repeats it", async () => {
    const { code, stderr } = await probe({ MODELS: "a", PROBE_TIMEOUT_SECONDS: "5s" });
    expect([code, stderr]).toEqual([64, expect.stringContaining("PROBE_TIMEOUT_SECONDS is '5s'; give a number of seconds")]);
  });

  test("tells the page of another server in one line", async () => {
    world.hook("on-list", 'printf "Error: <html>\\n<p>%s</p>\\n</html>\\n" "$(seq 1000)" >&2; exit 1');
    const finished = await probe({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(1);
    expect(finished.stderr).toMatch(/^models-present: no answer from the API within 3 s: Error: <html> <p>1 2 .{0,200}\n$/);
  });
});
