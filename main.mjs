#!/usr/bin/env node
// What npm, npx and cdktf run: hands over to the program built in dist/, and builds it first where a source is newer than it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import sources from "./tools/source-state.cjs";

// Node 22 and newer print a warning when cdktf calls util.isArray; nobody here can do anything about it.
process.noDeprecation = true;

const root = fileURLToPath(new URL(".", import.meta.url));
const built = join(root, "dist/sources.txt");

if (!existsSync(built) || readFileSync(built, "utf8") !== sources.sourceState(root)) {
  const { buildProgram } = await import("./tools/build.mjs");
  await buildProgram();
}
const { main } = await import(pathToFileURL(join(root, "dist/index.mjs")).href);
await main();
