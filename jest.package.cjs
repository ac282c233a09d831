const base = require("./jest.config.cjs");

/** The package, installed into an empty CDKTF app: `npm run test:package`. It needs the npm registry. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/package/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  globalSetup: base.globalSetup,
  setupFilesAfterEnv: base.setupFilesAfterEnv,
  testTimeout: 600_000,
};
