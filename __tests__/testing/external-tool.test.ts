import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");

/** Runs jest on a file with one group that needs cloud-init, with a PATH that has nothing but node. */
function runWithoutTools(requireTools: string): { status: number | null; text: string } {
  const folder = mkdtempSync(join(tmpdir(), "tool-"));
  try {
    const module = JSON.stringify(join(root, "testing/external-tool"));
    writeFileSync(
      join(folder, "tool.test.ts"),
      `import { describeWithTool } from ${module};\n` +
        `describeWithTool("cloud-init", "user-data", () => { test("is valid", () => {}); });\n`,
    );
    const swc = require.resolve("@swc/jest");
    const config = { rootDir: folder, testMatch: ["<rootDir>/*.test.ts"], transform: { "\\.ts$": swc } };
    writeFileSync(join(folder, "jest.config.json"), JSON.stringify(config));
    const run = spawnSync(
      process.execPath,
      [require.resolve("jest/bin/jest"), "--config", join(folder, "jest.config.json"), "--verbose"],
      {
        encoding: "utf8",
        env: { PATH: folder, REQUIRE_TOOLS: requireTools },
      },
    );
    return { status: run.status, text: run.stdout + run.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a test whose tool is missing", () => {
  test("is skipped, with a line that says what to install", () => {
    const { status, text } = runWithoutTools("");
    expect(text).toContain("SKIPPED user-data: cloud-init is not on PATH (apt-get install cloud-init)");
    expect(text).toMatch(/1 skipped/);
    expect(status).toBe(0);
  });

  test("fails with REQUIRE_TOOLS=1", () => {
    const { status, text } = runWithoutTools("1");
    expect(text).toContain("cloud-init is not on PATH (apt-get install cloud-init), and REQUIRE_TOOLS=1");
    expect(status).toBe(1);
  });
});
