const base = require("./jest.config.cjs");

/** What docs/ say that an edit costs, against Terraform's plans: `npm run test:tables`. @type {import("jest").Config} */
module.exports = {
  ...base,
  testMatch: ["<rootDir>/__tests__/terraform/edit-tables.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 600_000,
};
