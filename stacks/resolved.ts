import { type IResolvable, type IResolveContext, Token, Tokenization } from "cdktf";
import type { IConstruct } from "constructs";

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

/** The token that a text or a number consists of, if it is one. */
function tokenIn(value: unknown): IResolvable | undefined {
  if (typeof value === "number") return Tokenization.reverseNumber(value);
  if (typeof value !== "string" || !value.startsWith(`$${MARKER}`)) return undefined;
  const fragments = Tokenization.reverseString(value);
  return fragments.length === 1 ? fragments.firstToken : undefined;
}

/** How many tokens may stand for each other. A dependency is two: that of the resource that depends, and that of the other resource's address. */
const TOKENS = 3;

/**
 * What a text or a number becomes that is a reference and nothing else: `${TYPE.NAME.ATTRIBUTE}`, or TYPE.NAME for a dependency. Each guest has
 * several, and cdktf makes ten objects for each.
 * @returns `undefined` for everything else, which cdktf must resolve
 */
export function reference(value: unknown, scope: IConstruct): string | undefined {
  let isMore = false;
  const context: IResolveContext = {
    preparing: false,
    scope,
    registerPostProcessor: () => {
      isMore = true;
    },
    resolve: (part) => {
      isMore = true;
      return part;
    },
  };
  let part = value;
  for (let i = 0; i < TOKENS; i += 1) {
    const token = tokenIn(part);
    if (!token) return undefined;
    part = token.resolve(context);
    if (isMore) return undefined;
    if (typeof part === "string" && isSettled(part)) return part;
  }
  return undefined;
}
