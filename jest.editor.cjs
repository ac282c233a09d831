const base = require("./jest.config.cjs");

/** What the language server of editors says of labs; `npm run test:editor`. npm install --global yaml-language-server@1.25.0 brings it. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/editor/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  maxWorkers: 1,
  testTimeout: 60_000,
};
