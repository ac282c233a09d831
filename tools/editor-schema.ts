import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { labSchema } from "../lab/schema";
import { exampleOf, inline } from "../lab/schema-tree";

/** Names the schema for good, whatever file or URL it was read from. */
export const SCHEMA_ID = "urn:ollama-lab:lab.schema.json";

/** Whether a default is an empty list or map: that nothing is there by default needs no word. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/**
 * The JSON schema that editors check a lab file with: what may be written, with the meaning, the default and an example of every setting, and
 * the form of texts from `grammar/`. Every lab that the reader accepts follows it; what must fit together, the reader alone knows.
 */
export function editorSchema(): string {
  const schema = z.toJSONSchema(labSchema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const { description = "", default: byDefault } = jsonSchema;
      // Editors do not show `default` by itself.
      const stated = byDefault === undefined || isEmpty(byDefault) || description.includes("Default:");
      if (!stated) jsonSchema.description = `${description} Default: ${inline(byDefault)}.`.trimStart();
      const example = exampleOf(zodSchema);
      if (example !== undefined) jsonSchema.examples = [example as z.core.JSONSchema.Schema];
    },
  });
  return `${JSON.stringify({ $id: SCHEMA_ID, title: "lab.yaml", ...schema }, null, 2)}\n`;
}

if (require.main === module) writeFileSync(join(__dirname, "../lab.schema.json"), editorSchema());
