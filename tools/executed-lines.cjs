// Which lines of a source ran, from what V8 counted in the JavaScript that was made of it.
const { SourceMap } = require("node:module");

/**
 * The lines of the source, from 1, of which any part ran.
 * @param code the JavaScript
 * @param map its source map
 * @param functions V8's precise coverage: for each function the ranges of `code` and how often each ran; the innermost range of a place decides
 */
function executedLines(code, map, functions) {
  const ran = new Uint8Array(code.length);
  const ranges = functions.flatMap((one) => one.ranges);
  // Of two ranges with a common place the shorter one lies in the longer one, so it is written later.
  ranges.sort((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  const source = new SourceMap(map);
  const found = new Set();
  let offset = 0;
  for (const [line, text] of code.split("\n").entries()) {
    for (let column = 0; column < text.length; column++) {
      if (!ran[offset + column] || text[column] === " ") continue;
      const { originalLine } = source.findEntry(line, column);
      if (originalLine !== undefined) found.add(originalLine + 1);
    }
    offset += text.length + 1;
  }
  return [...found].sort((a, b) => a - b);
}

module.exports = { executedLines };
