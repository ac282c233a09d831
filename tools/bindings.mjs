// Makes the provider bindings in .gen from the schema snapshots in provider-schemas/, with the official generator and without a network.
// Runs at `npm ci` and `npm run get`; does nothing when neither the snapshots nor cdktf.json nor the generator's version changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const schemas = join(root, "provider-schemas");
const require = createRequire(import.meta.url);
const output = join(root, ".gen");
const stamp = join(output, "snapshot.sha256");

const { terraformProviders } = JSON.parse(readFileSync(join(root, "cdktf.json"), "utf8"));
const cliManifest = require.resolve("cdktf-cli/package.json");
const cli = JSON.parse(readFileSync(cliManifest, "utf8"));

const hash = createHash("sha256").update(cli.version).update(JSON.stringify(terraformProviders));
for (const { name, version } of terraformProviders) {
  const snapshot = join(schemas, `${name}@${version}.json`);
  if (!existsSync(snapshot)) {
    console.error(
      `provider-schemas/${name}@${version}.json is missing, though cdktf.json pins ${name} ${version}.\n` +
        "Run `npm run schemas` on a machine that reaches the Terraform registry, and commit the result.",
    );
    process.exit(1);
  }
  hash.update(readFileSync(snapshot));
}
const wanted = hash.digest("hex");

if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
  process.exit(0);
}

const bin = join(dirname(cliManifest), typeof cli.bin === "string" ? cli.bin : cli.bin.cdktf);
const run = spawnSync(process.execPath, [bin, "get", "--force"], {
  cwd: root,
  encoding: "utf8",
  env: {
    ...process.env,
    // The CLI asks `node` for its version.
    PATH: [dirname(process.execPath), process.env.PATH].filter(Boolean).join(delimiter),
    CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH: schemas,
    // Without it the CLI calls home, and logs an error where it can't.
    CHECKPOINT_DISABLE: "1",
    CI: "1",
  },
});
if (run.status !== 0) {
  console.error(
    `${run.stdout}${run.stderr}\nThe bindings could not be generated: \`cdktf get\` ended with ${run.status ?? run.signal}.`,
  );
  process.exit(1);
}
mkdirSync(output, { recursive: true });
writeFileSync(stamp, wanted);
console.log(`Bindings generated in .gen: ${terraformProviders.map((p) => `${p.source} ${p.version}`).join(", ")}`);
