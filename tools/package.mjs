// What `npm pack` and `npm publish` run, as the scripts prepack and postpack: makes the package that other projects install.
//
// The package holds lib/ and nothing of the checkout: the library in JavaScript with its declarations, the provider bindings that it needs, the
// templates and playbooks that the constructs read, and the command line. lib/ is ignored by git and made anew each time.
//
// While npm packs, package.json is the one of the package: without the scripts and tools of the checkout, and with those dependencies alone that
// lib/ imports. Otherwise a project that installs the library would get two deploy tools, a compiler and a code generator with it. The
// checkout's own package.json waits in node_modules/.cache, and postpack, or the next prepack, puts it back.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBindings } from "./bindings.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const lib = join(root, "lib");
const manifest = join(root, "package.json");
const waiting = join(root, "node_modules/.cache/package.json.checkout");

/** What lib/ reads when it runs, besides its JavaScript. */
const FILES = ["templates", "ansible"];
/** What Python and editors leave there. */
const LEFTOVERS = /(^|\/)(__pycache__|\.venv|\.DS_Store)$|\.pyc$/;

const BIN = `#!/usr/bin/env node
// Node 22 and newer print a warning when cdktf calls util.isArray; nobody here can do anything about it.
process.noDeprecation = true;
require("./cli").main();
`;

/** Compiles the library. @throws when it does not compile */
function compile() {
  const args = [require.resolve("typescript/bin/tsc"), "-p", join(root, "tsconfig.package.json")];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`The library does not compile:\n${stdout}`);
}

/** The packages that the files of lib/ import, as JavaScript or for their types. */
function importedPackages() {
  const files = readdirSync(lib, { recursive: true }).filter((file) => /\.(js|d\.ts)$/.test(file));
  const names = files.flatMap((file) =>
    [...readFileSync(join(lib, file), "utf8").matchAll(/(?:\brequire\(|\bfrom |\bimport\()["']([^."'][^"']*)["']/g)].map(
      ([, name]) => name.split("/", name.startsWith("@") ? 2 : 1).join("/"),
    ),
  );
  return [...new Set(names)].filter((name) => !name.startsWith("node:")).sort();
}

/** The package.json of the package. @throws when lib/ imports a package that the checkout's does not pin */
export function packageManifest(checkout, imported) {
  const { scripts, devDependencies, optionalDependencies, overrides, allowScripts, dependencies, ...rest } = checkout;
  const needed = imported.filter((name) => rest.peerDependencies[name] === undefined);
  const unpinned = needed.filter((name) => dependencies[name] === undefined);
  if (unpinned.length > 0) throw new Error(`lib/ imports ${unpinned.join(", ")}, which "dependencies" does not have.`);
  return {
    ...rest,
    bin: { "ollama-lab": "lib/ollama-lab.js" },
    dependencies: Object.fromEntries(needed.map((name) => [name, dependencies[name]])),
  };
}

function restore() {
  if (existsSync(waiting)) renameSync(waiting, manifest);
}

async function prepack() {
  // Of a run that did not end.
  restore();
  const checkout = JSON.parse(readFileSync(manifest, "utf8"));
  rmSync(lib, { recursive: true, force: true });
  await makeBindings();
  compile();
  for (const folder of FILES) {
    cpSync(join(root, folder), join(lib, folder), { recursive: true, filter: (path) => !LEFTOVERS.test(path) });
  }
  writeFileSync(join(lib, "ollama-lab.js"), BIN, { mode: 0o755 });
  // The command line reads its version there.
  writeFileSync(join(lib, "package.json"), `${JSON.stringify({ version: checkout.version })}\n`);
  mkdirSync(dirname(waiting), { recursive: true });
  const published = packageManifest(checkout, importedPackages());
  renameSync(manifest, waiting);
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv[2] === "postpack") restore();
    else await prepack();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
