import { readFileSync } from "node:fs";
import { join } from "node:path";
import { editorSchema } from "../../tools/editor-schema";

test("lab.schema.json is what the schema generates (npm run schema writes it anew)", () => {
  expect(readFileSync(join(__dirname, "../../lab.schema.json"), "utf8")).toBe(editorSchema());
});

test("the editor's schema states the default of a setting", () => {
  const schema = JSON.parse(editorSchema()) as { properties: { network: { properties: { bridge: { default: string } } } } };
  expect(schema.properties.network.properties.bridge.default).toBe("vmbr0");
});
