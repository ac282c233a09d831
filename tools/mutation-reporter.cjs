// A reporter of jest for `npm run test:mutation`: one line of JSON for each test file, as soon as the file has run. With --bail, jest may end
// before it writes its own report.
const { appendFileSync } = require("node:fs");

module.exports = class {
  onTestResult({ path }, { failureMessage, testResults }) {
    const failures = testResults.filter(({ status }) => status === "failed").flatMap((one) => one.failureMessages);
    // A file that cannot be loaded has no test, but a message.
    const all = failures.length > 0 || !failureMessage ? failures : [failureMessage];
    appendFileSync(process.env.MUTATION_REPORT, `${JSON.stringify({ path, failures: all })}\n`);
  }
};
