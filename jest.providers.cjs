const base = require("./jest.config.cjs");

/** The stacks with the real bpg/proxmox against a simulated Proxmox: testing/proxmox/README.md. @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/__tests__/providers/**/*.test.ts"],
  transform: base.transform,
  modulePathIgnorePatterns: base.modulePathIgnorePatterns,
  globalSetup: base.globalSetup,
  setupFilesAfterEnv: base.setupFilesAfterEnv,
  maxWorkers: base.maxWorkers,
  testTimeout: 300_000,
};
