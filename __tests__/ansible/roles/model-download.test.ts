import { FakeOllama } from "./fake-ollama";
import { describeWithAnsible, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(180_000);

describeWithAnsible("role model_download", () => {
  const bench = new Workbench();
  const apis = {
    fresh: new FakeOllama(),
    flaky: new FakeOllama(),
    keeping: new FakeOllama("kept:latest", "other:1b"),
    removing: new FakeOllama("kept:latest", "other:1b"),
    lying: new FakeOllama(),
    broken: new FakeOllama("good:1b"),
  };
  const variables = {
    fresh: { ollama_models: ["mistral:7b", "nomic-embed-text", "library/Nomic-Embed-Text:latest"] },
    flaky: { ollama_models: ["flaky:1b"] },
    keeping: { ollama_models: ["registry.ollama.ai/library/kept"] },
    removing: { ollama_models: ["kept"], ollama_remove_unlisted_models: true },
    lying: { ollama_models: ["ghost:1b"] },
    broken: { ollama_models: ["good:1b", "nowhere:1b"] },
  };
  const hosts = () =>
    Object.fromEntries(
      Object.entries(apis).map(([name, api]) => [
        name,
        bench.host(name, api.port, { model_download_delay: 0, ...variables[name as keyof typeof apis] }),
      ]),
    );
  let first: PlaybookRun;

  beforeAll(async () => {
    for (const api of Object.values(apis)) await api.start();
    apis.flaky.pull = (model) => {
      if (apis.flaky.pulls.length < 3) return [500, { error: "connection reset" }];
      apis.flaky.models.push({ name: model, size: 1 });
      return [200, { status: "success" }];
    };
    apis.lying.pull = () => [200, { status: "success" }];
    apis.broken.pull = () => [500, { error: "pull model manifest: file does not exist" }];
    first = await bench.run("provision.yml", "models", hosts());
  });
  afterAll(() => {
    for (const api of Object.values(apis)) api.stop();
    bench.remove();
  });

  test("pulls each absent model once, in the spelling of the lab", () => {
    expect(apis.fresh.pulls).toEqual(["mistral:7b", "nomic-embed-text"]);
    expect(first.recap("fresh")).toMatchObject({ changed: 1, failed: 0 });
  });

  test("tries a pull again that failed twice", () => {
    expect(apis.flaky.pulls).toEqual(["flaky:1b", "flaky:1b", "flaky:1b"]);
    expect(first.recap("flaky")).toMatchObject({ changed: 1, failed: 0 });
  });

  test("knows a model by its full name, and keeps an unlisted one", () => {
    expect({ pulls: apis.keeping.pulls, deletes: apis.keeping.deletes }).toEqual({ pulls: [], deletes: [] });
    expect(first.recap("keeping")).toMatchObject({ changed: 0, failed: 0 });
  });

  test("removes an unlisted model when it is asked to", () => {
    expect(apis.removing.deletes).toEqual(["other:1b"]);
    expect(first.recap("removing")).toMatchObject({ changed: 1, failed: 0 });
  });

  test("fails when a model is missing after its pull", () => {
    expect(first.failure("lying")).toContain("does not list ghost:1b. It has: no model.");
  });

  test("fails with the answer of Ollama when a pull cannot succeed", () => {
    expect(first.failure("broken")).toContain("nowhere:1b: pull model manifest: file does not exist");
    expect(apis.broken.pulls).toEqual(Array(4).fill("nowhere:1b"));
  });

  test("changes nothing in a second run", async () => {
    const settled = ["fresh", "flaky", "removing"];
    const second = await bench.run(
      "provision.yml",
      "models",
      Object.fromEntries(Object.entries(hosts()).filter(([name]) => settled.includes(name))),
    );
    for (const host of settled) expect(second.recap(host)).toMatchObject({ changed: 0, failed: 0 });
  });
});
