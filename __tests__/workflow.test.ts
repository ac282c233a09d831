// The repository's own workflow, and .ci/run, which it runs.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { scripts } from "../package.json";
import { describeWithTool } from "../testing/external-tool";

const read = (file: string) => readFileSync(join(__dirname, "..", file), "utf8");
const workflow = read(".github/workflows/test.yml");
const ciRun = read(".ci/run");

interface Job {
  readonly steps: readonly { readonly run?: string }[];
}
const { jobs, permissions } = parse(workflow) as { jobs: Record<string, Job>; permissions: unknown };
const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));

test("every action is pinned by its commit, with its version beside it", () => {
  const used = [...workflow.matchAll(/uses: (.+)$/gm)].map(([, action = ""]) => action);
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
});
test("one action has one commit in all jobs", () => {
  const pins = new Set([...workflow.matchAll(/uses: (\S+)/g)].map(([, pin = ""]) => pin));
  const names = [...pins].map((pin) => pin.split("@")[0]);
  expect(names).toEqual([...new Set(names)]);
});
test("the workflow may only read", () => expect(permissions).toEqual({ contents: "read" }));
test("it runs .ci/run", () => expect(commands).toContain(".ci/run"));
// test:mutation takes a minute for each change of a source, so people run it when they want to know.
test.each(Object.keys(scripts).filter((name) => name.startsWith("test:") && name !== "test:mutation"))(
  "npm run %s runs there, by .ci/run or in a job of its own",
  (name) => {
    expect(`${ciRun}\n${commands.join("\n")}`).toMatch(new RegExp(`npm run ${name}\\b(?!:)`));
  },
);

describeWithTool("actionlint", "actionlint", () => {
  test("finds nothing in the workflow", () => {
    const { status, stdout } = spawnSync("actionlint", ["-no-color", join(__dirname, "../.github/workflows/test.yml")], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });
});
