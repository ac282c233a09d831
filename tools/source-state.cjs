// Where the program built from the sources as they are now is, or has to be put.
const { createHash } = require("node:crypto");
const { readdirSync, statSync } = require("node:fs");
const { join } = require("node:path");

/** Folders and files that the program is built from. */
const SOURCES = [
  "catalog",
  "changes",
  "cli",
  "constructs",
  "diagram",
  "doctor",
  "grammar",
  "lab",
  "stacks",
  "tools/build.mjs",
  "tools/bindings.mjs",
  "package.json",
  "cdktf.json",
  "provider-schemas",
];

function* filesBelow(root, path) {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) yield* filesBelow(root, `${path}/${name}`);
  } else if (stats) yield `${path} ${stats.size} ${stats.mtimeMs}`;
}

/** Name, size and time of every source, one on a line. Reads no file, so that it costs a few milliseconds. */
function sourceState(root) {
  return SOURCES.flatMap((source) => [...filesBelow(root, source)]).join("\n");
}

/**
 * The folder of the program that these sources make. Other sources have another folder, so a program that runs keeps its files while a
 * newer one is built.
 */
function programFolder(root) {
  return join(root, "dist", createHash("sha256").update(sourceState(root)).digest("hex").slice(0, 16));
}

module.exports = { programFolder, sourceState };
