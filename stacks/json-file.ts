import { closeSync, openSync, writeSync } from "node:fs";

/** A value as JSON has it. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** JSON of which parts are made when they are written and let go then, so that not all of them are in memory at once. */
export type LazyJson = Json | (() => Json) | LazyObject;
export interface LazyObject {
  [key: string]: LazyJson;
}

/** How much text is collected before it is written, in characters. */
const CHUNK = 1 << 18;

/**
 * Writes a value into a file in the form that cdktf gives it: keys sorted, two spaces, and a line of its own for the end of what is empty.
 * cdktf itself makes one text of everything, and other texts of the parts on the way, which takes several times the memory.
 */
export function writeJson(path: string, value: LazyJson): void {
  const file = openSync(path, "w");
  let text = "";
  const flush = () => {
    const bytes = Buffer.from(text);
    let done = 0;
    while (done < bytes.length) done += writeSync(file, bytes, done);
    text = "";
  };
  const add = (lazy: LazyJson, indent: string) => {
    const part = typeof lazy === "function" ? lazy() : lazy;
    if (typeof part !== "object" || part === null) {
      text += JSON.stringify(part);
      return;
    }
    const inner = `${indent}  `;
    let separator = inner;
    text += Array.isArray(part) ? "[" : "{";
    if (Array.isArray(part)) {
      for (const item of part) {
        text += separator;
        separator = `,${inner}`;
        add(item, inner);
      }
    } else {
      for (const key of Object.keys(part).sort()) {
        text += `${separator}${JSON.stringify(key)}: `;
        separator = `,${inner}`;
        add(part[key] ?? null, inner);
      }
    }
    text += `${indent}${Array.isArray(part) ? "]" : "}"}`;
    if (text.length > CHUNK) flush();
  };
  try {
    add(value, "\n");
    flush();
  } finally {
    closeSync(file);
  }
}
