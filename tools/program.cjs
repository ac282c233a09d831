// Runs the program in a folder of dist/. V8 keeps what it compiled of each file in a cache beside it, so that only the first run compiles.
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { Script } = require("node:vm");

/** Modules of Node that take long to load. They are loaded when a function of theirs is called: most commands call none. */
const LATE = new Set(["assert", "child_process", "crypto", "https", "tls", "tty", "util"].flatMap((id) => [id, `node:${id}`]));

function read(path, encoding) {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A module of functions, such as `crypto`, or one that is itself a function, such as `assert`. No class: one cannot be extended in time. */
function late(load, id) {
  return new Proxy(() => {}, {
    get: (_, key) => load(id)[key],
    apply: (_, self, values) => Reflect.apply(load(id), self, values),
  });
}

/**
 * What the entry of the program in a folder exports.
 * @param folder the program's folder
 * @param root the folder of the checkout: the program finds templates and packages by it
 */
function loadProgram(folder, root) {
  const load = createRequire(`${root}/package.json`);
  const modules = new Map();
  const uncached = [];
  const loadFile = (name) => {
    const known = modules.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const filename = `${folder}/${name}`;
    const cache = `${filename}.${process.version}-${process.arch}`;
    const cachedData = read(cache);
    // latin1, because esbuild writes ASCII alone: V8 then needs no second byte for each character.
    const text = `(function (module, exports, require, __root) {${read(filename, "latin1")}\n})`;
    const script = new Script(text, { filename, cachedData });
    if (!cachedData || script.cachedDataRejected) uncached.push({ script, cache });
    script.runInThisContext()(module, module.exports, find, `${root}/`);
    return module.exports;
  };
  const find = (id) => {
    if (id.startsWith("./")) return loadFile(id.slice(2));
    return LATE.has(id) ? late(load, id) : load(id);
  };
  // At the end, when the functions that the command needed have been compiled.
  process.on("exit", () => {
    for (const { script, cache } of uncached) {
      try {
        const next = `${cache}.${process.pid}`;
        writeFileSync(next, script.createCachedData());
        renameSync(next, cache);
      } catch {
        // A checkout that cannot be written to works without.
      }
    }
  });
  return loadFile("index.cjs");
}

module.exports = { loadProgram };
