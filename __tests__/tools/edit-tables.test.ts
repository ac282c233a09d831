import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EDIT_TABLES, withTable } from "../../tools/edit-tables";

test.each(EDIT_TABLES)(
  "docs/$page has the table of $name as the code has it (npm run docs writes it)",
  ({ page, name, rows }) => {
    const text = readFileSync(join(__dirname, "../../docs", page), "utf8");
    expect(text).toBe(withTable(text, name, rows));
  },
);

test("a page without the marks is an error", () => {
  expect(() => withTable("# Page\n", "edits of a container", [])).toThrow('no marks for the table "edits of a container"');
});
