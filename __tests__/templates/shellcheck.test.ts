import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeWithTool } from "../../testing/external-tool";

const ROOT = join(__dirname, "../..");

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, error, status } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  // shellcheck ends with 1 when it has something to say, and then it says it on stdout.
  if (error || (status !== 0 && stdout === "")) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Every script of the repository and shellcheck's settings, those included that are not committed yet. */
const files = run("git", [
  // The folder may belong to somebody else, as in a container.
  ...["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"],
  ...["--", "*.sh", ".ci/run", ".shellcheckrc", "**/.shellcheckrc"],
])
  .split("\n")
  .filter((file) => file !== "");
const scripts = files.filter((file) => !file.endsWith(".shellcheckrc"));

/** Of each script that had no finding on this machine: an empty file, named after all that the verdict rests on. `npm ci` removes them. */
const CLEAN = join(ROOT, "node_modules/.cache/ollama-lab/shellcheck");

/** The note of a script that has no finding. @param version what `shellcheck --version` says */
function noteOf(script: string, version: string): string {
  // A script sources what lies beside it.
  const beside = files.filter((file) => dirname(file) === dirname(script) || file === ".shellcheckrc");
  const texts = beside.map((file) => `${file}\0${readFileSync(join(ROOT, file), "utf8")}`);
  return join(
    CLEAN,
    createHash("sha256")
      .update([version, script, ...texts].join("\0"))
      .digest("hex"),
  );
}

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly code: number;
  readonly message: string;
}

describeWithTool("shellcheck", "shellcheck", () => {
  let findings: readonly Finding[] = [];
  beforeAll(() => {
    const version = run("shellcheck", ["--version"]);
    const isAsked = process.env["CI"] || process.env["REQUIRE_TOOLS"] === "1" ? () => true : (note: string) => !existsSync(note);
    const asked = scripts.map((script) => ({ script, note: noteOf(script, version) })).filter(({ note }) => isAsked(note));
    if (asked.length === 0) return;
    const answer = run("shellcheck", ["--format=json1", ...asked.map(({ script }) => script)]);
    findings = (JSON.parse(answer) as { comments: Finding[] }).comments;
    mkdirSync(CLEAN, { recursive: true });
    for (const { script, note } of asked) if (!findings.some(({ file }) => file === script)) writeFileSync(note, "");
  });

  test("is given the scripts that run on nodes, in clusters, on the operator's machine and in CI", () => {
    expect(scripts).toEqual(
      expect.arrayContaining([
        "templates/k3s/bootstrap-server.sh",
        "templates/ollama/pull-models.sh",
        "templates/ansible/run-playbook.sh",
        "scripts/ollama-health.sh",
        ".ci/run",
      ]),
    );
  });

  test.each(scripts)("has nothing to say about %s", (script) => {
    expect(
      findings.filter(({ file }) => file === script).map(({ line, code, message }) => `${line}: SC${code}: ${message}`),
    ).toEqual([]);
  });
});
