import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pages, withFiles } from "../../tools/example-blocks";

const ROOT = join(__dirname, "../..");

test.each(pages())("%s shows files as they are", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");
  expect(text).toBe(withFiles(text));
});
test.each(readdirSync(join(ROOT, "examples/library")))("docs/library.md shows %s", (file) => {
  expect(readFileSync(join(ROOT, "docs/library.md"), "utf8")).toContain(`<!-- file: examples/library/${file} -->`);
});
test("a block that is out of date is found", () => {
  const page = "<!-- file: examples/library/lab.ts -->\n\n```ts\nold\n```\n";
  expect(withFiles(page)).toContain("buildLab(app, {");
});
