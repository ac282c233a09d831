import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProblemKind, STACK_IDS } from "../lab/problem";
import { type Chapter, chapters } from "../lab/registry";

const HEAD = `<!-- npm run docs writes this page from lab/registry.ts. Change the texts there. -->
# Problems

Every problem that this project finds in a lab has a code. \`npm run check\` prints the code, the place, what is wrong and what to do.
An **error** keeps everything from being written. A **warning** is printed, and becomes an annotation of the stacks that it concerns.

An example shows the part of a lab that has the problem; the rest of that lab is right.`;

function section([code, { severity, stacks, meaning, example, remedy }]: [string, ProblemKind]): string {
  return [
    `### ${code}`,
    `${severity === "error" ? "Error" : "Warning"} · ${stacks.length === STACK_IDS.length ? "every stack" : stacks.join(", ")}`,
    meaning,
    `\`\`\`yaml\n${example}\n\`\`\``,
    `**What to do.** ${remedy}`,
  ].join("\n\n");
}

function chapter({ title, kinds }: Chapter): string {
  const byCode = Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1));
  return [`## ${title}`, ...byCode.map(section)].join("\n\n");
}

/** The page docs/problems.md: every code with its meaning, an example and the remedy. */
export function problemsPage(): string {
  const contents = chapters.map(
    ({ title }) =>
      `- [${title}](#${title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-")})`,
  );
  return `${[HEAD, contents.join("\n"), ...chapters.map(chapter)].join("\n\n")}\n`;
}

if (require.main === module) writeFileSync(join(__dirname, "../docs/problems.md"), problemsPage());
