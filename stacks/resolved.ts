import { Token } from "cdktf";

/** What cdktf writes into a text in place of a token: `${TfToken[TOKEN.1]}`, or `#{…}` and `&{…}` in lists and maps. */
const MARKER = "{TfToken[";
/** How a text looks that has a number's token in it: cdktf encodes tokens as numbers of about -8.1e+298. */
const NUMBER_MARKER = "e+2";
const { STRING_MAP_TOKEN_VALUE, ANY_MAP_TOKEN_VALUE, NUMBER_MAP_TOKEN_VALUE } = Token;

/** Whether a value is what it is, whatever tokens there are. */
function isSettled(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return (
        !value.includes(MARKER) &&
        !value.includes(NUMBER_MARKER) &&
        value !== STRING_MAP_TOKEN_VALUE &&
        value !== ANY_MAP_TOKEN_VALUE
      );
    case "number":
      return value > -1e200 && value !== NUMBER_MAP_TOKEN_VALUE;
    case "boolean":
    case "undefined":
      return true;
    default:
      return value === null;
  }
}

/**
 * What cdktf makes of a value: tokens resolved, and `undefined` left out. It hands over to cdktf whatever may hold a token, and copies the rest,
 * which is nearly everything. cdktf makes several objects and searches by regular expressions for each text, each key and each number.
 * @param resolve cdktf's own
 */
export function resolved(value: unknown, resolve: (value: unknown) => unknown): unknown {
  if (isSettled(value)) return value;
  if (typeof value !== "object" || value === null) return resolve(value);
  if (Array.isArray(value)) {
    // The token of a list is a list of one text or number.
    if (value.length === 1 && typeof value[0] !== "object" && !isSettled(value[0])) return resolve(value);
    return value.map((item) => resolved(item, resolve)).filter((item) => item !== undefined);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A token is an object with a method, so mostly of a class.
  if ((prototype !== Object.prototype && prototype !== null) || "resolve" in value) return resolve(value);
  const result: Record<string, unknown> = {};
  // as: it is a plain object.
  const plain = value as Record<string, unknown>;
  for (const key of Object.keys(plain)) {
    if (!isSettled(key)) return resolve(value);
    const item = plain[key];
    if (item === undefined) continue;
    const settled = isSettled(item) ? item : resolved(item, resolve);
    if (settled !== undefined) result[key] = settled;
  }
  return result;
}
