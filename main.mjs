#!/usr/bin/env node
// What npm, npx and cdktf run: hands over to the program built in dist/, and builds it first where a source has changed.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import sources from "./tools/source-state.cjs";

// Node 22 and newer print a warning when cdktf calls util.isArray; nobody here can do anything about it.
process.noDeprecation = true;

const root = fileURLToPath(new URL(".", import.meta.url));
const program = join(sources.programFolder(root), "index.mjs");

if (!existsSync(program)) {
  const { buildProgram } = await import("./tools/build.mjs");
  await buildProgram();
}
const { main } = await import(pathToFileURL(program).href);
await main();
