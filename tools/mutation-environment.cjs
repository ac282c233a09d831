// The environment of a test file for `npm run test:mutation`: after the first assertion that fails, the rest of the file is skipped, because one
// is enough to know that a change is found. A failed snapshot does not count: an assertion after it may find the change too.
const { TestEnvironment } = require("jest-environment-node");
const { SNAPSHOT } = require("./snapshot-failure.cjs");

/** Node's environment, which skips what is left of a file. */
module.exports = class extends TestEnvironment {
  found = false;

  handleTestEvent({ name, test, describeBlock }) {
    if (name === "test_done") this.found ||= test.errors.flat().some((error) => error && !SNAPSHOT.test(error.stack ?? error));
    if (!this.found) return;
    if (name === "test_start") test.mode = "skip";
    if (name === "run_describe_start") describeBlock.mode = "skip";
  }
};
