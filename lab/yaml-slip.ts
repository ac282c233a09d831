import { type Document, isCollection, isScalar, type Node, visit, type YAMLError } from "yaml";

/** Where the hand slipped in a YAML file, in words that need no knowledge of YAML's parser. */
export interface Slip {
  /** The place as an offset in the text. */
  readonly offset: number;
  readonly message: string;
  /** Default: that of the code invalid-yaml. */
  readonly remedy?: string;
}

/** The text of the line that an offset is in, from its first character that is no blank to its end. */
function lineAt(text: string, offset: number): { readonly start: number; readonly line: string } {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const [line = ""] = text.slice(start).split("\n", 1);
  return { start: start + line.length - line.trimStart().length, line: line.trim() };
}

/** A text of the file as a message shows it: short, and on one line. */
function shown(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

/** The last value before an offset that a bracket or a quote opens and nothing closes. */
function unclosed(
  document: Document,
  text: string,
  offset: number,
): { readonly start: number; readonly opener: string } | undefined {
  const closers: Readonly<Record<string, string>> = { "[": "]", "{": "}", '"': '"', "'": "'" };
  let found: { start: number; opener: string } | undefined;
  const look = (node: Node) => {
    const [start, end] = node.range ?? [0, 0];
    const opener = text[start] ?? "";
    const closer = closers[opener];
    if (closer === undefined || start >= offset || (end - start > 1 && text[end - 1] === closer)) return;
    if (!found || start > found.start) found = { start, opener };
  };
  visit(document, {
    Node(_, node) {
      if ((isCollection(node) && node.flow) || (isScalar(node) && /^QUOTE/.test(node.type ?? ""))) look(node);
    },
  });
  return found;
}

function ofUnclosed(document: Document, text: string, offset: number): Slip {
  const open = unclosed(document, text, offset);
  if (!open) return { offset, message: "a bracket or a quote is opened before this, and never closed" };
  const closer = { "[": "]", "{": "}" }[open.opener] ?? open.opener;
  return {
    offset: open.start,
    message: `the ${open.opener} here is never closed`,
    remedy: `Write the ${closer} where the value ends.`,
  };
}

/** A line that is no key with a value. */
function ofLine(text: string, offset: number): Slip {
  const { start, line } = lineAt(text, offset);
  const glued = /^([\w.-]+):(\S.*)$/.exec(line.replace(/\s+#.*$/, ""));
  if (glued) {
    return { offset: start, message: `${glued[0]} has no blank after the colon`, remedy: `Write ${glued[1]}: ${glued[2]}` };
  }
  return {
    offset: start,
    message: `${shown(line)} is no key with a value`,
    remedy: "Write a key, a colon and a blank before the value, as in name: homelab.",
  };
}

const MERGE = /^(<{7}|={7}|>{7})( .*)?$/m;

/** The marks that git leaves in a file whose merge is not finished. */
export function mergeSlip(text: string): Slip | undefined {
  const mark = MERGE.exec(text);
  if (!mark) return undefined;
  return {
    offset: mark.index,
    message: `git left its mark ${mark[1]} here, because a merge is not finished`,
    remedy: "Keep one of the two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>.",
  };
}

/** Says in plain words what the YAML reader found. */
export function slipOf(
  { code, message, pos }: Pick<YAMLError, "code" | "message" | "pos">,
  document: Document,
  text: string,
): Slip {
  const [offset] = pos;
  const here = shown(text.slice(offset).split("\n", 1)[0] ?? "");
  switch (code) {
    case "BAD_INDENT":
      if (message.startsWith("Flow")) return ofUnclosed(document, text, offset);
      return {
        offset,
        message: "this line is indented otherwise than those that it belongs to",
        remedy: "Indent all settings of one map, and all entries of one list, by the same number of spaces.",
      };
    case "BAD_DQ_ESCAPE":
      return {
        offset,
        message: `${here.slice(0, 2)} means nothing in double quotes`,
        remedy: "Write single quotes around the value.",
      };
    case "BAD_SCALAR_START":
      return { offset, message: `a value that begins with ${here.charAt(0)} needs quotes`, remedy: `Write "${here}".` };
    case "BLOCK_AS_IMPLICIT_KEY":
      return ofNested(text, offset);
    case "BLOCK_IN_FLOW":
      return {
        offset,
        message: `a comma is missing before or after ${here}`,
        remedy: "Write a comma between two settings in { }.",
      };
    case "DUPLICATE_KEY":
      return {
        offset,
        message: `the key ${here.split(":")[0]} is here for the second time`,
        remedy: "Keep one of the two; otherwise the other is lost silently.",
      };
    case "KEY_OVER_1024_CHARS":
      return { offset, message: "this key has more than 1024 characters" };
    case "MISSING_CHAR":
      return /closing/.test(message) ? ofUnclosed(document, text, offset) : ofLine(text, offset);
    case "MULTILINE_IMPLICIT_KEY":
      return ofLine(text, offset);
    case "MULTIPLE_DOCS":
      return {
        offset,
        message: "a second document begins here, but a lab is one",
        remedy: "Keep one document in the file, and remove the line ---.",
      };
    case "NON_STRING_KEY":
      return {
        offset,
        message: `${here} stands where a key must be a word`,
        remedy: "Write a word, or put the whole value in quotes.",
      };
    case "RESOURCE_EXHAUSTION":
      return { offset, message: "the brackets are nested too deeply to be read", remedy: "Close them, or write fewer." };
    case "TAB_AS_INDENT":
      return {
        offset,
        message: "a tab stands before the key",
        remedy: "Replace the tab by spaces: YAML takes no tabs before a key.",
      };
    case "TAG_RESOLVE_FAILED":
      return { offset, message: `${here.split(" ")[0]} is a tag, but a lab takes none`, remedy: "Remove the tag (!…)." };
    case "UNEXPECTED_TOKEN":
      return ofFirst(document, text) ?? ofToken(message, offset, here);
    default:
      return { offset, message: `the YAML reader says: ${message}` };
  }
}

/** A value that goes on as if it were a key. */
function ofNested(text: string, offset: number): Slip {
  const value = text.slice(offset).split("\n", 1)[0] ?? "";
  if (/:(\s|$)/.test(value)) {
    return {
      offset,
      message: `${shown(value)} has a colon with a blank after it in a value`,
      remedy: `Put the value in quotes: "${value.trim()}".`,
    };
  }
  const before = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  const next = text.indexOf("\n", offset) + 1;
  const { start, line } = lineAt(text, before.trim() === "" || next === 0 ? offset : next);
  return {
    offset: start,
    message: `${shown(line)} is indented as if it were a part of the line before it`,
    remedy: "Indent all settings of one map, and all entries of one list, by the same number of spaces.",
  };
}

/** Something that stands where nothing may stand. */
function ofToken(message: string, offset: number, here: string): Slip {
  const closer = /^[\]}]/.exec(here)?.[0];
  if (closer) {
    return {
      offset,
      message: `nothing was opened that this ${closer} could close`,
      remedy: "Remove it, or write what opens it.",
    };
  }
  if (message.includes("node end")) {
    return {
      offset,
      message: `${here} stands after the end of a value`,
      remedy: "Put the whole value in quotes, or write a comma or a new line.",
    };
  }
  if (here.startsWith("- ")) {
    return {
      offset,
      message: "an entry of a list begins on the line of its key",
      remedy: "Write each entry on a line of its own, below the key.",
    };
  }
  return { offset, message: `${here} does not belong after what stands before it` };
}

/** A file that is one plain value: its first line is no key, because its colon has no blank after it. */
function ofFirst({ contents }: Document, text: string): Slip | undefined {
  const start = isScalar(contents) && contents.type === "PLAIN" ? contents.range?.[0] : undefined;
  return start === undefined ? undefined : ofLine(text, start);
}
