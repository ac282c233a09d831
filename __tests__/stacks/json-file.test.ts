import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeJson } from "../../stacks/json-file";

test("a file has sorted keys, two spaces a level, and a line of its own for the end of what is empty", () => {
  const folder = mkdtempSync(join(tmpdir(), "json-"));
  writeJson(join(folder, "a.json"), { b: [1, "two", { d: null, c: true }], a: { e: [], f: {} } });
  const text = readFileSync(join(folder, "a.json"), "utf8");
  rmSync(folder, { recursive: true });
  expect(text.split("\n")).toEqual([
    "{",
    '  "a": {',
    '    "e": [',
    "    ],",
    '    "f": {',
    "    }",
    "  },",
    '  "b": [',
    "    1,",
    '    "two",',
    "    {",
    '      "c": true,',
    '      "d": null',
    "    }",
    "  ]",
    "}",
  ]);
});
