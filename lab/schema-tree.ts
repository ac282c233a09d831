import { Document, isCollection, visit } from "yaml";
import { z } from "zod";
import type { Path } from "./problem";
import { labSchema } from "./schema";

/** The schema without what makes it optional. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return bare(schema.unwrap());
  return schema;
}

/** The schemas that one value may follow: those of a union, or the one itself. */
export function alternatives(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = bare(schema);
  return inner instanceof z.ZodUnion ? inner.options.flatMap(alternatives) : [inner];
}

/** The schemas that the value under a key of such a value may follow. */
function below(schema: z.core.$ZodType, key: string | number): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
    const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
    return field ? alternatives(field) : [];
  }
  if (schema instanceof z.ZodRecord) return alternatives(schema.valueType);
  return schema instanceof z.ZodArray && typeof key === "number" ? alternatives(schema.element) : [];
}

/** The schemas that the value at a path of a lab may follow; none where a lab has no such place. */
export function schemasAt(path: Path): z.core.$ZodType[] {
  return path.reduce<z.core.$ZodType[]>(
    (schemas, key) => schemas.flatMap((schema) => below(schema, key)),
    alternatives(labSchema),
  );
}

/** The settings that a lab may have at a path, sorted. */
export function keysAt(path: Path): string[] {
  const keys = schemasAt(path).flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  return [...new Set(keys)].sort();
}

/** Where a lab has each setting, in the form `cluster.workers.<name>.cores`; the places nearest to the top first. */
let places: ReadonlyMap<string, readonly string[]> | undefined;

function allPlaces(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let level: { schema: z.core.$ZodType; place: string }[] = alternatives(labSchema).map((schema) => ({ schema, place: "" }));
  while (level.length > 0) {
    const next: typeof level = [];
    const enter = (field: z.core.$ZodType, place: string) =>
      next.push(...alternatives(field).map((schema) => ({ schema, place })));
    for (const { schema, place } of level) {
      if (schema instanceof z.ZodRecord) enter(schema.valueType, `${place}.<name>`);
      else if (schema instanceof z.ZodArray) enter(schema.element, `${place}[]`);
      else if (schema instanceof z.ZodObject) {
        for (const [key, field] of Object.entries(schema.shape)) {
          const here = place === "" ? key : `${place}.${key}`;
          found.set(key, [...(found.get(key) ?? []), here]);
          enter(field, here);
        }
      }
    }
    level = next;
  }
  return found;
}

/** Where a lab may have a setting of this name. */
export function placesOf(key: string): readonly string[] {
  places ??= allPlaces();
  return places.get(key) ?? [];
}

/** A name for the entry of a map whose key takes any. */
const NAME = "example";

/** A value that the schema accepts: the one it states, the one that follows from what is below it, or its default. */
export function exampleOf(schema: z.core.$ZodType): unknown {
  const inner = bare(schema);
  const stated = z.globalRegistry.get(schema)?.examples ?? z.globalRegistry.get(inner)?.examples;
  if (Array.isArray(stated) && stated.length > 0) return stated[0];
  if (inner instanceof z.ZodObject) return exampleOfMap(inner);
  if (inner instanceof z.ZodRecord) return { [String(exampleOf(inner.keyType) ?? NAME)]: exampleOf(inner.valueType) };
  if (inner instanceof z.ZodArray) return [exampleOf(inner.element)];
  // The map of a choice of text and map, and not the word false.
  if (inner instanceof z.ZodUnion)
    return inner.options
      .filter((one) => !(one instanceof z.ZodLiteral))
      .map(exampleOf)
      .at(-1);
  const byDefault = defaultOf(schema);
  if (inner instanceof z.ZodBoolean) return byDefault !== true;
  if (inner instanceof z.ZodEnum) return inner.options.find((option) => option !== byDefault);
  if (inner instanceof z.ZodLiteral) return inner.value;
  return byDefault;
}

/** The settings that a map must have, or the first of those that it may have. */
function exampleOfMap(schema: z.ZodObject): unknown {
  const shape: [string, z.core.$ZodType][] = Object.entries(schema.shape);
  const needed = shape.filter(([, field]) => !z.safeParse(field, undefined).success);
  const shown = needed.length > 0 ? needed : shape.slice(0, 1);
  return Object.fromEntries(shown.map(([key, field]) => [key, exampleOf(field)]));
}

function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodDefault) return schema.def.defaultValue;
  return schema instanceof z.ZodOptional ? defaultOf(schema.unwrap()) : undefined;
}

/** The value as YAML on one line. */
export function inline(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Node(_, node) {
      if (isCollection(node)) node.flow = true;
    },
  });
  return document
    .toString({ lineWidth: 0, flowCollectionPadding: true })
    .trim()
    .replace(/\s*\n\s*/g, " ");
}

/** The longest example that a remedy shows. */
const MOST = 100;

/** An example for the place as YAML on one line; `undefined` where there is none, or only a long one. */
export function exampleAt(path: Path): string | undefined {
  const schemas = schemasAt(path);
  const open = schemas.filter((schema) => !(schema instanceof z.ZodLiteral));
  return (open.length > 0 ? open : schemas)
    .map(exampleOf)
    .filter((example) => example !== undefined)
    .map(inline)
    .toSorted((a, b) => b.length - a.length)
    .find((example) => example.length <= MOST);
}
