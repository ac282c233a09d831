// Writes the schema snapshots in provider-schemas/ anew, from the real providers: `npm run schemas`. Needs terraform and the
// registry. The versions are those that the bindings pin: cdktf.json and the prebuilt packages @cdktf/provider-*.
// A snapshot holds facts only (names, types, flags), one schema a line, so that a diff says what changed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const schemas = join(root, "provider-schemas");

/** Objects with their keys sorted, so that the order in which a provider lists them is no change. */
function sorted(value) {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

function eachValue(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/** `parts` of an object: what is not there is left out. */
function given(parts) {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

function attributeFacts({ type, nested_type, required, optional, computed, sensitive, write_only, deprecated }) {
  return given({
    type,
    nested_type: nested_type && { ...nested_type, attributes: eachValue(nested_type.attributes, attributeFacts) },
    required,
    optional,
    computed,
    sensitive,
    write_only,
    deprecated,
  });
}

function blockFacts({ attributes, block_types, deprecated }) {
  return given({
    attributes: attributes && eachValue(attributes, attributeFacts),
    block_types: block_types && eachValue(block_types, (nested) => ({ ...nested, block: blockFacts(nested.block) })),
    deprecated,
  });
}

function schemaFacts({ version, block }) {
  return sorted({ version, block: blockFacts(block) });
}

function lines(object) {
  const entries = Object.keys(object).sort();
  return entries.map((key) => `${JSON.stringify(key)}:${JSON.stringify(schemaFacts(object[key]))}`).join(",\n");
}

/**
 * The text of a snapshot: one provider of what `terraform providers schema -json` printed, without descriptions and without
 * the kinds of schema that the bindings do not use (functions, ephemeral resources, identities).
 */
export function snapshotText(printed, address, version) {
  const { provider, resource_schemas = {}, data_source_schemas = {} } = printed.provider_schemas[address];
  return `{
"format_version":${JSON.stringify(printed.format_version)},
"provider_schemas":{
${JSON.stringify(address)}:{
"provider":${JSON.stringify(schemaFacts(provider))},
"resource_schemas":{
${lines(resource_schemas)}
},
"data_source_schemas":{
${lines(data_source_schemas)}
}
}
},
"provider_versions":${JSON.stringify({ [address]: version })}
}
`;
}

/** The providers that the bindings pin, as name, source (such as `bpg/proxmox`) and version. */
export function pinnedProviders() {
  const require = createRequire(join(root, "package.json"));
  const { terraformProviders } = JSON.parse(readFileSync(join(root, "cdktf.json"), "utf8"));
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const prebuilt = Object.keys(dependencies)
    .filter((name) => name.startsWith("@cdktf/provider-"))
    // Not all of that name are bindings: one generates them.
    .flatMap((name) => require(`${name}/package.json`).cdktf?.provider ?? [])
    .map((provider) => {
      const source = provider.name.replace(/^registry\.terraform\.io\//, "");
      return { name: source.split("/").at(-1), source, version: provider.version };
    });
  return [...terraformProviders.map(({ name, source, version }) => ({ name, source, version })), ...prebuilt];
}

function fail(message) {
  console.error(`${message}\nNo snapshot was changed.`);
  process.exit(1);
}

function terraform(folder, ...args) {
  const run = spawnSync("terraform", args, {
    cwd: folder,
    encoding: "utf8",
    // All of kubernetes, with its descriptions, is far above the default.
    maxBuffer: 2 ** 30,
    env: { ...process.env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" },
  });
  if (run.error?.code === "ENOENT") {
    fail(
      "terraform is not on PATH; `npm run schemas` asks it for the schemas: https://developer.hashicorp.com/terraform/install",
    );
  }
  if (run.status !== 0) {
    const reason = run.error?.message ?? `${run.stdout.slice(-2000)}${run.stderr}`.trim();
    fail(
      `terraform ${args.join(" ")} failed:\n${reason}\n` +
        "`npm run schemas` needs a machine that reaches registry.terraform.io and the releases it points to.",
    );
  }
  return run.stdout;
}

function fetchSnapshots(folder) {
  const pinned = pinnedProviders();
  const required = pinned.map(({ name, source, version }) => [name, { source, version: `= ${version}` }]);
  writeFileSync(
    join(folder, "main.tf.json"),
    JSON.stringify({ terraform: { required_providers: Object.fromEntries(required) } }),
  );
  terraform(folder, "init", "-input=false", "-no-color");
  const printed = JSON.parse(terraform(folder, "providers", "schema", "-json"));
  // Everything is at hand before the first file is touched, and a file appears whole or not at all.
  const texts = pinned.map(({ name, source, version }) => {
    const address = `registry.terraform.io/${source}`;
    if (printed.provider_schemas?.[address] === undefined) {
      fail(`terraform printed no schema of ${address}.`);
    }
    return { name, file: `${name}@${version}.json`, text: snapshotText(printed, address, version) };
  });
  for (const { file, text } of texts) {
    const unfinished = join(schemas, `.${file}.unfinished`);
    writeFileSync(unfinished, text);
    renameSync(unfinished, join(schemas, file));
    console.log(`provider-schemas/${file}`);
  }
  const outdated = readdirSync(schemas).filter(
    (file) => texts.some(({ name }) => file.startsWith(`${name}@`)) && !texts.some((written) => written.file === file),
  );
  for (const file of outdated) {
    rmSync(join(schemas, file));
    console.log(`provider-schemas/${file} removed: no binding pins it any more`);
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), "provider-schemas-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  fetchSnapshots(folder);
}
