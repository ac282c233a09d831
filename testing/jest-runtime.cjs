// jest's runtime, which compiles a module once for each worker and not once for each test file. Every test file still runs each module anew, in a realm
// of its own: what stays is the compiled code, and the text of the packages' files.
const { sep } = require("node:path");
const { default: Runtime } = require("jest-runtime");
const { scriptOf } = require("./kept-scripts.cjs");

/** The packages' files by name. They stay as they are while jest runs. */
const packageFiles = new Map();
const PACKAGES = `${sep}node_modules${sep}`;

class KeepingRuntime extends Runtime {
  constructor(...given) {
    super(...given);
    // V8 counts no blocks of code that was compiled before the counting began.
    if (this._coverageOptions.collectCoverage) return;
    keepScripts(this.executor);
    keepPackageFiles(this.fileCache);
  }
}

function keepScripts(executor) {
  const compile = executor.compile.bind(executor);
  executor.compile = (code, filename) => {
    const context = executor.environment.getVmContext();
    if (context == null) return null;
    try {
      return scriptOf(filename, executor.injectedModuleParameters, code).runInContext(context);
    } catch {
      // jest's own way says what is wrong with the code.
      return compile(code, filename);
    }
  };
}

function keepPackageFiles(fileCache) {
  const readFile = fileCache.readFile.bind(fileCache);
  fileCache.readFile = (filename) => {
    if (!filename.includes(PACKAGES)) return readFile(filename);
    if (!packageFiles.has(filename)) packageFiles.set(filename, readFile(filename));
    return packageFiles.get(filename);
  };
}

module.exports = KeepingRuntime;
module.exports.default = KeepingRuntime;
