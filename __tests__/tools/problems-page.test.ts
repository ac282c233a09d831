import { readFileSync } from "node:fs";
import { join } from "node:path";
import { registry } from "../../lab/registry";
import { problemsPage } from "../../tools/problems-page";

const page = readFileSync(join(__dirname, "../../docs/problems.md"), "utf8");

test("docs/problems.md is what the registry generates (npm run docs writes it anew)", () => {
  expect(page).toBe(problemsPage());
});

test.each(Object.entries(registry))("docs/problems.md has %s with its meaning, its example and its remedy", (code, kind) => {
  const section = page.slice(page.indexOf(`### ${code}\n`)).split("\n### ")[0] ?? "";
  expect([kind.meaning, kind.example, kind.remedy].filter((text) => !section.includes(text))).toEqual([]);
});
