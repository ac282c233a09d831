// `npm run test:cdktn`: a copy of this checkout that has CDK Terrain (cdktn) under the name cdktf, as docs/cdktn.md says.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import manifest from "../../package.json";
import { withCdktn } from "../../tools/cdktn";

const ROOT = join(__dirname, "../..");
const labs = readdirSync(join(ROOT, "examples")).filter((file) => file.endsWith(".yaml"));

const copy = mkdtempSync(join(tmpdir(), "cdktn-test-"));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, text: `${stdout}${stderr}${error?.message ?? ""}` };
}

beforeAll(() => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  for (const file of files.split("\n").filter((name) => name !== "" && !name.startsWith("__tests__/"))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  writeFileSync(join(copy, "package.json"), JSON.stringify(withCdktn(manifest)));
  const { status, text } = run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"]);
  if (status !== 0) throw new Error(`npm install ended with ${status}:\n${text}`);
});

/** The files of an output, without what cdktf and cdktn write about themselves. */
function filesOf(outdir: string): Record<string, unknown> {
  const files = readdirSync(outdir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const file = join(entry.parentPath ?? entry.path, entry.name);
      const text = readFileSync(file, "utf8");
      return [file.slice(outdir.length + 1), entry.name.endsWith(".json") ? withoutMetadata(JSON.parse(text)) : text];
    }),
  );
}

function withoutMetadata(json: Record<string, unknown>): Record<string, unknown> {
  // manifest.json has the version at its top, cdk.tf.json in its metadata.
  const { "//": _, version: __, ...rest } = json;
  return rest;
}

/** Synthesizes a lab of the copy with the program of a checkout, beside the other output, so that relative paths in both are the same. */
function synthesize(checkout: string, lab: string): Record<string, unknown> {
  const outdir = join(copy, `out-${basename(checkout) === basename(copy) ? "cdktn" : "cdktf"}`, lab);
  const { status, text } = run(process.execPath, [join(checkout, "main.mjs"), "synth", `examples/${lab}`], {
    CDKTF_OUTDIR: outdir,
  });
  if (status !== 0) throw new Error(text);
  return filesOf(outdir);
}

test("the copy has cdktn under the name cdktf, once", () => {
  const copies = readdirSync(join(copy, "node_modules"), { recursive: true, encoding: "utf8" }).filter((path) =>
    /(^|node_modules\/)cdkt[fn]\/package.json$/.test(path),
  );
  const { name } = JSON.parse(readFileSync(join(copy, "node_modules/cdktf/package.json"), "utf8")) as { name: string };
  expect({ name, copies }).toEqual({ name: "cdktn", copies: ["cdktf/package.json"] });
});
test("the sources have no type error with it", () => {
  // Without the tests, which are no part of the copy.
  expect(run(process.execPath, ["node_modules/typescript/bin/tsc"])).toEqual({ status: 0, text: "" });
});
test.each(labs)("examples/%s becomes the same Terraform", (lab) => {
  const cdktf = synthesize(ROOT, lab);
  expect(Object.keys(cdktf).some((file) => file.endsWith("cdk.tf.json"))).toBe(true);
  expect(synthesize(copy, lab)).toEqual(cdktf);
});
