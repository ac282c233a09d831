import { join } from "node:path";
import { OllamaWorld } from "./ollama-world";
import { type Finished, killLeftovers, projectRoot, run } from "./run";

describe.each(["sh", "bash"])("models-present.sh under %s", (shell) => {
  let world: OllamaWorld;
  const probe = (env: Record<string, string>): Promise<Finished> =>
    run(shell, `${projectRoot}/templates/ollama/models-present.sh`, [], { ...world.env, ...env });

  beforeEach(async () => {
    world = new OllamaWorld();
    world.serve(join(world.folder, "models"));
    for (const model of ["llama3.2:1b", "nomic-embed-text", "registry.lab.example:5000/team/Tuned:v1"]) {
      world.register(model, model);
      await run(shell, join(world.folder, "bin/ollama"), ["pull", model], world.env);
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

  test("exits 64 for a bound that is no number", async () => {
    expect((await probe({ MODELS: "a", PROBE_TIMEOUT_SECONDS: "5s" })).code).toBe(64);
  });
});
