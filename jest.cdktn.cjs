const base = require("./jest.config.cjs");

/** The same sources on cdktn: `npm run test:cdktn`. It needs the npm registry. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/cdktn/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  testTimeout: 600_000,
};
