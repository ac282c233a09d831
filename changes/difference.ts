import { isDeepStrictEqual } from "node:util";
import { isMap, type Json, type JsonMap } from "./output";

/** A value of a resource that is another. */
export interface Difference {
  /** Its path as the table of costs has it: names, and indices of lists. */
  readonly path: readonly (string | number)[];
  /** Its path for people: in place of an index the name of the item, in brackets. */
  readonly labels: readonly string[];
  /** Absent where there was nothing. */
  readonly before: Json | undefined;
  /** Absent where there is nothing any more. */
  readonly after: Json | undefined;
}

/** Where a difference is. */
type Place = Pick<Difference, "path" | "labels">;

/** What Terraform takes for the same as nothing. */
function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** What tells an item of a list from the others, as people would name it. */
function nameOf(item: Json): string | undefined {
  if (!isMap(item)) return undefined;
  const { kind, metadata, name, path, device, interface: slot } = item;
  if (typeof kind === "string" && isMap(metadata) && typeof metadata["name"] === "string") return `${kind} ${metadata["name"]}`;
  return [name, path, device, slot].find((value) => typeof value === "string");
}

/** The items of a list by their names, if each has one. Of several with one name the second is `NAME (2)`, and so on. */
function named(list: readonly Json[]): Map<string, number> | undefined {
  const names = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    const name = nameOf(item);
    if (name === undefined) return undefined;
    let own = name;
    for (let number = 2; names.has(own); number += 1) own = `${name} (${number})`;
    names.set(own, index);
  }
  return names;
}

/** Whether a value is one that is shown as it is: no map, no list, no document. */
function isSimple(value: Json | undefined): boolean {
  return (typeof value !== "object" || value === null) && parsed(value) === undefined;
}

/** A text that is a document of JSON, such as the values of a chart. */
function parsed(value: Json | undefined): JsonMap | undefined {
  if (typeof value !== "string" || !value.startsWith("{")) return undefined;
  try {
    const document: unknown = JSON.parse(value);
    // as: what JSON.parse returns is Json.
    return isMap(document as Json) ? (document as JsonMap) : undefined;
  } catch {
    return undefined;
  }
}

/** Everything that differs between two values, as deep as it can be told. Texts that are JSON are compared as what they say. */
export function differences(
  before: Json | undefined,
  after: Json | undefined,
  place: Place = { path: [], labels: [] },
): Difference[] {
  if (isDeepStrictEqual(before, after) || (isNothing(before) && isNothing(after))) return [];
  if (isMap(before) && isMap(after)) return inMaps(before, after, place);
  const [documentBefore, documentAfter] = [parsed(before), parsed(after)];
  // The whole text is one attribute, so the path stays.
  if (documentBefore && documentAfter)
    return inMaps(documentBefore, documentAfter, place).map((one) => ({ ...one, path: place.path }));
  if (Array.isArray(before) && Array.isArray(after)) return inLists(before, after, place);
  return [{ ...place, before, after }];
}

function inMaps(before: JsonMap, after: JsonMap, { path, labels }: Place): Difference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => differences(before[key], after[key], { path: [...path, key], labels: [...labels, key] }));
}

function inLists(before: readonly Json[], after: readonly Json[], place: Place): Difference[] {
  const { path, labels } = place;
  const [namesBefore, namesAfter] = [named(before), named(after)];
  const item = (index: number, label: string): Place => ({ path: [...path, index], labels: [...labels, `[${label}]`] });
  if (namesBefore && namesAfter && before.length > 0 && after.length > 0) {
    const both = [...namesBefore].flatMap(([name, index]) => {
      const other = namesAfter.get(name);
      return other === undefined ? [] : differences(before[index], after[other], item(other, name));
    });
    const gone = [...namesBefore].filter(([name]) => !namesAfter.has(name)).map(([, index]) => before[index] ?? null);
    const come = [...namesAfter].filter(([name]) => !namesBefore.has(name)).map(([, index]) => after[index] ?? null);
    return [...both, ...(gone.length + come.length > 0 ? [{ ...place, before: gone, after: come }] : [])];
  }
  // A list of one block, or of one document such as the values of a release, is that block.
  if (before.length === 1 && after.length === 1 && !isSimple(before[0])) {
    return differences(before[0], after[0], { path: [...path, 0], labels });
  }
  const has = (list: readonly Json[], value: Json) => list.some((other) => isDeepStrictEqual(other, value));
  const [gone, come] = [before.filter((value) => !has(after, value)), after.filter((value) => !has(before, value))];
  // What is left differs in order alone.
  return gone.length + come.length > 0 ? [{ ...place, before: gone, after: come }] : [{ ...place, before, after }];
}
