import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

/** The SHA-256 of what `cdktf get` of cdktf-cli 0.21.0 wrote from provider-schemas/null@3.2.4.json: each file's path, a zero byte, its text. */
const WRITTEN_BY_CDKTF_GET = "9056aa2fb85de46f1fb80c1ceefe590802f48f582f02a74be49eb05a12f12111";

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "get-"));
  mkdirSync(join(project, "provider-schemas"));
  mkdirSync(join(project, "tools"));
  copyFileSync(join(ROOT, "tools/bindings.mjs"), join(project, "tools/bindings.mjs"));
  copyFileSync(join(ROOT, "provider-schemas/null@3.2.4.json"), join(project, "provider-schemas/null@3.2.4.json"));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  pin("3.2.4");
});
afterAll(() => rmSync(project, { recursive: true }));

/** The project's cdktf.json, with the smallest of the providers at a version. */
function pin(version: string): void {
  const terraformProviders = [{ name: "null", source: "hashicorp/null", version }];
  writeFileSync(
    join(project, "cdktf.json"),
    JSON.stringify({
      language: "typescript",
      app: "true",
      projectId: "test",
      sendCrashReports: "false",
      codeMakerOutput: ".gen",
      terraformProviders,
    }),
  );
}

/** Runs `npm run get` without terraform, or anything else, on PATH. */
function get() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, "tools/bindings.mjs")], {
    cwd: project,
    env: { PATH: "", HOME: project },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** One hash of all bindings, without the stamp beside them. */
function hashOfBindings(): string {
  const folder = join(project, ".gen");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(join(folder, file)).isFile() && file !== "snapshot.sha256")
    .sort();
  return files
    .reduce((hash, file) => hash.update(`${file}\0`).update(readFileSync(join(folder, file))), createHash("sha256"))
    .digest("hex");
}

describe("npm run get", () => {
  const bindings = () => join(project, ".gen/providers/null");
  let first: ReturnType<typeof get>;
  let hash: string;
  let second: ReturnType<typeof get>;
  let untouched: boolean;
  let changed: ReturnType<typeof get>;

  // One folder for all of the facts: each run starts a process that loads the whole generator.
  beforeAll(() => {
    first = get();
    hash = hashOfBindings();
    const made = statSync(bindings()).mtimeMs;
    second = get();
    untouched = statSync(bindings()).mtimeMs === made;
    mkdirSync(join(bindings(), "former"));
    const snapshot = join(project, "provider-schemas/null@3.2.4.json");
    writeFileSync(snapshot, `${readFileSync(snapshot, "utf8")}\n`);
    changed = get();
  });

  test("makes bindings from the snapshot, without terraform on PATH and without a network, and prints no warning", () => {
    expect(first).toEqual({ status: 0, stdout: "", stderr: "Bindings generated in .gen: hashicorp/null 3.2.4\n" });
  });
  test("writes byte for byte what `cdktf get` writes", () => expect(hash).toBe(WRITTEN_BY_CDKTF_GET));
  test("does nothing while the snapshot is unchanged", () => {
    expect([second, untouched]).toEqual([{ status: 0, stdout: "", stderr: "" }, true]);
  });
  test("makes them anew from a changed snapshot, and leaves nothing of the former ones", () => {
    expect([changed.stderr, existsSync(join(bindings(), "former"))]).toEqual([
      expect.stringContaining("hashicorp/null 3.2.4"),
      false,
    ]);
  });
  test("refuses a version without a snapshot, and says how to get one", () => {
    pin("9.9.9");
    expect(get()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/null@9\.9\.9\.json is missing.*\n.*npm run schemas/),
    });
  });
});
