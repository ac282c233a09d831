// Hands over to the program built in dist/, and builds it first where a source has changed.
const { loadProgram } = require("./program.cjs");
const { currentProgram } = require("./source-state.cjs");

// Node 22 and newer print a warning when cdktf calls util.isArray; nobody here can do anything about it.
process.noDeprecation = true;

const root = __dirname.slice(0, -"/tools".length);

async function start() {
  const folder = await currentProgram(root, async () => (await import("./build.mjs")).buildProgram());
  await loadProgram(folder, root).main();
}

start();
