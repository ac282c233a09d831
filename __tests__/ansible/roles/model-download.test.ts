import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeOllama, startFakeOllama } from "../../../testing/fake-ollama";
import { faultsOf, OllamaWorld, type RegistryModel } from "../../templates/ollama/ollama-world";
import { describeWithAnsible, type HostVariables, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

/** One container: what is installed before the run, what becomes of it, and its variables. */
interface Case {
  readonly release?: "0.13.3" | "0.32.15";
  readonly installed?: readonly string[];
  readonly before?: (models: string) => void;
  readonly misbehave?: Parameters<typeof startFakeOllama>[0];
  readonly variables: HostVariables;
}

describeWithAnsible("role model_download", () => {
  const bench = new Workbench();
  const world = new OllamaWorld();
  const tiny: RegistryModel = world.register("tiny:1b", "tiny weights", "shared licence");
  for (const name of ["mistral:7b", "nomic-embed-text", "other:1b", "kept"])
    world.register(name, `${name} weights`, "shared licence");
  const gone: RegistryModel = world.register("gone:1b", "gone weights");
  const weights = (models: string) => join(models, "blobs", tiny.blobs[1] ?? "");
  const manifest = (models: string) => join(models, "manifests", tiny.path);
  const tinyOnly = { ollama_models: ["tiny:1b"] };
  const damaged = (before: (models: string) => void, release?: Case["release"], more: HostVariables = {}): Case => ({
    installed: ["tiny:1b"],
    before,
    release,
    variables: { ...tinyOnly, ...more },
  });

  const cases: Record<string, Case> = {
    fresh: {
      variables: {
        ollama_models: ["mistral:7b", "nomic-embed-text", "library/Nomic-Embed-Text:latest"],
        // With the role's own times.
        model_download_delay: undefined,
        model_download_retries: undefined,
      },
    },
    keeping: { installed: ["kept", "other:1b"], variables: { ollama_models: ["registry.ollama.ai/library/kept"] } },
    removing: { installed: ["kept", "other:1b"], variables: { ollama_models: ["KEPT"], ollama_remove_unlisted_models: true } },
    // The server files a model under the case that is there already, and lists it so.
    capital: {
      before: (models) => {
        world.install(models, "kept", "registry.ollama.ai/library/Kept/latest");
      },
      variables: { ollama_models: ["kept"], ollama_remove_unlisted_models: true },
    },
    lying: {
      misbehave: { misbehave: { "/api/pull": { answer: '{"status":"success"}' } } },
      variables: { ollama_models: ["mistral:7b"] },
    },
    flaky: {
      misbehave: { misbehave: { "/api/pull": { status: 500, answer: '{"error":"connection reset"}', times: 2 } } },
      variables: { ollama_models: ["mistral:7b"], model_download_retries: 3 },
    },
    broken: { installed: ["kept"], variables: { ollama_models: ["kept", "nowhere:1b"] } },
    missing013: damaged((models) => rmSync(weights(models)), "0.13.3"),
    missing032: damaged((models) => rmSync(weights(models)), "0.32.15"),
    short013: damaged((models) => truncateSync(weights(models), 3), "0.13.3"),
    short032: damaged((models) => truncateSync(weights(models), 3), "0.32.15"),
    renamed: damaged((models) =>
      writeFileSync(manifest(models), readFileSync(manifest(models), "utf8").replace("image.model", "x")),
    ),
    torn: damaged((models) => truncateSync(manifest(models), 200)),
    altered: damaged((models) => writeFileSync(weights(models), "tiny w3ights"), "0.32.15", { model_download_verify: "sha256" }),
    // As a full disk leaves the notes of a partial download.
    torn_download: {
      before: (models) => {
        mkdirSync(join(models, "blobs"), { recursive: true });
        writeFileSync(`${weights(models)}-partial`, "half");
        writeFileSync(`${weights(models)}-partial-0`, "");
      },
      variables: tinyOnly,
    },
    // The damaged model, and a registry that does not have it any more.
    lost: {
      installed: ["gone:1b"],
      before: (models) => truncateSync(join(models, "blobs", gone.blobs[1] ?? ""), 3),
      variables: { ollama_models: ["gone:1b"] },
    },
    // As somebody writes it into an inventory by hand.
    blank: damaged((models) => rmSync(weights(models)), "0.32.15", { ollama_models: [" tiny:1b "] }),
    unread: damaged((models) => writeFileSync(weights(models), "tiny w3ights")),
  };
  // What has a damaged file is asked for twice: before the file is removed, and after it.
  const askedTwice = ["short013", "short032", "altered"];
  const repaired = ["missing013", "missing032", "short013", "short032", "renamed", "torn", "altered", "blank"];
  const apis: Record<string, FakeOllama> = {};
  const models = (host: string) => join(bench.root(host), "var/lib/ollama/models");
  const asked = (host: string, path: string) => {
    const requests = apis[host]?.requests ?? [];
    return requests.filter((request) => request.path === path).map(({ body }) => (JSON.parse(body) as { model: string }).model);
  };
  const hosts = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        bench.host(name, apis[name]?.port ?? 0, {
          model_download_delay: 0,
          model_download_retries: 1,
          ...cases[name]?.variables,
        }),
      ]),
    );
  let first: PlaybookRun;
  let tried: PlaybookRun;
  let triedPulls: string[];

  beforeAll(async () => {
    for (const [name, { release = "0.32.15", installed = [], before, misbehave }] of Object.entries(cases)) {
      for (const reference of installed) world.install(models(name), reference);
      before?.(models(name));
      apis[name] = await startFakeOllama({ store: { folder: models(name), remote: world.folder, release }, ...misbehave });
    }
    rmSync(join(world.folder, "registry", gone.path));
    tried = await bench.run("provision.yml", "models", hosts(["fresh", "keeping", "missing032"]), "--check");
    triedPulls = ["fresh", "keeping", "missing032"].flatMap((host) => asked(host, "/api/pull"));
    first = await bench.run("provision.yml", "models", hosts(Object.keys(cases)));
  });
  afterAll(async () => {
    for (const api of Object.values(apis)) await api.close();
    bench.remove();
    world.remove();
  });

  test("pulls each absent model once, in the spelling of the lab", () => {
    expect(asked("fresh", "/api/pull")).toEqual(["mistral:7b", "nomic-embed-text"]);
    expect(first.recap("fresh")).toMatchObject({ failed: 0 });
  });

  test("gives a pull two hours, and tries it three times again, ten seconds apart", () => {
    const [pull] = first.calls("fresh", "uri").filter(({ task }) => task === "Pull a model");
    expect(pull).toMatchObject({ retries: 3, delay: 10, args: { timeout: 7200 } });
  });

  test("waits half a minute for the list of the models", () => {
    const lists = first.calls("fresh", "uri").filter(({ args }) => String(args["url"]).endsWith("/api/tags"));
    expect(lists.map(({ args }) => args["timeout"])).toEqual([30, 30]);
  });

  test("can be tried with --check, which pulls nothing and says of what is there that it stays", () => {
    expect(["fresh", "keeping", "missing032"].map((host) => tried.recap(host).failed)).toEqual([0, 0, 0]);
    expect(tried.recap("keeping").changed).toBe(0);
    expect(triedPulls).toEqual([]);
  });

  test("changes what it removes and pulls, and by nothing that it looks at", () => {
    // A damaged file is asked for, removed and pulled; the notes of a partial download are removed.
    const expected = { fresh: 1, removing: 1, missing032: 1, torn_download: 2, short032: 3 };
    const changed = Object.keys(expected).map((host) => [host, first.recap(host).changed]);
    expect(Object.fromEntries(changed)).toEqual(expected);
  });

  test("tries a pull again that failed twice", () => {
    expect(asked("flaky", "/api/pull")).toEqual(Array(3).fill("mistral:7b"));
    expect(first.recap("flaky")).toMatchObject({ failed: 0 });
  });

  test("knows a model by its full name, and keeps an unlisted one", () => {
    expect([asked("keeping", "/api/pull"), asked("keeping", "/api/delete")]).toEqual([[], []]);
    expect(first.recap("keeping")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("removes an unlisted model when it is asked to", () => {
    expect(asked("removing", "/api/delete")).toEqual(["other:1b"]);
    expect(first.recap("removing")).toMatchObject({ changed: 1, failed: 0 });
  });

  test("does not remove a listed model that the server spells in another case", () => {
    expect([asked("capital", "/api/pull"), asked("capital", "/api/delete")]).toEqual([[], []]);
    expect(first.recap("capital")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("fails when a model is missing after its pull", () => {
    expect(first.failure("lying")).toContain("does not list mistral:7b. It has: no model.");
  });

  test("fails with the answer of Ollama when a pull cannot succeed, after as many tries as it is told", () => {
    expect(first.failure("broken")).toContain("nowhere:1b: pull model manifest: file does not exist");
    expect(asked("broken", "/api/pull")).toEqual(Array(2).fill("nowhere:1b"));
  });

  test.each(repaired)("%s: sees the damage, pulls the model again, and all is intact", (host) => {
    expect(asked(host, "/api/pull")).toEqual(Array(askedTwice.includes(host) ? 2 : 1).fill("tiny:1b"));
    expect(first.recap(host)).toMatchObject({ failed: 0 });
    expect(faultsOf(models(host))).toEqual([]);
  });

  test("drops a partial download with empty notes, which no pull could resume", () => {
    expect(first.recap("torn_download")).toMatchObject({ failed: 0 });
    expect(faultsOf(models("torn_download"))).toEqual([]);
  });

  test("keeps a damaged file that the registry cannot give back", () => {
    expect(first.failure("lost")).toContain("gone:1b: pull model manifest: file does not exist");
    expect(readFileSync(join(models("lost"), "blobs", gone.blobs[1] ?? ""), "utf8")).toBe("gon");
  });

  test("reads no file unless it is told to", () => {
    expect(asked("unread", "/api/pull")).toEqual([]);
    expect(first.recap("unread")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("changes nothing in a second run", async () => {
    const settled = ["fresh", "removing", ...repaired];
    const second = await bench.run("provision.yml", "models", hosts(settled));
    for (const host of settled) expect(second.recap(host)).toMatchObject({ changed: 0, failed: 0 });
  });
});
