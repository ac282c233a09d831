const base = require("./jest.config.cjs");

/** What a real browser has to show; `npm run test:browser`. Debian's package chromium has one. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/browser/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  maxWorkers: 1,
  testTimeout: 180_000,
};
