import { readFileSync, statSync } from "node:fs";
import { Alias, type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { Path, Position, Problem } from "./problem";

/** The largest lab file that is read, in bytes: a lab of a thousand guests has a tenth of it. */
const MAX_BYTES = 1024 * 1024;
/** How many nodes the aliases of a file may stand for together; beyond it the file is taken for a bomb. */
const MAX_ALIAS_COUNT = 1000;

/** The content of a lab file, and where each value of it stands. */
export interface Source {
  readonly value: unknown;
  /** The position of the key at the path or, where there is none, of the nearest thing around it. */
  position(path: Path): Position;
}

/** Reads a YAML file; what keeps it from being read comes back as problems. */
export function load(file: string): Source | Problem[] {
  const bytes = readBytes(file);
  return Array.isArray(bytes) ? bytes : parse(bytes);
}

function refuse(code: string, message: string, remedy: string, position: Position = { line: 1, column: 1 }): Problem[] {
  return [{ code, severity: "error", path: [], position, message, remedy }];
}

function readBytes(file: string): Buffer | Problem[] {
  try {
    const stats = statSync(file);
    if (stats.isDirectory())
      return refuse("lab-is-folder", `${file} is a folder`, "Name the lab file in it, as in LAB=examples/lxc.yaml.");
    if (stats.size > MAX_BYTES) {
      return refuse(
        "lab-too-large",
        `${file} has ${stats.size} bytes, and at most ${MAX_BYTES} are read`,
        "Check that it is the lab file.",
      );
    }
    return readFileSync(file);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    return reason === "ENOENT"
      ? refuse(
          "lab-missing",
          `there is no file ${file}`,
          "Name another one, as in LAB=examples/lxc.yaml, or write it: lab.yaml of this project is a start.",
        )
      : refuse("lab-unreadable", `${file} cannot be read (${reason})`, "Check its permissions.");
  }
}

function parse(bytes: Buffer): Source | Problem[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("lab-not-utf8", "the file is not UTF-8 text", "Save it as UTF-8; `file` and `iconv` tell and convert.");
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return faults.flatMap((fault) => refuse("invalid-yaml", fault.message, yamlRemedy(fault.code), at(fault.pos[0])));
  }
  if (document.contents === null) return refuse("lab-empty", "the file is empty", "lab.yaml of this project is a start.");
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse(
      "alias-bomb",
      `the file's aliases cannot be resolved: ${message}`,
      "Write the values out, or state them once under defaults.",
    );
  }
  if (!isMap(document.contents))
    return refuse("lab-not-a-map", "the file holds no keys and values", "Begin with: name: homelab.");
  return { value, position: (path) => at(offsetOf(document, path)) };
}

function yamlRemedy(code: string): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return "Keep one of the two; the other would be lost without a word.";
    case "MULTIPLE_DOCS":
      return "Keep one document in a file, without --- between.";
    case "TAG_RESOLVE_FAILED":
      return "Take the tag (!…) away.";
    default:
      return "Mend the YAML at this place; indentation and unquoted : or # are the usual reasons.";
  }
}

/** Where the deepest part of the path that exists begins: at its key in a map, at the item in a list. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (node instanceof Alias) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}
