const { leftOut } = require("./tools/unchanged-tests.cjs");

/** @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/**/*.test.ts"],
  // Real playbooks, real providers, a real browser, a real editor, packages that npm installs: `npm run test:ansible`, `test:providers`, `test:browser`,
  // `test:editor` and `test:package`, each with a configuration of its own.
  testPathIgnorePatterns: [
    "/node_modules/",
    "<rootDir>/__tests__/ansible/roles/",
    "<rootDir>/__tests__/providers/",
    "<rootDir>/__tests__/package/",
    "<rootDir>/__tests__/cdktn/",
    "<rootDir>/__tests__/browser/",
    "<rootDir>/__tests__/editor/",
    // What depends on little, while nothing of that changed.
    ...leftOut(__dirname).map((path) => `<rootDir>/${path}`),
    // Minutes of terraform: `npm run test:terraform`. A file of it belongs to `npm run test:any-lab` too.
    ...(process.env.ANY_LAB_RUNS ? [] : ["<rootDir>/__tests__/terraform/"]),
  ],
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } }],
  },
  runtime: "<rootDir>/testing/jest-runtime.cjs",
  moduleNameMapper: {
    "^archiver$": "<rootDir>/testing/archiver.cjs",
    "^\\./(.*/)?stack-trace$": "<rootDir>/testing/stack-trace.cjs",
  },
  modulePathIgnorePatterns: ["<rootDir>/cdktf.out", "<rootDir>/\\.cdktf\\.out\\."],
  globalSetup: "<rootDir>/testing/provider-replay/start.ts",
  setupFilesAfterEnv: ["<rootDir>/testing/jest-setup.ts"],
  reporters: ["default", "<rootDir>/tools/unchanged-tests-reporter.cjs"],
  // jest's default leaves a core to itself; much of what a test waits for here is terraform, in a process of its own.
  maxWorkers: "100%",
  // For a machine that stalls; what takes seconds still does.
  testTimeout: 180_000,
};
