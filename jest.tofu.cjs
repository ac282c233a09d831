const base = require("./jest.terraform.cjs");

process.env.TERRAFORM_BINARY ??= "tofu";

/** OpenTofu in the place of Terraform, on every example and every edit of later days: `npm run test:tofu`. @type {import("jest").Config} */
module.exports = { ...base, testMatch: ["<rootDir>/__tests__/terraform/{lifecycle,*-day-two}.test.ts"] };
