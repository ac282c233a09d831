// What a provider computes: unknown while planning, a deterministic value after apply.
import { createHash } from "node:crypto";
import { identifierOf } from "./identifiers";
import type { AttributeSchema, BlockSchema, NestingMode, TypeJson } from "./snapshot";
import { isObject, type ObjectValue, UNKNOWN, type Value } from "./values";

/** Applies `change` to every element of a nested block or nested attribute, which may be missing or unknown. */
function eachElement(nesting: NestingMode, value: Value, change: (element: ObjectValue, step: string) => ObjectValue): Value {
  if (nesting === "single" || nesting === "group") {
    return isObject(value) ? change(value, "") : value;
  }
  if (Array.isArray(value)) {
    return value.map((element, index) => (isObject(element) ? change(element, `[${index}]`) : element));
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, element]) => [key, isObject(element) ? change(element, `[${key}]`) : element]),
    );
  }
  return value;
}

function planAttributes(schemas: Record<string, AttributeSchema> = {}, value: ObjectValue): ObjectValue {
  const planned: ObjectValue = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const given = value[name] ?? null;
    if (schema.write_only) {
      // Terraform refuses a plan or a state that holds a write-only value.
      planned[name] = null;
    } else if (given === null) {
      planned[name] = schema.computed ? UNKNOWN : null;
    } else if (schema.nested_type) {
      const { attributes, nesting_mode } = schema.nested_type;
      planned[name] = eachElement(nesting_mode, given, (element) => planAttributes(attributes, element));
    } else {
      planned[name] = given;
    }
  }
  return planned;
}

/** The proposal, with every computed attribute that has no value yet marked as known after apply. */
export function withUnknowns(schema: BlockSchema, proposed: ObjectValue): ObjectValue {
  const planned = planAttributes(schema.attributes, proposed);
  for (const [name, nested] of Object.entries(schema.block_types ?? {})) {
    planned[name] = eachElement(nested.nesting_mode, proposed[name] ?? null, (element) => withUnknowns(nested.block, element));
  }
  return planned;
}

/** The place of a computed value and its resource. The value is made from both. */
interface Place {
  typeName: string;
  path: string;
  digest: string;
}

function inventString({ typeName, path, digest }: Place): string {
  const hash = createHash("sha256").update(`${typeName} ${path} ${digest}`).digest("hex");
  if (path.endsWith("mac_address")) {
    return `02:${(hash.slice(0, 10).toUpperCase().match(/../g) ?? []).join(":")}`;
  }
  return `replayed-${path.replaceAll(/[^a-z0-9]+/gi, "-").replaceAll(/-+$/g, "")}-${hash.slice(0, 8)}`;
}

function inventNumber({ typeName, path, digest }: Place): number {
  return 100 + (createHash("sha256").update(`${typeName} ${path} ${digest}`).digest().readUInt32BE(0) % 1_000_000);
}

function inventPrimitive(type: string, place: Place): Value {
  switch (type) {
    case "string":
      return inventString(place);
    case "number":
      return inventNumber(place);
    case "bool":
      return false;
    case "dynamic":
      return [Buffer.from('"string"'), inventString(place)];
    default:
      throw new Error(`${place.typeName}.${place.path}: the type ${type} is none that Terraform has`);
  }
}

function invent(type: TypeJson, place: Place): Value {
  if (typeof type === "string") {
    return inventPrimitive(type, place);
  }
  const [kind, element] = type;
  if (kind === "object") {
    return Object.fromEntries(
      Object.entries(element as Record<string, TypeJson>).map(([name, one]) => [
        name,
        invent(one, { ...place, path: `${place.path}.${name}` }),
      ]),
    );
  }
  if (kind === "tuple") {
    return (element as TypeJson[]).map((one, index) => invent(one, { ...place, path: `${place.path}[${index}]` }));
  }
  return kind === "map" ? {} : [];
}

function fillAttribute(schema: AttributeSchema, value: Value, place: Place): Value {
  if (value === UNKNOWN) {
    if (schema.nested_type === undefined) {
      return invent(schema.type ?? "dynamic", place);
    }
    const { attributes, nesting_mode } = schema.nested_type;
    if (nesting_mode === "single") {
      const nothing = Object.fromEntries(Object.keys(attributes).map((name) => [name, UNKNOWN]));
      return fillAttributes(attributes, nothing, place);
    }
    return nesting_mode === "map" ? {} : [];
  }
  if (schema.nested_type) {
    const { attributes, nesting_mode } = schema.nested_type;
    return eachElement(nesting_mode, value, (element, step) =>
      fillAttributes(attributes, element, { ...place, path: place.path + step }),
    );
  }
  return fillWithin(schema.type ?? "dynamic", value, place);
}

/** Unknown elements of a known collection, such as one unknown value of a map. */
function fillWithin(type: TypeJson, value: Value, place: Place): Value {
  if (value === UNKNOWN) {
    return invent(type, place);
  }
  if (typeof type === "string") {
    return value;
  }
  const [kind, element] = type;
  const typeAt = (key: string | number): TypeJson => {
    if (kind === "object") {
      return (element as Record<string, TypeJson>)[key] ?? "dynamic";
    }
    return kind === "tuple" ? ((element as TypeJson[])[Number(key)] ?? "dynamic") : (element as TypeJson);
  };
  const inside = (key: string | number, one: Value): Value =>
    fillWithin(typeAt(key), one, { ...place, path: `${place.path}[${key}]` });
  if (Array.isArray(value)) {
    return value.map((one, index) => inside(index, one));
  }
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inside(key, one)])) : value;
}

function fillAttributes(schemas: Record<string, AttributeSchema> = {}, value: ObjectValue, place: Place): ObjectValue {
  const known: ObjectValue = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const path = place.path === "" ? name : `${place.path}.${name}`;
    known[name] = fillAttribute(schema, value[name] ?? null, { ...place, path });
  }
  return known;
}

function fillBlock(schema: BlockSchema, value: ObjectValue, place: Place): ObjectValue {
  const known = fillAttributes(schema.attributes, value, place);
  for (const [name, nested] of Object.entries(schema.block_types ?? {})) {
    const path = place.path === "" ? name : `${place.path}.${name}`;
    known[name] = eachElement(nested.nesting_mode, value[name] ?? null, (element, step) =>
      fillBlock(nested.block, element, { ...place, path: path + step }),
    );
  }
  return known;
}

/**
 * The planned object, with a value of the right type for every unknown. The value depends on the type, the attribute and the known values,
 * but not on the order of the run. The protocol does not give a provider the address of a resource, so two resources with the same known
 * values get the same value. Collections become empty (also the `ipv4` of a container), bools false.
 */
export function withKnownValues(typeName: string, schema: BlockSchema, planned: ObjectValue): ObjectValue {
  const digest = createHash("sha256").update(JSON.stringify(planned)).digest("hex");
  const known = fillBlock(schema, planned, { typeName, path: "", digest });
  if (planned["id"] === UNKNOWN) {
    known["id"] = identifierOf(typeName, known) ?? known["id"] ?? null;
  }
  return known;
}
