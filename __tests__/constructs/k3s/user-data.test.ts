import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Testing } from "cdktf";
import { parse } from "yaml";
import { readLab } from "../../../lab/read";
import { buildStacks } from "../../../stacks";
import { describeWithTool } from "../../../testing/external-tool";
import type { StackJson } from "../../../testing/lab";
import { snippetOf, textOf } from "../../../testing/rendered";

const EXAMPLES = join(__dirname, "../../../examples");
/** Digits alone, which YAML would read as a number if nothing quoted them. */
const TOKEN = `${"1234567890".repeat(6)}1234`;

/** The snippets of the examples' clusters, as they lie on the datastore. */
function snippets(): { name: string; text: string }[] {
  return readdirSync(EXAMPLES)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => {
      const { lab, problems } = readLab(join(EXAMPLES, file));
      if (!lab?.cluster) return [];
      const stacks = buildStacks(Testing.app({ stackTraces: false }), lab, problems);
      const cluster = stacks.find(({ node }) => node.id === "cluster");
      if (!cluster) return [];
      const stack = JSON.parse(Testing.synth(cluster)) as StackJson;
      return Object.keys(stack.resource["proxmox_virtual_environment_file"] ?? {}).map((name) => ({
        name: `${file}: ${name}`,
        text: textOf(snippetOf(stack, name)).replaceAll(/\$\{var\.k3s_(server|agent)_token\}/g, TOKEN),
      }));
    });
}

const all = snippets();
const userData = all.filter(({ name }) => name.endsWith("user-data"));

test("the examples have servers and workers to look at", () => {
  expect(userData.length).toBeGreaterThanOrEqual(3 + 8);
});

test.each(all)("$name is YAML without a key twice", ({ text }) => {
  expect(parse(text, { uniqueKeys: true })).toEqual(expect.any(Object));
});

test.each(userData)("$name: a token of digits alone stays a text", ({ text }) => {
  const files = (parse(text) as { write_files: { path: string; content: unknown }[] }).write_files;
  for (const { content } of files) expect(typeof content).toBe("string");
});

const run = promisify(execFile);

/** What the schema sees of a document: of texts only modes, and of the entries of a list only one of each form. */
function formOf(value: unknown, key = ""): unknown {
  if (typeof value === "string") return key === "permissions" ? value : "text";
  if (Array.isArray(value)) return [...new Set(value.map((entry) => JSON.stringify(formOf(entry))))].sort();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, formOf(entry, name)]));
}

/** One document of each form: cloud-init takes a second for each. */
function oneOfEachForm(): { name: string; text: string }[] {
  return [...new Map(userData.map((document) => [JSON.stringify(formOf(parse(document.text))), document])).values()];
}

describeWithTool("cloud-init", "cloud-init schema", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "user-data-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.concurrent.each(oneOfEachForm())("takes $name and all of its form, without a warning", async ({ name, text }) => {
    const file = join(folder, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.yaml`);
    writeFileSync(file, text);
    // A schema that is not met is exit code 1, and what it says is in the error.
    const { stdout, stderr } = await run("cloud-init", ["schema", "--config-file", file]);
    expect(`${stdout}${stderr}`).toMatch(/^Valid (cloud-config|schema)\b.*\s*$/);
  });
});
