import { readFileSync, statSync } from "node:fs";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { finder } from "./finding";
import { type Path, type Position, type Problem, STACK_IDS } from "./problem";
import { mergeSlip, type Slip, slipOf } from "./yaml-slip";

const error = { severity: "error", stacks: STACK_IDS } as const;

/** The problems of a file from which no lab can be read. */
export const fileKinds = {
  "lab-missing": {
    ...error,
    meaning: "The lab file does not exist.",
    example: "# LAB=nowhere.yaml npm run synth, but there is no nowhere.yaml",
    remedy:
      "Name another file, as in LAB=examples/lxc.yaml, or write this one: npx ollama-lab init, or a copy of a lab in examples/.",
  },
  "lab-is-folder": {
    ...error,
    meaning: "The name of the lab file is the name of a folder.",
    example: "# LAB=examples npm run synth",
    remedy: "Name the lab file in it, as in LAB=examples/lxc.yaml.",
  },
  "lab-not-a-file": {
    ...error,
    meaning: "The name of the lab file is the name of a pipe, a device or a socket, which may never end.",
    example: "# LAB=/dev/zero npm run synth",
    remedy: "Write the lab into a file, and name that.",
  },
  "lab-too-large": {
    ...error,
    meaning: "The file is larger than 1 MiB. A lab of a thousand guests has a tenth of that.",
    example: "# LAB=disk.img npm run synth",
    remedy: "Check that it is the lab file.",
  },
  "lab-unreadable": {
    ...error,
    meaning: "The operating system refuses to read the lab file.",
    example: "# a lab.yaml with the mode 0000",
    remedy: "Check its permissions.",
  },
  "lab-not-utf8": {
    ...error,
    meaning: "The file holds bytes that are not UTF-8 text.",
    example: "# a file that an editor saved as UTF-16",
    remedy: "Save it as UTF-8. `file` shows its encoding, and `iconv` converts it.",
  },
  "lab-empty": {
    ...error,
    meaning: "The lab file has no content besides comments.",
    example: "# my lab",
    remedy: "Write a lab: those in examples/ are a start.",
  },
  "lab-not-a-map": {
    ...error,
    meaning: "A lab is a map of keys and values. This file holds a list or one value.",
    example: "- containers",
    remedy: "Begin with: name: homelab.",
  },
  "invalid-yaml": {
    ...error,
    meaning: "The file is not valid YAML 1.2, has a key twice, has a tag, or holds several documents.",
    example: "name: homelab\nname: again",
    remedy: "Correct the YAML at this place; indentation and unquoted : or # are the usual reasons.",
  },
  "unknown-alias": {
    ...error,
    meaning: "An alias (`*name`) has no anchor (`&name`) before it.",
    example: "name: *lab",
    remedy: "Write the anchor before the alias, or write the value out; a text that begins with * needs quotes.",
  },
  "circular-alias": {
    ...error,
    meaning: "An alias is inside the value that it stands for, so the value would never end.",
    example: "state: &state { type: s3, settings: { copy: *state } }",
    remedy: "Write the value out.",
  },
  "leading-zero": {
    ...error,
    meaning:
      "A number begins with 0. Older YAML read such a number as octal, but YAML 1.2 reads it as decimal: the file mode 0440 becomes 440, which is 0670.",
    example: `
      ollama:
        releases:
          ollama:
            values: { volumes: [{ name: ca, secret: { secretName: ca, defaultMode: 0440 } }] }
    `,
    remedy: 'Write 0o440 where a chart or Kubernetes takes a number, and "0440" in quotes where a setting takes text.',
  },
  "alias-bomb": {
    ...error,
    meaning: "The aliases of the file stand for too many values together, so reading it would fill the memory.",
    example: [
      "l0: &l0 [a, b, c, d, e, f, g, h, i]",
      ...[1, 2, 3, 4, 5].map(
        (n) =>
          `l${n}: &l${n} [${Array(9)
            .fill(`*l${n - 1}`)
            .join(", ")}]`,
      ),
    ].join("\n"),
    remedy: "Write the values out, or state them once under defaults.",
  },
} as const;
const found = finder(fileKinds);

/** A problem of the file as a whole. */
type FileProblem = Problem<keyof typeof fileKinds>;

/** The largest lab file that is read, in bytes. A lab of a thousand guests has a tenth of it. */
const MAX_BYTES = 1024 * 1024;
/** How many values the aliases of a file may stand for together. With more, reading it could fill the memory. */
const MAX_ALIAS_COUNT = 1000;

/** The content of a lab file, and where each value is. */
export interface Source {
  readonly value: unknown;
  /** The position of the key at the path. When there is none, the position of the nearest value around it. */
  position(path: Path): Position;
  /** A single value as the file has it, such as 192.0 where the value is the number 192. `undefined` for anything else. */
  written(path: Path): string | undefined;
}

/** Reads a YAML file. Returns problems when it cannot be read. */
export function load(file: string): Source | FileProblem[] {
  const bytes = readBytes(file);
  return Array.isArray(bytes) ? bytes : parse(bytes);
}

const START: Position = { line: 1, column: 1 };

function refuse(code: FileProblem["code"], message: string, remedy?: string, position = START): FileProblem[] {
  return [{ ...found(code, [], message, remedy === undefined ? {} : { remedy }), position }];
}

function readBytes(file: string): Buffer | FileProblem[] {
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) return refuse("lab-is-folder", `${file} is a folder`);
    if (!stats.isFile()) return refuse("lab-not-a-file", `${file} is a pipe, a device or a socket, and no file`);
    if (stats.size > MAX_BYTES)
      return refuse("lab-too-large", `${file} has ${stats.size} bytes, but at most ${MAX_BYTES} are read`);
    return readFileSync(file);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === "ELOOP") {
      return refuse(
        "lab-unreadable",
        `${file} is a symbolic link that leads back to itself`,
        "Make the link anew, or name the file.",
      );
    }
    if (reason === "ENOTDIR")
      return refuse("lab-missing", `there is no file ${file}: a part of its path is a file, and no folder`);
    return reason === "ENOENT"
      ? refuse("lab-missing", `there is no file ${file}`)
      : refuse("lab-unreadable", `${file} cannot be read (${reason})`);
  }
}

function parse(bytes: Buffer): Source | FileProblem[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("lab-not-utf8", "the file is not UTF-8 text");
  }
  const lines = new LineCounter();
  const merge = mergeSlip(text);
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const refuseSlip = ({ offset, message, remedy }: Slip) => refuse("invalid-yaml", message, remedy, at(offset));
  if (merge) return refuseSlip(merge);
  const nodes = nodesOf(document.contents);
  const faults = [...document.errors, ...document.warnings, ...keysSetTwice(nodes)];
  if (faults.length > 0) {
    // After a slip of the hand the rest is read wrong, so only the first fault counts. A key that is there twice spoils nothing else.
    const [first] = [...faults].sort((a, b) => a.pos[0] - b.pos[0]);
    const told = faults.every(({ code }) => code === "DUPLICATE_KEY") ? faults : first ? [first] : [];
    return told.flatMap((fault) => refuseSlip(slipOf(fault, document, text)));
  }
  if (document.contents === null) return refuse("lab-empty", "the file is empty");
  const aliases = aliasFaults(document, nodes, at);
  if (aliases.length > 0) return aliases;
  const misread = [...mergeFaults(document, nodes, at), ...leadingZeros(nodes, at)];
  if (misread.length > 0) return misread;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse("alias-bomb", `the file's aliases stand for too much: ${message}`);
  }
  if (!isMap(document.contents)) return refuse("lab-not-a-map", "the file holds no keys and values");
  return { value, position: (path) => at(offsetOf(document, path)), written: (path) => writtenAt(document, path) };
}

/** A node of the file, and the nodes around it. */
interface Placed {
  readonly node: Node;
  readonly within: Placed | undefined;
}

/** Every node of the file in the order of the file, keys included. Aliases have nothing below them. */
function nodesOf(root: unknown): Placed[] {
  const nodes: Placed[] = [];
  const add = (node: unknown, within: Placed | undefined) => {
    if (!isNode(node)) return;
    const placed = { node, within };
    nodes.push(placed);
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        add(key, placed);
        add(value, placed);
      }
    } else if (isSeq(node)) for (const item of node.items) add(item, placed);
  };
  add(root, undefined);
  return nodes;
}

/** The keys that a map has twice. The package's own search compares every key of a map with every other. */
function keysSetTwice(nodes: readonly Placed[]): { code: "DUPLICATE_KEY"; message: string; pos: [number, number] }[] {
  return nodes.flatMap(({ node }) => {
    if (!isMap(node)) return [];
    const seen = new Set<unknown>();
    return node.items.flatMap(({ key }) => {
      if (!isScalar(key) || !seen.has(key.value)) {
        if (isScalar(key)) seen.add(key.value);
        return [];
      }
      const [start = 0, end = 0] = key.range ?? [];
      return [{ code: "DUPLICATE_KEY", message: "Map keys must be unique", pos: [start, end] }];
    });
  });
}

/** The aliases that stand for nothing, and those that stand for a value that they are a part of. */
function aliasFaults(document: Document, nodes: readonly Placed[], at: (offset: number) => Position): FileProblem[] {
  return nodes.flatMap(({ node, within }) => {
    if (!isAlias(node)) return [];
    const place = at(node.range?.[0] ?? 0);
    const meant = node.resolve(document);
    if (!meant) return refuse("unknown-alias", `*${node.source} has no anchor &${node.source} before it`, undefined, place);
    for (let around = within; around; around = around.within) {
      if (around.node === meant)
        return refuse("circular-alias", `*${node.source} is inside the value that it stands for`, undefined, place);
    }
    return [];
  });
}

/** The merge keys (`<<`) that name something else than a map. */
function mergeFaults(document: Document, nodes: readonly Placed[], at: (offset: number) => Position): FileProblem[] {
  const merges = (value: unknown): boolean => {
    const node = isAlias(value) ? value.resolve(document) : value;
    return isMap(node) || (isSeq(node) && node.items.every((item) => !isSeq(item) && merges(item)));
  };
  return nodes.flatMap(({ node }) => {
    if (!isMap(node)) return [];
    return node.items.flatMap(({ key, value }) => {
      if (!isScalar(key) || key.source !== "<<" || key.type !== "PLAIN" || merges(value)) return [];
      const remedy = "Write the alias of a map, as in <<: *defaults.";
      return refuse("invalid-yaml", "<< takes over the settings of a map, but this is none", remedy, at(key.range?.[0] ?? 0));
    });
  });
}

/** The numbers that begin with 0, and are read as decimal. */
function leadingZeros(nodes: readonly Placed[], at: (offset: number) => Position): FileProblem[] {
  return nodes.flatMap(({ node }) => {
    if (!isScalar(node)) return [];
    const { value, source = "", range } = node;
    if (typeof value !== "number" || !/^0\d+$/.test(source) || Number(source) !== value) return [];
    const octal = /^[0-7]+$/.test(source)
      ? `Write 0o${source.slice(1)} where an octal number is meant, or "${source}"`
      : `Write "${source}"`;
    return refuse(
      "leading-zero",
      `${source} is the number ${value}: YAML 1.2 knows no octal numbers that begin with 0`,
      `${octal} in quotes where text is.`,
      at(range?.[0] ?? 0),
    );
  });
}

/** The text of the single value at the path. */
function writtenAt(document: Document, path: Path): string | undefined {
  const node = document.getIn(path, true);
  return isScalar(node) ? node.source : undefined;
}

const PAIRS = new WeakMap<YAMLMap, ReadonlyMap<string, Pair<Scalar>>>();

/** The pairs of a map by their keys. They are kept: a lab with many containers may have a problem in each. */
function pairsOf(map: YAMLMap): ReadonlyMap<string, Pair<Scalar>> {
  const known = PAIRS.get(map);
  if (known) return known;
  const pairs = new Map(
    map.items.filter((pair): pair is Pair<Scalar> => isScalar(pair.key)).map((pair) => [String(pair.key.value), pair]),
  );
  PAIRS.set(map, pairs);
  return pairs;
}

/** Where the deepest part of the path that exists begins: at the key in a map, at the item in a list. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = pairsOf(node).get(String(step));
      if (!pair) break;
      offset = pair.key.range?.[0] ?? offset;
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
