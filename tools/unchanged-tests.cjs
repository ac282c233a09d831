// Groups of tests that depend on little, and that `npm test` leaves out while nothing of it changed: all that a group depends on is as it was when the
// group last passed on this machine, or as it is on the main branch of `origin`, where CI ran the group. With CI=true or REQUIRE_TOOLS=1 all groups run.
const { spawnSync } = require("node:child_process");
const { mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { sourceState } = require("./source-state.cjs");

/** What each group proves, its test files and folders of them, and what else they depend on. */
const GROUPS = [
  {
    name: "tools",
    proves: "the test tools and the contributors' tools",
    tests: [
      "__tests__/testing",
      "__tests__/tools/bench.test.ts",
      "__tests__/tools/bindings.test.ts",
      "__tests__/tools/mutation-suites.test.ts",
      "__tests__/tools/mutations.test.ts",
      "__tests__/tools/program.test.ts",
      "__tests__/tools/schemas.test.ts",
      "__tests__/tools/unchanged-tests.test.ts",
    ],
    subjects: [
      "testing",
      "tools",
      "catalog/edit-costs.ts",
      "provider-schemas",
      "jest.config.cjs",
      "package.json",
      "package-lock.json",
    ],
  },
  {
    name: "scripts",
    proves: "the shell scripts, and the commands of pages that run them",
    tests: ["__tests__/templates", "__tests__/scripts", "__tests__/ansible/prove-gpu.test.ts", "__tests__/docs/upgrades.test.ts"],
    subjects: [
      "__tests__/ansible/roles/playbook.ts",
      "templates",
      "scripts",
      "ansible",
      ".ci",
      "catalog/k3s.ts",
      "constructs/k3s/k3s-config.ts",
      "constructs/k3s/paths.ts",
      "docs/cluster.md",
      "docs/upgrades.md",
      "testing/external-tool.ts",
      "testing/fake-ollama.ts",
      "testing/sandbox.ts",
      "testing/terraform/process.ts",
      "jest.config.cjs",
      "package.json",
      "package-lock.json",
    ],
  },
];

/** The state of what was proved when a group last passed. `npm ci` removes it. */
const noteOf = (root, { name }) => join(root, "node_modules/.cache/ollama-lab/unchanged-tests", name);

const pathsOf = ({ tests, subjects }) => [...tests, ...subjects];

/** Whether this environment chooses a Terraform of its own, for which nothing was proved. */
const choosesTerraform = (env) => (env.TERRAFORM_BINARY ?? "") !== "";

/** The state of a group's tests, of what they depend on, and of the choice of a Terraform. */
function stateOf(root, group, env) {
  return `${env.TERRAFORM_BINARY ?? ""}\n${sourceState(root, pathsOf(group))}`;
}

/** The state of each group, by its name. */
function groupStates(root, env = process.env) {
  return new Map(GROUPS.map((group) => [group.name, stateOf(root, group, env)]));
}

/** Whether a group passed on this machine in the state that it is in. */
function hasPassed(root, group, env) {
  try {
    return readFileSync(noteOf(root, group), "utf8") === stateOf(root, group, env);
  } catch {
    return false;
  }
}

/** Whether a group is as it is on the main branch of `origin`. Never so where there is no git or no such branch. */
function isAsOnMain(root, group) {
  const git = (...args) => spawnSync("git", ["-C", root, ...args, "--", ...pathsOf(group)], { encoding: "utf8" });
  const added = git("ls-files", "--others", "--exclude-standard");
  return added.status === 0 && added.stdout === "" && git("diff", "--quiet", "origin/HEAD").status === 0;
}

/** The groups that a run leaves out: none, unless it is a plain `npm test`. */
function groupsLeftOut(root, env = process.env, args = process.argv.slice(2)) {
  const isPlain = env.npm_lifecycle_event === "test" && args.length === 0;
  if (!isPlain || env.REQUIRE_TOOLS === "1" || /^(1|true)$/.test(env.CI ?? "")) return [];
  return GROUPS.filter((group) => hasPassed(root, group, env) || (!choosesTerraform(env) && isAsOnMain(root, group)));
}

/** The tests, and folders of them, that a run leaves out. */
function leftOut(root, env, args) {
  return groupsLeftOut(root, env, args).flatMap(({ tests }) => tests);
}

/**
 * Notes which groups passed by these results of jest: a file of each of a group's paths has run, and no test in them failed or was skipped, as those are
 * whose tool is missing.
 * @param states what `groupStates` was when the run began
 */
function noteResults(root, states, results) {
  const ofTest = (path) => results.filter(({ testFilePath }) => testFilePath.startsWith(join(root, path)));
  const passed = (result) =>
    result.numPassingTests > 0 && !result.failureMessage && !result.skipped && result.numPendingTests === 0;
  for (const group of GROUPS) {
    if (!group.tests.every((path) => ofTest(path).length > 0 && ofTest(path).every(passed))) continue;
    try {
      mkdirSync(dirname(noteOf(root, group)), { recursive: true });
      writeFileSync(noteOf(root, group), states.get(group.name));
    } catch {
      // A checkout that cannot be written to runs them each time.
    }
  }
}

module.exports = { GROUPS, groupStates, groupsLeftOut, leftOut, noteResults };
