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

/** Whether the folder that the process runs in is there: somebody may have deleted it meanwhile. */
function hasFolder() {
  try {
    process.cwd();
    return true;
  } catch {
    return false;
  }
}

/** Ends the process with 1 and says why. */
function refuse(text) {
  console.error(text);
  process.exitCode = 1;
}

if (hasFolder()) {
  start().catch((error) => {
    if (!["EACCES", "EPERM", "EROFS", "ENOSPC"].includes(error.code)) throw error;
    // The checkout of somebody else, say: only who owns it can build.
    refuse(
      `The program of these sources is not built, and it cannot be written here (${error.code}): ${error.path}\n` +
        "Run `npm run build` as the user who owns the checkout, or use a checkout of your own.",
    );
  });
} else refuse("The folder that you are in was deleted. Change to one that is there.");
