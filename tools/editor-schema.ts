import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { labSchema } from "../lab/schema";

/** The JSON schema that editors check a lab file with: what may be written, with every default and its meaning. */
export function editorSchema(): string {
  const schema = z.toJSONSchema(labSchema, { io: "input" });
  return `${JSON.stringify({ title: "lab.yaml", ...schema }, null, 2)}\n`;
}

if (require.main === module) writeFileSync(join(__dirname, "../lab.schema.json"), editorSchema());
