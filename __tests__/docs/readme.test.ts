// What the README promises to whoever types its commands.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TERRAFORM_VERSIONS } from "../../catalog/terraform";
import { run } from "../../cli";
import { scripts } from "../../package.json";

const ROOT = join(__dirname, "../..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
/** The fenced blocks of a language. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);

test("the excerpt is what `npm run synth` prints for the default lab", async () => {
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const { stdout } = await run(["synth", join(ROOT, "examples/default.yaml")], { CDKTF_OUTDIR: join(folder, "cdktf.out") });
    expect(blocks("text").map((text) => stdout.includes(text))).toEqual([true]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the commands in it are there", async () => {
  const lines = blocks("sh").join("");
  const { stdout } = await run(["--help"], {});
  const commands = [...lines.matchAll(/npx ollama-lab (\S+)/g)].map(([, name]) => name);
  const known = [...stdout.matchAll(/^ {2}(\w+) \[/gm)].map(([, name]) => name);
  const scriptsRun = [...lines.matchAll(/npm run (\S+)/g)].map(([, name]) => name);
  expect([
    commands.filter((name) => !known.includes(name)),
    scriptsRun.filter((name) => !Object.hasOwn(scripts, name ?? "")),
  ]).toEqual([[], []]);
  expect(commands.length).toBeGreaterThan(2);
});

test("the oldest Terraform that it names is the one that a stack asks for", () => {
  expect([TERRAFORM_VERSIONS, readme]).toEqual([
    expect.stringContaining("1.7"),
    expect.stringContaining("Terraform 1.7 or OpenTofu 1.10"),
  ]);
});
