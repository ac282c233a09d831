import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "get-"));
  mkdirSync(join(project, "provider-schemas"));
  mkdirSync(join(project, "tools"));
  copyFileSync(join(ROOT, "tools/bindings.mjs"), join(project, "tools/bindings.mjs"));
  copyFileSync(join(ROOT, "provider-schemas/null@3.2.4.json"), join(project, "provider-schemas/null@3.2.4.json"));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  pin("3.2.4");
});
afterEach(() => rmSync(project, { recursive: true }));

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

test("bindings are made from the snapshot, without terraform on PATH and without a network, once", () => {
  expect(get()).toMatchObject({ status: 0, stdout: expect.stringContaining("hashicorp/null 3.2.4") });
  const bindings = join(project, ".gen/providers/null");
  expect(existsSync(bindings)).toBe(true);
  const made = statSync(bindings).mtimeMs;
  expect([get(), statSync(bindings).mtimeMs]).toEqual([{ status: 0, stdout: "", stderr: "" }, made]);
});

test("a version without a snapshot is refused, with how to get one", () => {
  pin("9.9.9");
  expect(get()).toMatchObject({ status: 1, stderr: expect.stringMatching(/null@9\.9\.9\.json is missing.*\n.*npm run schemas/) });
});
