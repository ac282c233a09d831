// The tests that prove the test tools and the tools of this workplace, and not the program. `npm test` leaves them out while all that they depend on is
// as it was when they last passed on this machine. With CI=true or REQUIRE_TOOLS=1, and in a fresh clone, they run.
const { mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { sourceState } = require("./source-state.cjs");

/** Test files, and folders of them. */
const TESTS = [
  "__tests__/testing",
  "__tests__/tools/bench.test.ts",
  "__tests__/tools/bindings.test.ts",
  "__tests__/tools/mutations.test.ts",
  "__tests__/tools/schemas.test.ts",
];

/** What they depend on: the tools, what these read, and the packages. */
const SUBJECTS = [
  "testing",
  "tools",
  "catalog/edit-costs.ts",
  "provider-schemas",
  "jest.config.cjs",
  "package.json",
  "package-lock.json",
];

/** The state of what was proved when they last passed. `npm ci` removes it. */
const NOTE = "node_modules/.cache/ollama-lab/tool-tests";

/** The state of the tests, of what they depend on, and of the choice of a Terraform. */
function toolState(root, env = process.env) {
  return `${env.TERRAFORM_BINARY ?? ""}\n${sourceState(root, [...TESTS, ...SUBJECTS])}`;
}

/** The tests that a run leaves out: none, unless it is a plain `npm test` and nothing changed since they passed. */
function leftOut(root, env = process.env, args = process.argv.slice(2)) {
  const isPlain = env.npm_lifecycle_event === "test" && args.length === 0;
  if (!isPlain || env.REQUIRE_TOOLS === "1" || /^(1|true)$/.test(env.CI ?? "")) return [];
  try {
    return readFileSync(join(root, NOTE), "utf8") === toolState(root, env) ? TESTS : [];
  } catch {
    return [];
  }
}

/**
 * Notes that the tests passed, if these results of jest say so: a file of each has run, and no test in them failed or was skipped, as all that need
 * Terraform are where it is missing.
 * @param state what `toolState` was when the run began
 */
function noteResults(root, state, results) {
  const ofTest = (path) => results.filter(({ testFilePath }) => testFilePath.startsWith(join(root, path)));
  const passed = (result) =>
    result.numPassingTests > 0 && !result.failureMessage && !result.skipped && result.numPendingTests === 0;
  if (!TESTS.every((path) => ofTest(path).length > 0 && ofTest(path).every(passed))) return;
  try {
    mkdirSync(dirname(join(root, NOTE)), { recursive: true });
    writeFileSync(join(root, NOTE), state);
  } catch {
    // A checkout that cannot be written to runs them each time.
  }
}

module.exports = { leftOut, noteResults, toolState };
