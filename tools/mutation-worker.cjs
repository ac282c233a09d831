// Runs one test file after another for `npm run test:mutation`, without a start of jest for each: the parent sends a path, and gets what failed.
// The working directory is a copy of the checkout. The packages are parts of jest.
const childProcess = require("node:child_process");
const { readFileSync } = require("node:fs");
const { relative } = require("node:path");
const { promisify } = require("node:util");
const { readConfig } = require("jest-config");
const { default: Runner } = require("jest-runner");
const { default: Runtime } = require("jest-runtime");
const { TestWatcher } = require("jest-watcher");
const { executedLines } = require("./executed-lines.cjs");

/** What starts Node, and with it maybe the program that is built from the sources. */
const NODE = /\b(node|npm|npx|tsx|cdktf|main\.mjs)\b/;

/** What the test file started: programs, and Node among them. */
const started = { programs: false, node: false };
const noting =
  (name, start) =>
  (...given) => {
    started.programs = true;
    started.node ||= name === "fork" || NODE.test(given.slice(0, 2).flat().join(" "));
    return start(...given);
  };
for (const name of ["spawn", "spawnSync", "fork", "execFile", "execFileSync", "exec", "execSync"]) {
  const start = childProcess[name];
  childProcess[name] = noting(name, start);
  // Node has a function of its own for what `promisify` makes of some of them.
  const promised = start[promisify.custom];
  if (promised) childProcess[name][promisify.custom] = noting(name, promised);
}

/** Seconds of a processor that this process took. */
function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** For each source the lines that ran. */
function executedIn(root, v8Coverage) {
  const executed = {};
  for (const { codeTransformResult, result } of v8Coverage) {
    if (!codeTransformResult?.sourceMapPath) continue;
    const map = JSON.parse(readFileSync(codeTransformResult.sourceMapPath, "utf8"));
    executed[relative(root, result.url)] = executedLines(codeTransformResult.code, map, result.functions);
  }
  return executed;
}

async function main([cacheDirectory, rooms]) {
  const root = process.cwd();
  const { globalConfig, projectConfig: ownConfig } = await readConfig(
    { _: [], $0: "", ci: true, cacheDirectory, coverageProvider: "v8" },
    root,
  );
  const projectConfig = { ...ownConfig, testEnvironment: require.resolve("./mutation-environment.cjs") };
  const context = await Runtime.createContext(projectConfig, { console, maxWorkers: 1, watch: false, watchman: false });
  const collectCoverageFrom = rooms.split(",").map((room) => `${room}/**/*.ts`);

  async function run({ test, coverage }) {
    Object.assign(started, { programs: false, node: false });
    const [began, before] = [Date.now(), processorSeconds()];
    const runner = new Runner({ ...globalConfig, collectCoverage: coverage, collectCoverageFrom }, {});
    let answer = { failures: [], executed: {} };
    runner.on("test-file-success", ([, { failureMessage, testResults, v8Coverage = [] }]) => {
      const failures = testResults.filter(({ status }) => status === "failed").flatMap((one) => one.failureMessages);
      // A file that cannot be loaded has no test, but a message.
      if (failures.length === 0 && failureMessage) failures.push(failureMessage);
      answer = { failures, executed: executedIn(root, v8Coverage) };
    });
    runner.on("test-file-failure", ([, { message, stack }]) => {
      answer = { failures: [stack || message], executed: {} };
    });
    const tests = [{ path: test, context: { ...context, config: projectConfig } }];
    await runner.runTests(tests, new TestWatcher({ isWatchMode: false }), { serial: true });
    const took = { seconds: (Date.now() - began) / 1000, processor: processorSeconds() - before };
    process.send({ ...answer, ...took, started, mebibytes: process.memoryUsage().heapUsed / 2 ** 20 });
  }

  process.on("disconnect", () => process.exit());
  process.on("message", (order) => run(order).catch(stop));
  process.send("ready");
}

function stop(error) {
  console.error(error);
  process.exit(3);
}

main(process.argv.slice(2)).catch(stop);
