const base = require("./jest.config.cjs");

/** The roles of ansible/, run for real; `npm run test:ansible` makes sure that Ansible is there. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/ansible/roles/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  maxWorkers: base.maxWorkers,
  testTimeout: 600_000,
};
