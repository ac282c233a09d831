import { TerraformStack, Token, Tokenization } from "cdktf";

/** What cdktf writes into a text in place of a token: `${TfToken[TOKEN.1]}`, or `#{…}` and `&{…}` in lists and maps. */
const MARKER = "{TfToken[";
/** How a text looks that has a number's token in it: cdktf encodes tokens as numbers of about -1.9e+289. */
const NUMBER_MARKER = "e+28";

/** What stays as it is, whatever tokens there are. */
function isSettledText(text: string): boolean {
  return (
    !text.includes(MARKER) &&
    !text.includes(NUMBER_MARKER) &&
    text !== Token.STRING_MAP_TOKEN_VALUE &&
    text !== Token.ANY_MAP_TOKEN_VALUE
  );
}

function isSettledNumber(number: number): boolean {
  return number > -1e9 && number !== Token.NUMBER_MAP_TOKEN_VALUE;
}

/**
 * What cdktf makes of a value: tokens resolved, `undefined` left out. Hands over to cdktf whatever may hold a token. The rest, which is nearly
 * everything, it copies: cdktf makes several objects and searches by regular expressions for each text, key and number.
 */
function resolved(value: unknown, resolve: (value: unknown) => unknown): unknown {
  switch (typeof value) {
    case "string":
      return isSettledText(value) ? value : resolve(value);
    case "number":
      return isSettledNumber(value) ? value : resolve(value);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      break;
    default:
      return resolve(value);
  }
  if (value === null) return null;
  if (Array.isArray(value)) {
    // A token of a list is a list of one text or number.
    const first: unknown = value[0];
    if (value.length === 1 && (typeof first === "string" || typeof first === "number") && !isSettled(first))
      return resolve(value);
    return value.map((item) => resolved(item, resolve)).filter((item) => item !== undefined);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return resolve(value);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!isSettledText(key) || (key === "resolve" && typeof item === "function")) return resolve(value);
    const settled = resolved(item, resolve);
    if (settled !== undefined) result[key] = settled;
  }
  return result;
}

function isSettled(value: string | number): boolean {
  return typeof value === "string" ? isSettledText(value) : isSettledNumber(value);
}

/**
 * Does work with a cdktf that leaves out what nobody reads. At ten thousand containers that is two thirds of its time:
 *
 * - The stack trace of every construct and token, which it takes whatever `Error.stackTraceLimit` and `stackTraces: false` say. An error that
 *   is thrown has its trace all the same.
 * - The first of its two rounds over every element, which makes outputs for references between stacks. A lab's stacks have none.
 * - The search for tokens where there are none, see `resolved`.
 */
export function leanly<T>(work: () => T): T {
  const { captureStackTrace } = Error;
  const { resolve } = Tokenization;
  const { prepareStack } = TerraformStack.prototype;
  Error.captureStackTrace = () => {};
  Tokenization.resolve = (value, options) => resolved(value, (part) => resolve.call(Tokenization, part, options));
  TerraformStack.prototype.prepareStack = () => {};
  try {
    return work();
  } finally {
    Error.captureStackTrace = captureStackTrace;
    Tokenization.resolve = resolve;
    TerraformStack.prototype.prepareStack = prepareStack;
  }
}
