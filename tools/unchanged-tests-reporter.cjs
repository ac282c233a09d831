// A reporter of jest: says which groups of tests a run leaves out, and notes which passed (unchanged-tests.cjs).
const { groupStates, groupsLeftOut, noteResults } = require("./unchanged-tests.cjs");

module.exports = class {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
    this.states = groupStates(rootDir);
  }

  onRunStart() {
    for (const { proves, tests } of groupsLeftOut(this.rootDir)) {
      process.stderr.write(
        `LEFT OUT ${tests.join(", ")}: they prove ${proves}, of which nothing changed since they passed, here or on origin's main branch. ` +
          "REQUIRE_TOOLS=1 npm test runs them too.\n",
      );
    }
  }

  onRunComplete(_contexts, { testResults }) {
    noteResults(this.rootDir, this.states, testResults);
  }
};
