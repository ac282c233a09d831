import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..");

/** A comment that names a file of the project, and the code block below it, which holds that file. */
const BLOCK = /^<!-- file: (\S+) -->\n+```(\w+)\n[\s\S]*?^```$/gm;

/** The pages of docs/, as paths from the project's folder. */
export function pages(): string[] {
  return readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`)
    .sort();
}

/** A page with the files that it shows as they are now. */
export function withFiles(page: string): string {
  return page.replace(
    BLOCK,
    (_, file: string, language: string) =>
      `<!-- file: ${file} -->\n\n\`\`\`${language}\n${readFileSync(join(ROOT, file), "utf8").trimEnd()}\n\`\`\``,
  );
}

if (require.main === module) {
  for (const page of pages()) {
    const text = readFileSync(join(ROOT, page), "utf8");
    const filled = withFiles(text);
    if (filled !== text) writeFileSync(join(ROOT, page), filled);
  }
}
