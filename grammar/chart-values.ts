import { type Fault, quote } from "./fault";
import { nearest } from "./nearest";

/** The keys of a chart's values file, dotted, and the type of each default: `bool`, `number`, `string`, `object`, `list`, or `null` for any. */
export type ChartKeys = Readonly<Record<string, string>>;

/** What is wrong with one value given to a chart. */
export interface ValueFault extends Fault<"unknown-chart-key" | "wrong-chart-type"> {
  /** The dotted key. */
  readonly key: string;
}

/**
 * What a chart with these keys would ignore without a word: keys that it does not have, and values of another type than it looks for.
 * `chart` names it in the messages.
 */
export function faultsInValues(chart: string, keys: ChartKeys, values: Readonly<Record<string, unknown>>): ValueFault[] {
  return [...faultsIn(values, [], keys, chart)];
}

function* faultsIn(
  values: Readonly<Record<string, unknown>>,
  above: readonly string[],
  keys: ChartKeys,
  chart: string,
): Iterable<ValueFault> {
  for (const [name, value] of Object.entries(values)) {
    const path = [...above, name];
    const key = path.join(".");
    const type = keys[key];
    const branch = Object.keys(keys).some((candidate) => candidate.startsWith(`${key}.`));
    if (type === undefined && !branch) {
      const meant = nearestKey(above, name, Object.keys(keys));
      yield {
        key,
        code: "unknown-chart-key",
        message: `the chart ${chart} has no value ${key}, and Helm would ignore it silently`,
        remedy: meant ? `Did you mean ${meant}?` : "Look it up in the chart's values file.",
      };
    } else if (branch && isMap(value) && type === undefined) {
      yield* faultsIn(value, path, keys, chart);
    } else if (type === undefined || !fits(type, value)) {
      yield {
        key,
        code: "wrong-chart-type",
        message: `${key} is ${quote(value)}, but the chart ${chart} looks for ${type === undefined ? "a map" : NOUNS[type]}`,
        remedy:
          value === null
            ? "Remove it: null removes a default that the chart needs, such as the limit of GPUs."
            : "Write a value of that type.",
      };
    }
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  bool: "true or false",
  number: "a number",
  string: "text",
  object: "a map",
  list: "a list",
};

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A default of null tells nothing about the type. */
function fits(type: string, value: unknown): boolean {
  switch (type) {
    case "bool":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "object":
      return isMap(value);
    case "list":
      return Array.isArray(value);
    default:
      return true;
  }
}

/** The key that was meant: a near one beside it, the same name at another place, or one beside it that holds or begins like it. */
function nearestKey(above: readonly string[], name: string, keys: readonly string[]): string | undefined {
  const places = [...new Set(keys.flatMap((key) => key.split(".").map((_, i, parts) => parts.slice(0, i + 1).join("."))))];
  const parent = above.length > 0 ? `${above.join(".")}.` : "";
  const beside = places.flatMap((place) => {
    const own = place.startsWith(parent) ? place.slice(parent.length) : "";
    return own === "" || own.includes(".") ? [] : [own];
  });
  const near = nearest(name, beside);
  if (near) return `${parent}${near}`;
  const elsewhere = places.find((place) => place.split(".").at(-1) === name);
  if (elsewhere) return elsewhere;
  const word = name.toLowerCase();
  // `persistence` for `persistentVolume`: the same beginning says more than the count of edits.
  const alike = beside.find((own) => {
    const other = own.toLowerCase();
    return (word.length > 2 && other.includes(word)) || (word.length > 5 && other.slice(0, 6) === word.slice(0, 6));
  });
  return alike && `${parent}${alike}`;
}
