// Terraform's values on the wire: MessagePack, with an extension for "known after apply".
import { decode, ExtensionCodec, encode } from "@msgpack/msgpack";

class UnknownValue {
  toString(): string {
    return "(known after apply)";
  }
}

/** A value that is known only after apply. There is only one, so `===` finds it. */
export const UNKNOWN = new UnknownValue();

/**
 * A value of any type of the schema. A set is an array. A value of the dynamic type is `[type as JSON bytes, value]`.
 */
export type Value = null | string | number | boolean | UnknownValue | Uint8Array | Value[] | ObjectValue;

/** A value of an object or map type, or of a block. */
export interface ObjectValue {
  [key: string]: Value;
}

/** The wire form of a value: Terraform sends MessagePack, and takes JSON as well. */
export interface DynamicValue {
  msgpack?: Uint8Array;
  json?: Uint8Array;
}

const UNKNOWN_EXTENSION = 0;
/** An unknown of which Terraform knows something, such as "not null". The replay does not need that. */
const REFINED_UNKNOWN_EXTENSION = 12;

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: UNKNOWN_EXTENSION,
  encode: (value) => (value === UNKNOWN ? new Uint8Array(1) : null),
  decode: () => UNKNOWN,
});
extensionCodec.register({ type: REFINED_UNKNOWN_EXTENSION, encode: () => null, decode: () => UNKNOWN });

/** Reads a value. An absent value, by which Terraform means "no such object", becomes null. */
export function decodeValue(value: DynamicValue | null | undefined): Value {
  if (!value?.msgpack?.length) {
    return null;
  }
  return decode(value.msgpack, { extensionCodec }) as Value;
}

export function encodeValue(value: Value): DynamicValue {
  return { msgpack: encode(value, { extensionCodec }) };
}

/** A type that a value can have: that of an object or a tuple with just this content. */
function typeOf(value: Value): unknown {
  if (Array.isArray(value)) return ["tuple", value.map(typeOf)];
  if (isObject(value)) return ["object", Object.fromEntries(Object.entries(value).map(([key, one]) => [key, typeOf(one)]))];
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** A value for an attribute of the dynamic type: texts, numbers, switches, and objects and lists of them. */
export function dynamic(value: Value): Value {
  return [Buffer.from(JSON.stringify(typeOf(value))), value];
}

/** True for a value with keys: an object, a map or a block. */
export function isObject(value: Value | undefined): value is ObjectValue {
  return (
    typeof value === "object" && value !== null && value !== UNKNOWN && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** The value at `path`, with numbers for list indices. Undefined if there is no such place. */
export function at(value: Value | undefined, path: readonly (string | number)[]): Value | undefined {
  let here = value;
  for (const step of path) {
    if (typeof step === "number") {
      here = Array.isArray(here) ? here[step] : undefined;
    } else {
      here = isObject(here) ? here[step] : undefined;
    }
  }
  return here;
}
