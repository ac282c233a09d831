// Where the program built from the sources as they are now is, or has to be put.
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } = require("node:fs");

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
  "tools/program.cjs",
  "tools/bindings.mjs",
  "package.json",
  "cdktf.json",
  "provider-schemas",
];

/** The note about the last program that ran: the name of its folder on the first line, and below it the state of its sources. */
const NOTE = "dist/current";

/** A line for each file at a path. Joins paths itself, because `node:path` takes longer than the file system. */
function addFiles(lines, root, path) {
  const stats = statSync(`${root}/${path}`, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    for (const name of readdirSync(`${root}/${path}`).sort()) addFiles(lines, root, `${path}/${name}`);
  } else if (stats) lines.push(`${path} ${stats.size} ${stats.mtimeMs}`);
}

/** Name, size and time of every file at these paths, one on a line. Reads no file, so that it costs a few milliseconds. */
function sourceState(root, sources = SOURCES) {
  const lines = [];
  for (const source of sources) addFiles(lines, root, source);
  return lines.join("\n");
}

/** The folder of the program that was made from the sources in a state. Its name is computed: that loads the slow `node:crypto`. */
function folderOf(root, state) {
  const { createHash } = require("node:crypto");
  return `${root}/dist/${createHash("sha256").update(state).digest("hex").slice(0, 16)}`;
}

/**
 * The folder of the program that these sources make. Other sources have another folder, so a program that runs keeps its files while a
 * newer one is built.
 */
function programFolder(root) {
  return folderOf(root, sourceState(root));
}

/** Writes a file that is there as a whole or not at all. Does nothing where nothing can be written. */
function note(root, text) {
  try {
    const next = `${root}/${NOTE}.${process.pid}`;
    mkdirSync(`${root}/dist`, { recursive: true });
    writeFileSync(next, text);
    renameSync(next, `${root}/${NOTE}`);
  } catch {
    // A checkout that cannot be written to works without the note.
  }
}

/**
 * The folder of the program that these sources make, which is built first where it is not there.
 * @param build makes the folder of `programFolder`
 */
async function currentProgram(root, build) {
  const state = sourceState(root);
  let noted = "";
  try {
    noted = readFileSync(`${root}/${NOTE}`, "utf8");
  } catch {
    // Nothing ran here yet.
  }
  const end = noted.indexOf("\n");
  const isCurrent = end > 0 && noted.length === end + 1 + state.length && noted.endsWith(state);
  const folder = isCurrent ? `${root}/dist/${noted.slice(0, end)}` : folderOf(root, state);
  if (!existsSync(folder)) await build();
  if (!isCurrent) note(root, `${folder.slice(folder.lastIndexOf("/") + 1)}\n${state}`);
  return folder;
}

module.exports = { currentProgram, programFolder, sourceState };
