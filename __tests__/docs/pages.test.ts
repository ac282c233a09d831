// Whatever a page points to is there: files, headings, npm scripts, and commands of the program.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { run } from "../../cli";
import { report } from "../../lab/problem";
import { readLab } from "../../lab/read";
import { scripts } from "../../package.json";

const ROOT = join(__dirname, "../..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
const pages = tracked.filter((file) => file.endsWith(".md"));
const text = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** A page without its code blocks and without code in its lines. */
function prose(file: string): string {
  return text(file)
    .replace(/^( *)(```|~~~)[\s\S]*?^\1\2 *$/gm, "")
    .replace(/`[^`\n]*`/g, "`code`");
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(file: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = [
    ...text(file)
      .replace(/^( *)(```|~~~)[\s\S]*?^\1\2 *$/gm, "")
      .matchAll(/^#{1,6} +(.+?) *$/gm),
  ].map(([, heading = ""]) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
  return new Set(anchors);
}

/** The links of a page to files and headings of the project. */
function linksOf(file: string): string[] {
  const targets = [...prose(file).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)|<img [^>]*src="([^"]+)"/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** What is wrong with the links of a page, given as the page or a text in its place. */
function broken(file: string, links: readonly string[]): string[] {
  return links.filter((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor);
  });
}

test.each(pages)("every link of %s leads somewhere", (file) => expect(broken(file, linksOf(file))).toEqual([]));
test.each(["nowhere.md", "#no-such-heading", "docs/proxmox.md#no-such-heading"])("a link to %s is found", (link) => {
  expect(broken("README.md", [link])).toEqual([link]);
});
test("the pages have links and headings to look at", () => {
  expect(pages.flatMap(linksOf).length).toBeGreaterThan(100);
  expect(anchorsOf("README.md")).toContain("try-it");
});

test.each(pages)("every npm script that %s names exists", (file) => {
  const named = [...text(file).matchAll(/\bnpm run (?:--silent |-s )?([a-z][a-z:-]*)/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

describe("commands of the program", () => {
  let commands: string[];
  beforeAll(async () => {
    const { stdout } = await run(["--help"], {});
    commands = [...(stdout.split("Commands:")[1] ?? "").matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name = ""]) => name);
  });
  test("there are some", () => expect(commands).toContain("synth"));
  test.each(pages)("every command that %s names exists", (file) => {
    const named = [...text(file).matchAll(/\b(?:npx ollama-lab|node main\.mjs|^ollama-lab) ([a-z]+)\b/gm)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !commands.includes(name))).toEqual([]);
  });
});

test("every page and script that a source, a message or a workflow names exists", () => {
  const sources = tracked.filter(
    (file) =>
      /\.(ts|mjs|cjs|sh|ya?ml|json|md)$|^\.ci\/run$/.test(file) && file !== "package-lock.json" && !file.startsWith("__tests__/"),
  );
  const missing = sources.flatMap((file) =>
    [...text(file).matchAll(/(?<![\w/.-])(?:docs|scripts)\/[A-Za-z0-9][\w/-]*\.(?:md|sh)\b/g)]
      .map(([name]) => name)
      .filter((name) => !existsSync(join(ROOT, name)) && !existsSync(join(ROOT, dirname(file), name)))
      .map((name) => `${file} → ${name}`),
  );
  expect(missing).toEqual([]);
});

test("docs/README.md lists every page", () => {
  const listed = linksOf("docs/README.md").map((link) => normalize(join("docs", link)));
  const all = pages.filter((file) => /^docs\/[^/]+\.md$/.test(file) && file !== "docs/README.md");
  expect(all.filter((file) => !listed.includes(file))).toEqual([]);
});

test("docs/first-ten-minutes.md shows the message of the mistake that it asks for", () => {
  const folder = mkdtempSync(join(tmpdir(), "pages-test-"));
  writeFileSync(join(folder, "lab.yaml"), text("examples/lxc.yaml").replace("vmId: 202", "vmId: 201"));
  const { problems } = readLab(join(folder, "lab.yaml"));
  rmSync(folder, { recursive: true });
  expect(text("docs/first-ten-minutes.md")).toContain(`\`\`\`text\n${report(problems, "lab.yaml")}\n\`\`\``);
});
