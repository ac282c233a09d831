import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OllamaWorld } from "./ollama-world";
import { type Finished, killLeftovers, projectRoot, run, start, testWith } from "./run";

const script = `${projectRoot}/templates/ollama/pull-models.sh`;

describe.each(["sh", "bash"])("pull-models.sh under %s", (shell) => {
  let world: OllamaWorld;
  let models: string;
  const pull = (env: Record<string, string>): Promise<Finished> =>
    run(shell, script, [], {
      ...world.env,
      OLLAMA_HOST: "http://ollama.ml.svc:11434",
      WAIT_SECONDS: "0",
      POLL_SECONDS: "0.02",
      RETRY_SECONDS: "0.02",
      ...env,
    });
  const present = () =>
    readdirSync(join(models, "manifests"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(models, "manifests/").length))
      .sort();

  beforeEach(() => {
    world = new OllamaWorld();
    models = join(world.folder, "models");
    world.serve(models);
    world.register("llama3.2:1b", "llama weights");
    world.register("qwen2.5:3b", "qwen weights");
    world.register("nomic-embed-text", "nomic weights");
  });
  afterEach(() => {
    killLeftovers();
    world.remove();
  });

  test("pulls every listed model and exits 0", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b\nqwen2.5:3b\n" });
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(present()).toEqual(["registry.ollama.ai/library/llama3.2/1b", "registry.ollama.ai/library/qwen2.5/3b"]);
  });

  test("does not pull what is present under another spelling of the same name", async () => {
    await pull({ MODELS: "nomic-embed-text" });
    const finished = await pull({ MODELS: "registry.ollama.ai/library/nomic-embed-text:latest library/Nomic-Embed-Text" });
    expect(finished.code).toBe(0);
    expect(world.pulled).toEqual(["nomic-embed-text"]);
  });

  test("does not take a longer name, or another tag, for the model", async () => {
    for (const model of ["my/llama3.2:1b", "llama3.2:1b-instruct"]) world.register(model, model);
    await pull({ MODELS: "my/llama3.2:1b llama3.2:1b-instruct" });
    await pull({ MODELS: "llama3.2:1b" });
    expect(world.pulled).toContain("llama3.2:1b");
  });

  test("pulls again what is present when PULL_ALWAYS is true", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    expect((await pull({ MODELS: "llama3.2:1b", PULL_ALWAYS: "true" })).code).toBe(0);
    expect(world.pulled).toEqual(["llama3.2:1b", "llama3.2:1b"]);
  });

  test("pulls again a model that is listed but whose weights are gone", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    for (const blob of readdirSync(join(models, "blobs"))) rmSync(join(models, "blobs", blob));
    expect((await pull({ MODELS: "llama3.2:1b" })).code).toBe(0);
    expect(world.pulled).toHaveLength(2);
  });

  test("stops with 3 at the first model that cannot be pulled", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b absent:7b qwen2.5:3b", PULL_ATTEMPTS: "2", REMOVE_UNLISTED: "true" });
    expect(finished.code).toBe(3);
    expect(finished.stderr).toContain("absent:7b could not be pulled in 2 attempts");
    expect(world.pulled).toEqual(["llama3.2:1b", "absent:7b", "absent:7b"]);
  });

  test("succeeds when a pull fails once and then works", async () => {
    world.hook("on-pull", 'rm "$stub/on-pull"; echo "Error: connection reset by peer" >&2; exit 1');
    const finished = await pull({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(0);
    expect(world.pulled).toEqual(["llama3.2:1b", "llama3.2:1b"]);
  });

  test("exits 4 when a pull reports success but the model is not there", async () => {
    world.hook("after-pull", 'rm "$models/manifests/$path"');
    const finished = await pull({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("llama3.2:1b was pulled but the server does not list it");
  });

  test("exits 2 and says why when the API never answers", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b", OLLAMA_STUB: join(world.folder, "bin") });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("no answer from http://ollama.ml.svc:11434 within 0 s (Error: could not connect");
  });

  test("waits for an API that comes up late", async () => {
    world.hook("on-list", 'rm "$stub/on-list"; echo "Error: starting" >&2; exit 1');
    expect((await pull({ MODELS: "llama3.2:1b", WAIT_SECONDS: "5" })).code).toBe(0);
  });

  test("leaves unlisted models alone by default", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    await pull({ MODELS: "qwen2.5:3b" });
    expect(present()).toHaveLength(2);
  });

  test("removes only unlisted models when REMOVE_UNLISTED is true", async () => {
    await pull({ MODELS: "llama3.2:1b nomic-embed-text" });
    const finished = await pull({ MODELS: "qwen2.5:3b library/nomic-embed-text", REMOVE_UNLISTED: "true" });
    expect(finished.code).toBe(0);
    expect(present()).toEqual(["registry.ollama.ai/library/nomic-embed-text/latest", "registry.ollama.ai/library/qwen2.5/3b"]);
  });

  test("removes nothing when a pull fails", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    await pull({ MODELS: "absent:7b", REMOVE_UNLISTED: "true", PULL_ATTEMPTS: "1" });
    expect(present()).toEqual(["registry.ollama.ai/library/llama3.2/1b"]);
  });

  test("exits 5 when an unlisted model cannot be removed", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    world.hook("on-rm", "exit 1");
    expect((await pull({ MODELS: "qwen2.5:3b", REMOVE_UNLISTED: "true" })).code).toBe(5);
  });

  test("ends at once on TERM, in the middle of a pull", async () => {
    world.hook("on-pull", ': >"$stub/pulling"; exec sleep 30');
    const running = start(shell, script, [], { ...world.env, OLLAMA_HOST: "x", MODELS: "llama3.2:1b" });
    while (!existsSync(join(world.folder, "pulling"))) await new Promise((resolve) => setTimeout(resolve, 10));
    running.signal("SIGTERM");
    expect((await running.done).code).toBe(143);
  });

  test.each([
    ["an empty list", { MODELS: " \n" }, "MODELS is empty"],
    ["a reference with shell in it", { MODELS: "llama3.2:1b x;reboot" }, "MODELS names 'x;reboot'"],
    ["a pattern", { MODELS: "*" }, "MODELS names '*'"],
    ["no server", { MODELS: "a", OLLAMA_HOST: "" }, "OLLAMA_HOST is not set"],
    ["no attempt", { MODELS: "a", PULL_ATTEMPTS: "0" }, "PULL_ATTEMPTS is 0; give 1 or more"],
    ["a word for a number", { MODELS: "a", WAIT_SECONDS: "long" }, "WAIT_SECONDS is 'long'; give a whole number"],
    ["a word for a switch", { MODELS: "a", REMOVE_UNLISTED: "yes" }, "REMOVE_UNLISTED is 'yes'; give true or false"],
  ])("exits 64 for %s", async (_, env, message) => {
    const finished = await pull(env);
    expect(finished.code).toBe(64);
    expect(finished.stderr).toContain(message);
    expect(world.calls).toEqual([]);
  });
});

testWith("shellcheck", "apt-get install shellcheck")(
  "pull-models.sh, models-present.sh and the stub pass shellcheck",
  async () => {
    const files = [script, `${projectRoot}/templates/ollama/models-present.sh`, `${__dirname}/stub-ollama.sh`];
    expect(await run("shellcheck", "--external-sources", files, {})).toMatchObject({ code: 0, text: "" });
  },
);
