import { readFileSync } from "node:fs";
import { join } from "node:path";
import { diagramPicture } from "../../tools/diagram-picture";

test("docs/diagram.svg is what the default lab draws (npm run docs writes it anew)", () => {
  expect(readFileSync(join(__dirname, "../../docs/diagram.svg"), "utf8")).toBe(diagramPicture());
});
