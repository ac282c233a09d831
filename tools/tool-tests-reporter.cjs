// A reporter of jest: says which tests a run leaves out, and notes that they passed (tool-tests.cjs).
const { leftOut, noteResults, toolState } = require("./tool-tests.cjs");

module.exports = class {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
    this.state = toolState(rootDir);
  }

  onRunStart() {
    const tests = leftOut(this.rootDir);
    if (tests.length === 0) return;
    process.stderr.write(
      `LEFT OUT ${tests.join(", ")}: they prove the test tools and the tools of this workplace, of which nothing changed since they passed here. ` +
        "CI=true or REQUIRE_TOOLS=1 runs them, and so does npx jest.\n",
    );
  }

  onRunComplete(_contexts, { testResults }) {
    noteResults(this.rootDir, this.state, testResults);
  }
};
