const base = require("./jest.config.cjs");

process.env.TERRAFORM_BINARY ??= "tofu";

/** OpenTofu on every example, under the replay: `npm run test:tofu`. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/opentofu/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  globalSetup: base.globalSetup,
  setupFilesAfterEnv: base.setupFilesAfterEnv,
  testTimeout: 180_000,
};
