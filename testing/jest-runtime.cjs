// jest's runtime, which compiles a module once for each worker and not once for each test file. Every test file still runs each module anew, in a realm
// of its own: what stays is the compiled code, and the text of the packages' files.
const { AsyncLocalStorage } = require("node:async_hooks");
const { sep } = require("node:path");
const { default: Runtime } = require("jest-runtime");
const { scriptOf } = require("./kept-scripts.cjs");

/** The packages' files by name. They stay as they are while jest runs. */
const packageFiles = new Map();
const PACKAGES = `${sep}node_modules${sep}`;

class KeepingRuntime extends Runtime {
  /** What jest-circus made for this test file. */
  storages = [];

  constructor(...given) {
    super(...given);
    collectStorages(this.coreModule, this.storages);
    // V8 counts no blocks of code that was compiled before the counting began.
    if (this._coverageOptions.collectCoverage) return;
    keepScripts(this.executor);
    keepPackageFiles(this.fileCache);
  }

  // Node serves each storage at each promise, for as long as the process lives.
  teardown() {
    for (const storage of this.storages) storage.disable();
    super.teardown();
  }
}

function collectStorages(coreModule, storages) {
  class CollectedStorage extends AsyncLocalStorage {
    constructor(...given) {
      super(...given);
      storages.push(this);
    }
  }
  const requireCore = coreModule.require.bind(coreModule);
  coreModule.require = (name) => {
    const module = requireCore(name);
    return /^(node:)?async_hooks$/.test(name) ? { ...module, AsyncLocalStorage: CollectedStorage } : module;
  };
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
