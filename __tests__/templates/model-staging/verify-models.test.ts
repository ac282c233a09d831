import { createHash } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { OllamaWorld, type RegistryModel } from "../ollama/ollama-world";
import { type Finished, killLeftovers, projectRoot, run } from "../ollama/run";
import { verifyScript } from "./share";

describe("verify-models.sh", () => {
  let world: OllamaWorld;
  let models: string;
  let llama: RegistryModel;
  const verify = (env: Record<string, string> = {}): Promise<Finished> =>
    run("sh", verifyScript, [], { ...world.env, MODELS_DIR: models, MODELS: "llama3:8b", ...env });
  const blob = (index: number) => join(models, "blobs", llama.blobs[index] ?? "");
  const manifest = () => join(models, "manifests", llama.path);

  beforeEach(() => {
    world = new OllamaWorld();
    models = join(world.folder, "models");
    world.serve(models);
    llama = world.register("llama3:8b", "llama weights", "licence");
    world.register("registry.lab.example/team/tuned:v1", "tuned weights", "licence");
    for (const model of ["llama3:8b", "registry.lab.example/team/tuned:v1"]) world.install(models, model);
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
    expect((await verify({ VERIFY: "size" })).stdout).toContain(`damaged ${llama.blobs[1]}\n`);
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
    [
      "a manifest whose weights have another media type",
      () => writeFileSync(manifest(), readFileSync(manifest(), "utf8").replace("image.model", "image.modle")),
      /^bad-manifest /,
    ],
    ["an empty manifest", () => writeFileSync(manifest(), ""), /^bad-manifest /],
    ["a partial download", () => writeFileSync(`${blob(1)}-partial`, ""), /^foreign .*-partial$/m],
    [
      "a blob that is a link to elsewhere",
      () => [renameSync(blob(1), join(world.folder, "elsewhere")), symlinkSync(join(world.folder, "elsewhere"), blob(1))],
      /^foreign .*sha256-/m,
    ],
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

  test("finds a model whatever the case of its name, as the server does", async () => {
    expect((await verify({ MODELS: "LLama3:8B registry.lab.example/Team/tuned:v1" })).code).toBe(0);
  });

  test("takes a model that runs at ollama.com, without a layer, for a whole one", async () => {
    writeFileSync(manifest(), readFileSync(manifest(), "utf8").replace(/"layers":\[.*\]/, '"layers":null'));
    expect((await verify({ SCOPE: "models" })).code).toBe(0);
  });

  describe("with the record of a release", () => {
    const record = (edit: (line: string) => string = (line) => line) => {
      const lines = [llama.path, "registry.lab.example/team/tuned/v1"].map((path) => {
        const sum = createHash("sha256")
          .update(readFileSync(join(models, "manifests", path)))
          .digest("hex");
        return edit(`manifest=${sum} ${path}\n`);
      });
      writeFileSync(join(world.folder, "release.txt"), `id=r1\n${lines.join("")}`);
    };
    const verifyRecorded = () => verify({ RECORD: join(world.folder, "release.txt") });

    test("accepts the manifests that it names", async () => {
      record();
      expect((await verifyRecorded()).code).toBe(0);
    });

    test.each<[string, (text: string) => string]>([
      ["a layer less", (text) => text.replace(/,\{[^{}]*license[^{}]*\}/, "")],
      ["another media type", (text) => text.replace("image.license", "image.template")],
      ["a blank more", (text) => `${text} `],
    ])("finds a manifest with %s, though it is a whole one", async (_, edit) => {
      record();
      writeFileSync(manifest(), edit(readFileSync(manifest(), "utf8")));
      const finished = await verifyRecorded();
      expect(finished.code).toBe(1);
      expect(finished.stdout).toContain(`bad-manifest ${manifest()}\nbroken llama3:8b\n`);
    });

    test("finds a manifest that it does not name", async () => {
      record((line) => (line.includes("tuned") ? "" : line));
      expect((await verifyRecorded()).stdout).toMatch(/^bad-manifest .*tuned/);
    });

    test("finds that the record itself is missing", async () => {
      expect((await verifyRecorded()).stdout).toMatch(/^no-record /);
    });

    test("of an earlier version, without checksums, proves as much as before and says so", async () => {
      record(() => "");
      const finished = await verifyRecorded();
      expect(finished.code).toBe(0);
      expect(finished.stderr).toContain("names no manifest");
    });
  });

  describe("with SCOPE=models", () => {
    test("leaves partial downloads and other models alone", async () => {
      writeFileSync(`${blob(1)}-partial`, "");
      writeFileSync(join(models, "manifests/registry.lab.example/team/tuned/v1"), "{");
      expect((await verify({ SCOPE: "models" })).code).toBe(0);
    });

    test("names each broken model once, as it was asked for", async () => {
      truncateSync(blob(1), 3);
      rmSync(blob(0));
      const { stdout } = await verify({ SCOPE: "models", MODELS: "Llama3:8B registry.lab.example/team/tuned:v1" });
      expect(stdout.split("\n").filter((line) => line.startsWith("broken "))).toEqual(["broken Llama3:8B"]);
    });

    test("names every model that shares a damaged blob", async () => {
      truncateSync(blob(2), 3);
      const { stdout } = await verify({ SCOPE: "models", MODELS: "llama3:8b registry.lab.example/team/tuned:v1" });
      expect(stdout).toBe(`damaged ${llama.blobs[2]}\nbroken llama3:8b\nbroken registry.lab.example/team/tuned:v1\n`);
    });
  });

  test("with LAYERS=config finds a layer that the configuration names and the manifest does not", async () => {
    writeFileSync(manifest(), readFileSync(manifest(), "utf8").replace(/,\{[^{}]*license[^{}]*\}/, ""));
    expect((await verify({ SCOPE: "models" })).code).toBe(0);
    expect((await verify({ SCOPE: "models", LAYERS: "config" })).stdout).toMatch(/^bad-manifest /);
  });

  test("tells a stale NFS handle, which no file in the folder shows", async () => {
    world.command("ls", 'echo "ls: cannot access: Stale file handle" >&2; exit 2');
    expect((await verify()).stdout).toBe(`stale ${models}\n`);
  });

  test("reports every finding, not only the first", async () => {
    writeFileSync(blob(1), "llama w3ights");
    rmSync(blob(0));
    const { stdout } = await verify({ MODELS: "llama3:8b absent:1b" });
    expect(stdout.match(/^(damaged|missing|no-manifest) /gm)?.sort()).toEqual(["damaged ", "missing ", "no-manifest "]);
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
    expect((await verify({ SCOPE: "some" })).code).toBe(64);
    expect((await verify({ SCOPE: "models", MODELS: "" })).code).toBe(64);
    expect((await verify({ LAYERS: "all" })).code).toBe(64);
  });
});

describe("verify-models.sh with VERIFY=changed", () => {
  let world: OllamaWorld;
  let models: string;
  let llama: RegistryModel;
  let record: string;
  const weights = () => join(models, "blobs", llama.blobs[1] ?? "");
  const verify = (): Promise<Finished> =>
    run("sh", verifyScript, [], { ...world.env, MODELS_DIR: models, MODELS: "llama3:8b", VERIFY: "changed", RECORD: record });
  const sumOf = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

  beforeEach(() => {
    world = new OllamaWorld();
    models = join(world.folder, "models");
    record = join(world.folder, "release.txt");
    llama = world.register("llama3:8b", "llama weights", "licence");
    world.install(models, "llama3:8b");
    const times = llama.blobs.map((name) => `blob=${Math.floor(statSync(join(models, "blobs", name)).mtimeMs / 1000)} ${name}\n`);
    writeFileSync(record, `manifest=${sumOf(join(models, "manifests", llama.path))} ${llama.path}\n${times.join("")}`);
  });
  afterEach(() => {
    killLeftovers();
    world.remove();
  });

  test("reads a blob that was written after its release was published, and says so", async () => {
    writeFileSync(weights(), "llama w3ights");
    utimesSync(weights(), 1, 1);
    const finished = await verify();
    expect(finished).toMatchObject({ code: 1, stdout: `damaged ${llama.blobs[1]}\nbroken llama3:8b\n` });
    expect(finished.stderr).toContain(`${weights()} was written after the release was published; reading it`);
  });

  test("accepts a blob that was copied back, though its time is another", async () => {
    utimesSync(weights(), 1, 1);
    expect(await verify()).toMatchObject({ code: 0, stdout: "" });
  });

  test("reads no blob that kept its time", async () => {
    const { atime, mtime } = statSync(weights());
    writeFileSync(weights(), "llama w3ights");
    utimesSync(weights(), atime, mtime);
    expect((await verify()).code).toBe(0);
  });

  test("finds a truncated blob", async () => {
    truncateSync(weights(), 3);
    expect((await verify()).stdout).toMatch(/^damaged /);
  });

  test("warns of a record without times, and compares sizes", async () => {
    writeFileSync(record, readFileSync(record, "utf8").replace(/^blob=.*\n/gm, ""));
    utimesSync(weights(), 1, 1);
    const finished = await verify();
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain("does not say when its blobs were written");
  });

  test("exits 64 without a record", async () => {
    record = "";
    const finished = await verify();
    expect(finished.code).toBe(64);
    expect(finished.stderr).toContain("VERIFY is changed and RECORD is not set");
  });
});

test("the role for containers has a copy that is the same", () => {
  const copy = readFileSync(join(projectRoot, "ansible/roles/model_download/files/verify-models.sh"), "utf8");
  expect(copy).toBe(readFileSync(verifyScript, "utf8"));
});
