// Makes the provider bindings in .gen from the schema snapshots in provider-schemas/: `npm run get`, which `npm ci` runs too.
// The official generator is called as a library, because the CLI that usually calls it (`cdktf get`) does not install on every Node.
// Needs no network, no terraform and no compiler. Does nothing while the snapshots, cdktf.json and the generator's version are unchanged.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const schemas = join(root, "provider-schemas");
const require = createRequire(import.meta.url);

/** The path of a provider's snapshot. @throws when there is none */
function snapshotOf({ name, version }) {
  const snapshot = join(schemas, `${name}@${version}.json`);
  if (!existsSync(snapshot)) {
    throw new Error(
      `provider-schemas/${name}@${version}.json is missing, but cdktf.json pins ${name} ${version}.\n` +
        "Run `npm run schemas` on a machine that reaches the Terraform registry, and commit the result.",
    );
  }
  return snapshot;
}

/** What the bindings are made from, as one hash. */
function hashOf(providers) {
  const { version } = require("@cdktf/provider-generator/package.json");
  const hash = createHash("sha256").update(version).update(JSON.stringify(providers));
  for (const provider of providers) {
    hash.update(readFileSync(snapshotOf(provider)));
  }
  return hash.digest("hex");
}

/** Writes the bindings of all providers into `folder`: the files that `cdktf get` writes, byte for byte. */
async function generate(providers, folder) {
  // When they are loaded, the generator's packages log, run `terraform version`, and report its failure. Nothing of that is needed here.
  Object.assign(process.env, {
    CDKTF_LOG_LEVEL: "OFF",
    CHECKPOINT_DISABLE: "1",
    TERRAFORM_BINARY_NAME: join(root, "no-terraform-needed"),
  });
  // Node 26 warns when one of them looks for it.
  delete globalThis.localStorage;
  const { CodeMaker } = require("codemaker");
  const { DISPLAY_VERSION, TerraformProviderConstraint } = require("@cdktf/commons");
  // Not the package's own entry: that one needs jsii-pacmak, which serves other languages than TypeScript.
  const { TerraformProviderGenerator } = require("@cdktf/provider-generator/lib/get/generator/provider-generator");
  const code = new CodeMaker();
  let versions = {};
  for (const provider of providers) {
    const generator = new TerraformProviderGenerator(code, JSON.parse(readFileSync(snapshotOf(provider), "utf8")));
    generator.generate(new TerraformProviderConstraint(provider));
    versions = { ...versions, ...generator.versions };
  }
  const names = Object.fromEntries(providers.map(({ name, version }) => [name, version]).sort());
  // What `cdktf provider list` reads, and what `cdktf get` compares with cdktf.json.
  for (const [file, content] of Object.entries({
    "versions.json": versions,
    "constraints.json": { cdktf: DISPLAY_VERSION, providers: names },
  })) {
    code.openFile(file);
    code.line(JSON.stringify(content, null, 2));
    code.closeFile(file);
  }
  await code.save(folder);
}

/**
 * Makes the bindings that cdktf.json asks for, unless they are there. Prints a line when it made some.
 * @throws when a snapshot is missing
 */
export async function makeBindings() {
  const output = join(root, ".gen");
  const stamp = join(output, "snapshot.sha256");
  const { terraformProviders } = JSON.parse(readFileSync(join(root, "cdktf.json"), "utf8"));
  const wanted = hashOf(terraformProviders);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  rmSync(output, { recursive: true, force: true });
  await generate(terraformProviders, output);
  // Last, so that an interrupted run is repeated.
  writeFileSync(stamp, wanted);
  // Not on stdout, which belongs to the command that a build goes before.
  console.error(`Bindings generated in .gen: ${terraformProviders.map((p) => `${p.source} ${p.version}`).join(", ")}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await makeBindings();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
