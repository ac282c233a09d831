const base = require("./jest.config.cjs");

/** Terraform on every stack of every example and on every edit that docs/ tell the cost of: `npm run test:terraform`. @type {import("jest").Config} */
module.exports = {
  ...base,
  testMatch: ["<rootDir>/__tests__/terraform/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 600_000,
};
