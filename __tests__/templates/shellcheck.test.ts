import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describeWithTool } from "../../testing/external-tool";

const ROOT = join(__dirname, "../..");

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, error, status } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  // shellcheck ends with 1 when it has something to say, and then it says it on stdout.
  if (error || (status !== 0 && stdout === "")) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Every script of the repository, those included that are not committed yet. */
const scripts = run("git", [
  // The folder may belong to somebody else, as in a container.
  ...["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"],
  ...["--", "*.sh", ".ci/run"],
])
  .split("\n")
  .filter((file) => file !== "");

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly code: number;
  readonly message: string;
}

describeWithTool("shellcheck", "shellcheck", () => {
  let findings: readonly Finding[];
  beforeAll(() => {
    findings = (JSON.parse(run("shellcheck", ["--format=json1", ...scripts])) as { comments: Finding[] }).comments;
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
