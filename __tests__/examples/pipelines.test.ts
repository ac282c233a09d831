// The ready files for pipelines: their form, the commands in them, and where credentials may be.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { run } from "../../cli";
import { describeWithTool } from "../../testing/external-tool";

const ROOT = join(__dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** A file of YAML as data. A key that is there twice, or an anchor that is not, is an error. */
function parse(file: string): unknown {
  const document = parseDocument(read(file), { version: "1.2", uniqueKeys: true });
  if (document.errors.length + document.warnings.length > 0)
    throw new Error([...document.errors, ...document.warnings].join("\n"));
  return document.toJS();
}

const GITHUB = "examples/pipelines/github-actions.yml";
const GITLAB = "examples/pipelines/gitlab-ci.yml";

const texts = z.record(z.string(), z.string());
const permissions = z.partialRecord(z.enum(["contents", "pull-requests"]), z.enum(["read", "write"]));

/** What these workflows use of docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, and nothing else: a mistyped key is found. */
const step = z.union([
  z.strictObject({
    name: z.string().optional(),
    if: z.string().optional(),
    uses: z.string(),
    with: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({
    name: z.string().optional(),
    if: z.string().optional(),
    run: z.string(),
    env: texts.optional(),
    "working-directory": z.string().optional(),
  }),
]);
const workflow = z.strictObject({
  name: z.string(),
  on: z.strictObject({ pull_request: z.null(), push: z.strictObject({ branches: z.array(z.string()) }) }),
  permissions,
  concurrency: z.strictObject({ group: z.string(), "cancel-in-progress": z.boolean() }),
  defaults: z.strictObject({ run: z.strictObject({ shell: z.literal("bash") }) }),
  env: texts,
  jobs: z.record(
    z.string(),
    z.strictObject({
      needs: z.string().optional(),
      if: z.string().optional(),
      "runs-on": z.union([z.string(), z.array(z.string())]),
      "timeout-minutes": z.int(),
      permissions: permissions.optional(),
      environment: z.string().optional(),
      steps: z.array(step),
    }),
  ),
});

/** What these jobs use of docs.gitlab.com/ci/yaml, and nothing else. */
const script = z.array(z.union([z.string(), z.array(z.string())]));
const rules = z.array(z.strictObject({ if: z.string(), when: z.literal("manual").optional() }));
const job = z.strictObject({
  stage: z.enum(["check", "comment", "plan", "apply"]),
  timeout: z.string(),
  needs: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  rules: rules.optional(),
  variables: texts.optional(),
  environment: z.strictObject({ name: z.string(), action: z.literal("prepare").optional() }).optional(),
  resource_group: z.string().optional(),
  before_script: script.optional(),
  script,
  artifacts: z.strictObject({ paths: z.array(z.string()), expire_in: z.string() }).optional(),
});
const parts = z.array(z.string());
const pipeline = z.strictObject({
  workflow: z.strictObject({ rules }),
  stages: z.array(z.string()),
  variables: texts,
  default: z.strictObject({ image: z.string(), interruptible: z.boolean() }),
  ".project": parts,
  ".packages": parts,
  ".terraform": parts,
  check: job,
  comment: job,
  plan: job,
  apply: job,
});

const github = workflow.parse(parse(GITHUB));
const gitlab = pipeline.parse(parse(GITLAB));
const gitlabJobs = { check: gitlab.check, comment: gitlab.comment, plan: gitlab.plan, apply: gitlab.apply };
const stepsOf = (name: string) => github.jobs[name]?.steps ?? [];
const linesOf = ({ before_script = [], script: lines }: z.infer<typeof job>) => [...before_script, ...lines].flat().join("\n");
const scripts: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(github.jobs).map(([name, { steps }]) => [
      `github ${name}`,
      steps.flatMap((one) => ("run" in one ? one.run : [])).join("\n"),
    ]),
  ),
  ...Object.fromEntries(Object.entries(gitlabJobs).map(([name, one]) => [`gitlab ${name}`, linesOf(one)])),
};
const everything = Object.values(scripts).join("\n");

describe("every command in the files is there", () => {
  const commands = [...everything.matchAll(/main\.mjs ([a-z]+)([^|>&\n]*)/g)].map(([, name = "", rest = ""]) => ({
    name,
    options: rest.match(/--[a-z-]+/g) ?? [],
  }));
  test("there are some", () => expect([...new Set(commands.map(({ name }) => name))].sort()).toEqual(["check", "diff", "synth"]));
  test.each(commands)("$name $options", async ({ name, options }) => {
    const { exitCode, stdout } = await run([name, "--help"], {});
    expect([exitCode, options.filter((option) => !stdout.includes(`${option} `))]).toEqual([0, []]);
  });
  test("and every script", () => {
    const files = [...everything.matchAll(/ollama-lab\/(scripts\/[\w.-]+)/g)].map(([, file = ""]) => file);
    expect([files.length > 3, files.filter((file) => !existsSync(join(ROOT, file)))]).toEqual([true, []]);
  });
  test("and the exit codes of diff are those that the pipelines let pass", () => {
    expect(everything.match(/case \$code in .*?\)/g)).toEqual(["case $code in 0 | 2 | 3)", "case $code in 0 | 2 | 3)"]);
  });
});

describe("GitHub Actions", () => {
  const uses = Object.values(github.jobs).flatMap(({ steps }) => steps.flatMap((one) => ("uses" in one ? one.uses : [])));
  const own = read(".github/workflows/test.yml");
  test("every action is pinned by its commit", () =>
    expect(uses.filter((one) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(one))).toEqual([]));
  test("every pin says its version", () => {
    const lines = read(GITHUB)
      .split("\n")
      .filter((line) => line.includes("uses:"));
    expect(lines.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });
  test("an action that this repository's own workflow has too is the same there", () => {
    const both = [...new Set(uses)].filter((one) => own.includes(`${one.split("@")[0]}@`));
    expect([both.length, both.filter((one) => !own.includes(one))]).toEqual([3, []]);
  });
  test("the token may read, and in the job that comments write comments", () => {
    const asked = Object.entries(github.jobs).flatMap(([name, { permissions: wanted }]) => (wanted ? [[name, wanted]] : []));
    expect([github.permissions, asked]).toEqual([{ contents: "read" }, [["comment", { "pull-requests": "write" }]]]);
  });
  test("no text of a pull request gets into a script", () => expect(everything).not.toContain("${{"));
  test("a secret is given to a single step, never to a whole job", () => {
    const outside = {
      ...github,
      jobs: Object.fromEntries(Object.entries(github.jobs).map(([name, { steps: _, ...rest }]) => [name, rest])),
    };
    expect(JSON.stringify(outside)).not.toContain("secrets.");
  });
  test("a job that gets secrets is in an environment, and does not run for a pull request", () => {
    const secret = Object.entries(github.jobs).filter(([, one]) => JSON.stringify(one).includes("secrets."));
    expect(secret.map(([name, { environment, if: condition, needs }]) => [name, environment, condition ?? needs])).toEqual([
      ["plan", "lab-plan", "github.event_name == 'push'"],
      ["apply", "lab", "plan"],
    ]);
  });
  test("the job that may write runs nothing of the pull request", () => {
    expect(stepsOf("comment").filter((one) => "uses" in one && one.uses.startsWith("actions/checkout@"))).toEqual([]);
  });
  test("no checkout leaves a token behind", () => {
    const checkouts = Object.values(github.jobs).flatMap(({ steps }) =>
      steps.filter((one) => "uses" in one && one.uses.startsWith("actions/checkout@")),
    );
    expect(checkouts.every((one) => "with" in one && one.with?.["persist-credentials"] === false)).toBe(true);
  });
  test("only the encrypted plan becomes an artifact", () => {
    const uploads = stepsOf("plan").flatMap((one) =>
      "uses" in one && one.uses.startsWith("actions/upload-artifact@") ? [one.with?.["path"]] : [],
    );
    expect([uploads, scripts["github plan"]]).toEqual([["plan.tar.gpg"], expect.stringContaining("gpg --batch")]);
  });
  test.each(["plan", "apply"])("%s leaves nothing on the runner, even when it fails", (name) => {
    expect(stepsOf(name).at(-1)).toEqual({
      name: "Leave nothing on the runner",
      if: "always()",
      run: 'rm -rf cdktf.out "$LAB_KUBECONFIG" plan.tar.gpg',
    });
  });
  test("every secret and variable is named in the file's head, where people read what to set up", () => {
    const [head = ""] = read(GITHUB).split("\nname:");
    const named = [...read(GITHUB).matchAll(/\b(?:secrets|vars)\.([A-Z0-9_]+)/g)].map(([, name = ""]) => name);
    expect([...new Set(named)].filter((name) => !head.includes(name))).toEqual([]);
  });
});

describe("GitLab CI", () => {
  test("a deploy waits for a person, one at a time", () => {
    expect([gitlab.apply.rules, gitlab.apply.resource_group, gitlab.plan.resource_group]).toEqual([
      [{ if: "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", when: "manual" }],
      "lab",
      "lab",
    ]);
  });
  test("plan and apply run for the default branch alone, in the environment", () => {
    const jobs = [gitlab.plan, gitlab.apply];
    expect(jobs.map((one) => [one.rules?.[0]?.if, one.environment?.name])).toEqual(
      Array(2).fill(["$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "lab"]),
    );
  });
  test("only the encrypted plan becomes an artifact", () => expect(gitlab.plan.artifacts?.paths).toEqual(["plan.tar.gpg"]));
  test("the job that comments runs nothing of the merge request", () =>
    expect(gitlab.comment.variables).toEqual({ GIT_STRATEGY: "none" }));
  test("every variable of one's own is named in the file's head", () => {
    const [head = ""] = read(GITLAB).split("\nworkflow:");
    const used = [...everything.matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name = ""]) => name);
    const given = ["LAB", "LAB_KUBECONFIG", "BASE", "GITHUB_STEP_SUMMARY", "COMMENTS", "COMMENT", "KUBECONFIG_TEXT"];
    expect([...new Set(used)].filter((name) => !name.startsWith("CI_") && !given.includes(name) && !head.includes(name))).toEqual(
      [],
    );
  });
});

test("both have the Terraform that the tests have", () => {
  const version = /terraform_version: (\S+)/.exec(read(".github/workflows/test.yml"))?.[1] ?? "";
  const inGithub = [...read(GITHUB).matchAll(/terraform_version: (\S+)/g)].map(([, one]) => one);
  expect([inGithub, /terraform=([\d.]+)-1/.exec(read(GITLAB))?.[1]]).toEqual([[version, version], version]);
});

describe("both begin with the mark by which they find their comment again", () => {
  test.each([GITHUB, GITLAB])("%s", (file) =>
    expect(read(file)).toContain(
      'startsWith("<!-- ollama-lab diff -->")'.replace("startsWith", file === GITHUB ? "startswith" : "startsWith"),
    ),
  );
});

/** A file with a text, for as long as a test needs it. */
function withFile<T>(name: string, text: string, work: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "pipelines-"));
  try {
    const file = join(folder, name);
    writeFileSync(file, text);
    return work(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeWithTool("shellcheck", "the scripts in the pipelines", () => {
  test.each(Object.keys(scripts))("shellcheck has nothing to say about %s", (name) => {
    withFile("script.sh", `#!/bin/bash\nset -euo pipefail\n${scripts[name]}\n`, (file) => {
      // SC1091: os-release and its like are not here. SC2016: JavaScript and jq have dollars of their own.
      const { stdout } = spawnSync("shellcheck", ["--format=gcc", "--exclude=SC1091,SC2016", file], { encoding: "utf8" });
      expect(stdout).toBe("");
    });
  });
});

describeWithTool("actionlint", "actionlint", () => {
  test.each([GITHUB, ".github/workflows/test.yml"])("has nothing to say about %s", (workflowFile) => {
    withFile("actionlint.yaml", "self-hosted-runner:\n  labels: [lab]\n", (config) => {
      const { stdout, stderr } = spawnSync(
        "actionlint",
        ["-no-color", "-oneline", "-config-file", config, join(ROOT, workflowFile)],
        { encoding: "utf8" },
      );
      expect(`${stdout}${stderr}`).toBe("");
    });
  });
});
