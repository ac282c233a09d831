import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultsOf, OllamaWorld, type RegistryModel } from "./ollama-world";
import { type Finished, killLeftovers, LONGEST, type Refused, run, start, TOO_LONG } from "./run";

// Of the shells only the image's own: dash is its /bin/sh.
describe("pull-models.sh", () => {
  let world: OllamaWorld;
  let models: string;
  let script: string;
  let llama: RegistryModel;
  const pull = (env: Record<string, string>): Promise<Finished> =>
    run("sh", script, [], {
      ...world.env,
      OLLAMA_HOST: "http://ollama.ml.svc:11434",
      MODELS_DIR: models,
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
    script = world.scripts("ollama/pull-models.sh", "model-staging/verify-models.sh");
    llama = world.register("llama3.2:1b", "llama weights", "shared licence");
    world.register("qwen2.5:3b", "qwen weights");
    world.register("nomic-embed-text", "nomic weights");
  });
  afterEach(() => {
    killLeftovers();
    world.remove();
  });

  test("pulls every listed model and exits 0", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b\nqwen2.5:3b\n" });
    expect(finished.code).toBe(0);
    expect(present()).toEqual(["registry.ollama.ai/library/llama3.2/1b", "registry.ollama.ai/library/qwen2.5/3b"]);
  });

  test("pulls every model of a server that never had one, and so has no folder of manifests yet", async () => {
    rmSync(join(models, "manifests"), { recursive: true });
    const finished = await pull({ MODELS: "llama3.2:1b" });
    expect([finished.code, world.pulled]).toEqual([0, ["llama3.2:1b"]]);
  });

  test("tells what it does with each model", async () => {
    await pull({ MODELS: "llama3.2:1b" });
    world.hook("on-pull", 'rm "$stub/on-pull"; echo "Error: connection reset by peer" >&2; exit 1');
    const finished = await pull({ MODELS: "llama3.2:1b qwen2.5:3b", PULL_ATTEMPTS: "3" });
    expect(finished.stdout.trim().split("\n")).toEqual([
      `qwen2.5:3b is not there: no ${models}/manifests/registry.ollama.ai/library/qwen2.5/3b`,
      "llama3.2:1b: present",
      "qwen2.5:3b: pulling",
      "qwen2.5:3b: the pull failed, attempt 2 of 3 follows in 0.02 s",
      "Verifying what was pulled",
      "All models are present and intact.",
    ]);
  });

  test("removes an unlisted model whose name is the beginning of a listed one", async () => {
    world.register("llama3.2:1b-instruct", "instruct");
    await pull({ MODELS: "llama3.2:1b" });
    await pull({ MODELS: "llama3.2:1b-instruct", REMOVE_UNLISTED: "true" });
    expect(present()).toEqual(["registry.ollama.ai/library/llama3.2/1b-instruct"]);
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

  describe("repairs by a pull, and names what it found:", () => {
    const weights = () => join(models, "blobs", llama.blobs[1] ?? "");
    const manifest = () => join(models, "manifests", llama.path);
    const change = (edit: (text: string) => string) => writeFileSync(manifest(), edit(readFileSync(manifest(), "utf8")));

    test.each<[string, () => void, string]>([
      ["a missing blob", () => rmSync(weights()), "is missing"],
      [
        "a truncated blob, which a pull alone leaves as it is",
        () => truncateSync(weights(), 3),
        "has 3 bytes; the manifest says 13",
      ],
      ["an altered blob of the right size", () => writeFileSync(weights(), "llama w3ights"), "has the SHA-256"],
      ["a torn manifest", () => truncateSync(manifest(), 300), "is not a complete manifest"],
      [
        "a manifest whose weights have another media type",
        () => change((text) => text.replace("image.model", "image.modle")),
        "is not a",
      ],
      ["a manifest that lost a layer", () => change((text) => text.replace(/,\{[^{}]*license[^{}]*\}/, "")), "lacks a layer"],
    ])("%s", async (_, damage, message) => {
      world.install(models, "llama3.2:1b");
      damage();
      const finished = await pull({ MODELS: "llama3.2:1b" });
      expect(finished.code).toBe(0);
      expect(finished.stdout).toContain(message);
      expect(faultsOf(models)).toEqual([]);
    });

    test("a damaged blob that another listed model shares: both are pulled again", async () => {
      world.register("tuned:v1", "llama weights", "its own licence");
      for (const model of ["llama3.2:1b", "tuned:v1"]) world.install(models, model);
      truncateSync(weights(), 3);
      expect((await pull({ MODELS: "llama3.2:1b tuned:v1" })).code).toBe(0);
      expect(faultsOf(models)).toEqual([]);
    });
  });

  test("exits 4, and removes nothing, when an unlisted model shares the damaged blob", async () => {
    world.register("theirs:v1", "llama weights");
    for (const model of ["llama3.2:1b", "theirs:v1"]) world.install(models, model);
    truncateSync(join(models, "blobs", llama.blobs[1] ?? ""), 3);
    const finished = await pull({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("ollama rm registry.ollama.ai/library/theirs:v1");
    expect(present()).toHaveLength(2);
  });

  test("does not look at models that are not its own", async () => {
    for (const model of ["llama3.2:1b", "qwen2.5:3b"]) world.install(models, model);
    truncateSync(join(models, "manifests/registry.ollama.ai/library/qwen2.5/3b"), 30);
    expect((await pull({ MODELS: "llama3.2:1b" })).code).toBe(0);
    expect(world.pulled).toEqual([]);
  });

  test("with VERIFY=size reads no blob", async () => {
    world.install(models, "llama3.2:1b");
    writeFileSync(join(models, "blobs", llama.blobs[1] ?? ""), "llama w3ights");
    expect((await pull({ MODELS: "llama3.2:1b", VERIFY: "size" })).code).toBe(0);
    expect(world.pulled).toEqual([]);
  });

  test("pulls a name in upper case once, and knows it again", async () => {
    expect((await pull({ MODELS: "LLAMA3.2:1B" })).code).toBe(0);
    expect((await pull({ MODELS: "llama3.2:1b" })).code).toBe(0);
    expect(world.pulled).toEqual(["LLAMA3.2:1B"]);
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
    expect(finished.stderr).toContain("llama3.2:1b was pulled, but is not intact");
  });

  test("exits 4 when the folder is not the server's", async () => {
    world.install(models, "llama3.2:1b");
    world.serve(join(world.folder, "other"));
    const finished = await pull({ MODELS: "llama3.2:1b" });
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("the server does not list it");
  });

  test("exits 6 at once when the volume is full", async () => {
    world.hook("on-pull", 'echo "Error: write /root/.ollama/models/blobs/sha256-x-partial: no space left on device" >&2; exit 1');
    const finished = await pull({ MODELS: "llama3.2:1b", PULL_ATTEMPTS: "3" });
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("llama3.2:1b does not fit");
    expect(world.pulled).toHaveLength(1);
  });

  test("exits 7 when the folder of the models is not mounted", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b", MODELS_DIR: join(world.folder, "absent/models") });
    expect(finished.code).toBe(7);
    expect(world.pulled).toEqual([]);
  });

  test("waits for a server that went away during a pull, and spends no attempt on it", async () => {
    world.hook(
      "on-pull",
      'rm "$stub/on-pull"; echo "Error: EOF" >&2; mv "$stub/up" "$stub/away"; (sleep 0.2; mv "$stub/away" "$stub/up") >/dev/null 2>&1 & exit 1',
    );
    const finished = await pull({ MODELS: "llama3.2:1b", PULL_ATTEMPTS: "1", WAIT_SECONDS: "20" });
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain("the server went away, waiting for it");
  });

  test("exits 2, not 3, when the server went away for good", async () => {
    world.hook("on-pull", 'rm "$stub/up"; echo "Error: EOF" >&2; exit 1');
    expect((await pull({ MODELS: "llama3.2:1b" })).code).toBe(2);
  });

  test("exits 2 when the server goes away at every pull", async () => {
    world.hook("on-pull", 'echo "Error: EOF" >&2; : >"$stub/dying"; exit 1');
    world.hook("on-list", '[ ! -e "$stub/dying" ] || { rm "$stub/dying"; echo "Error: could not connect" >&2; exit 1; }');
    const finished = await pull({ MODELS: "llama3.2:1b", PULL_ATTEMPTS: "2", WAIT_SECONDS: "20" });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("went away 3 times while llama3.2:1b was pulled");
  });

  test("exits 2, in time, when the API hangs", async () => {
    world.hook("on-list", "exec sleep 3000");
    const finished = await pull({ MODELS: "llama3.2:1b", ANSWER_SECONDS: "0.1" });
    expect(finished.code).toBe(2);
    expect(finished.milliseconds).toBeLessThan(10_000);
  });

  test("exits 2 and says why when the API never answers", async () => {
    const finished = await pull({ MODELS: "llama3.2:1b", OLLAMA_STUB: join(world.folder, "bin") });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("no answer from http://ollama.ml.svc:11434 within 0 s (Error: could not connect");
  });

  test("waits for an API that comes up late", async () => {
    world.hook("on-list", 'rm "$stub/on-list"; echo "Error: starting" >&2; exit 1');
    world.command("sleep", 'printf "%s\\n" "$*" >>"$OLLAMA_STUB/pauses"');
    expect((await pull({ MODELS: "llama3.2:1b", WAIT_SECONDS: "5", POLL_SECONDS: "0.03" })).code).toBe(0);
    expect(readFileSync(join(world.folder, "pauses"), "utf8")).toBe("0.03\n");
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
    expect(finished.stdout).toContain("llama3.2:1b: not listed any more, removing it");
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
    const running = start("sh", script, [], { ...world.env, OLLAMA_HOST: "x", MODELS_DIR: models, MODELS: "llama3.2:1b" });
    for (let tries = 0; !existsSync(join(world.folder, "pulling")) && tries < 1000; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    running.signal("SIGTERM");
    expect((await running.done).code).toBe(143);
  });

  test.each<Refused>([
    ["an empty list", { MODELS: " \n" }, "MODELS is empty"],
    ["a reference with shell in it", { MODELS: "llama3.2:1b x;reboot" }, "MODELS names 'x;reboot'"],
    ["a reference with shell in it after a line without one", { MODELS: "\nx;reboot" }, "MODELS names 'x;reboot'"],
    ...TOO_LONG.map(([what, reference]): Refused => [what, { MODELS: `${LONGEST} ${reference}` }, `MODELS names '${reference}'`]),
    ["a pattern", { MODELS: "*" }, "MODELS names '*'"],
    ["no server", { MODELS: "a", OLLAMA_HOST: "" }, "OLLAMA_HOST is not set"],
    ["no folder", { MODELS: "a", MODELS_DIR: "" }, "MODELS_DIR is not set"],
    ["another proof", { MODELS: "a", VERIFY: "md5" }, "VERIFY is 'md5'"],
    ["no attempt", { MODELS: "a", PULL_ATTEMPTS: "0" }, "PULL_ATTEMPTS is 0; give 1 or more"],
    ["a word for a number", { MODELS: "a", WAIT_SECONDS: "long" }, "WAIT_SECONDS is 'long'; give a whole number"],
    ["a word for a switch", { MODELS: "a", REMOVE_UNLISTED: "yes" }, "REMOVE_UNLISTED is 'yes'; give true or false"],
  ])("exits 64 for %s", async (_, env, message) => {
    const finished = await pull(env);
    expect(finished.code).toBe(64);
    expect(finished.stderr).toContain(message);
    expect(world.calls).toEqual([]);
  });

  describe("with a registry that is away, torn downloads and another server", () => {
    const weights = () => join(models, "blobs", llama.blobs[1] ?? "");
    const pullLlama = (env: Record<string, string> = {}) => pull({ MODELS: "llama3.2:1b", PULL_ATTEMPTS: "2", ...env });

    test("a damaged model that the registry cannot give back is not removed", async () => {
      world.install(models, "llama3.2:1b");
      truncateSync(weights(), 3);
      rmSync(join(world.folder, "registry", llama.path));
      const finished = await pullLlama();
      expect(finished.code).toBe(3);
      expect(world.calls).toEqual(Array(2).fill("pull registry.ollama.ai/library/llama3.2:1b"));
      expect(existsSync(weights())).toBe(true);
    });

    test("an unlisted model with the same damaged blob is not asked for before it is removed", async () => {
      world.register("theirs:v1", "llama weights");
      for (const model of ["llama3.2:1b", "theirs:v1"]) world.install(models, model);
      truncateSync(weights(), 3);
      expect((await pullLlama({ REMOVE_UNLISTED: "true" })).code).toBe(0);
      expect(world.pulled).toEqual(["registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b"]);
    });

    test("a pull that mends the manifest removes no model", async () => {
      world.install(models, "llama3.2:1b");
      const manifest = join(models, "manifests", llama.path);
      writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"size":13', '"size":14'));
      expect((await pullLlama()).code).toBe(0);
      expect(world.calls.filter((call) => call.startsWith("rm"))).toEqual([]);
    });

    test("the empty notes of a partial download end the pull with 3 and the command that removes them", async () => {
      writeFileSync(`${weights()}-partial`, "half");
      writeFileSync(`${weights()}-partial-0`, "");
      const finished = await pullLlama();
      expect(finished.code).toBe(3);
      expect(finished.stderr).toContain(`cd /root/.ollama/models/blobs && rm ${llama.blobs[1]}-partial*`);
    });

    test("a wrong name is not blamed on the notes of another download", async () => {
      writeFileSync(`${weights()}-partial-0`, "");
      const finished = await pullLlama({ MODELS: "absent:1b" });
      expect(finished.code).toBe(3);
      expect(finished.stderr).toContain("absent:1b could not be pulled in 2 attempts");
    });

    // The client of 0.13 does.
    test("a client that exits 0 though its server went away in the middle is no success: the server is waited for", async () => {
      world.hook(
        "on-pull",
        'rm "$stub/on-pull"; echo "pulling manifest" >&2; mv "$stub/up" "$stub/away"; (sleep 0.2; mv "$stub/away" "$stub/up") >/dev/null 2>&1 & exit 0',
      );
      const finished = await pullLlama({ PULL_ATTEMPTS: "1", WAIT_SECONDS: "20" });
      expect(finished.code).toBe(0);
      expect(finished.stdout).toContain("the server went away, waiting for it");
      expect(world.pulled).toHaveLength(2);
    });

    test("the page that another server answers with is cut to one line", async () => {
      world.hook("on-list", 'printf "Error: <html>\\n<p>%s</p>\\n</html>\\n" "$(seq 1000)" >&2; exit 1');
      const finished = await pullLlama();
      expect(finished.code).toBe(2);
      expect(finished.stderr).toMatch(
        /^pull-models: error: no answer from .* \(Error: <html> <p>1 2 .{0,200}\); is the Ollama pod ready\?\n$/,
      );
    });
  });
});
