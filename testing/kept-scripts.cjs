const { Script } = require("node:vm");

/** By file name: the code, and the script that it was compiled to. */
const kept = new Map();

/**
 * The script whose value is a function with these parameters and this code. The same code of the same file is compiled once.
 * @throws SyntaxError for code that cannot be compiled
 */
function scriptOf(filename, parameters, code) {
  const known = kept.get(filename);
  if (known?.code === code) return known.script;
  const head = `(function (${parameters.join(", ")}) {`;
  const script = new Script(`${head}${code}\n})`, { filename, columnOffset: -head.length });
  kept.set(filename, { code, script });
  return script;
}

module.exports = { scriptOf };
