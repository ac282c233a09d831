// `npm test`: jest, and beside it the linter and the types, which use a core while jest's workers wait. Arguments after `npm test --` are for jest.
import { spawn } from "node:child_process";

/** V8's room for new objects, in MiB. A lab makes many that are gone at once: with V8's own 16 it collects them four times as often. */
const NEW_OBJECTS = ["--min-semi-space-size=16", "--max-semi-space-size=64"];

/** Runs jest, which prints for itself. */
function jest(args) {
  return ended("jest", spawn(process.execPath, [...NEW_OBJECTS, "node_modules/jest/bin/jest.js", ...args], { stdio: "inherit" }));
}

/** Runs a script of package.json, and prints what it says when it ends, so that no line of it stands within one of jest's. */
function script(name, ...args) {
  const output = [];
  const running = spawn("npm", ["run", "--silent", name, "--", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [running.stdout, running.stderr]) stream.on("data", (part) => output.push(part));
  return ended(`npm run ${name}`, running, () => process.stdout.write(Buffer.concat(output)));
}

/** What to say at the end of a program that failed; nothing of another. */
function ended(name, running, print = () => {}) {
  return new Promise((resolve) => {
    running.on("error", (error) => resolve(`${name} did not start: ${error.message}`));
    running.on("close", (code) => {
      print();
      resolve(code === 0 ? undefined : `${name} failed.`);
    });
  });
}

// What these two say passes through this program, so neither sees a terminal: Biome would always color it, and tsc never.
const inColor = process.stdout.isTTY === true;
const ends = [
  jest(process.argv.slice(2)),
  script("lint", inColor ? "--colors=force" : "--colors=off"),
  script("types", "--pretty", String(inColor)),
];
const failures = (await Promise.all(ends)).filter(Boolean);
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
