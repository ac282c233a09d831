// Labs that nobody would write, for properties that must hold for every lab: fast-check makes them from the schema and from labs that are right.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "yaml";
import { z } from "zod";
import type { Path } from "../lab/problem";
import { labSchema } from "../lab/schema";
import { exampleOf, schemasAt } from "../lab/schema-tree";
import { anyCharacter } from "./any-character";
import { airGappedLab, baseLab, clusterLab, gpuLab, ollamaLab } from "./lab";

const ROOT = join(__dirname, "..");

/** A value of YAML that is a map. */
type YamlMap = Record<string, unknown>;

const isMap = (value: unknown): value is YamlMap => typeof value === "object" && value !== null && !Array.isArray(value);

/** Names that are hard on programs: those that JavaScript's objects have already, and those that are no identifiers. */
const ODD_NAMES = [
  "toString",
  "constructor",
  "__proto__",
  "hasOwnProperty",
  "0",
  "2",
  "1a",
  "a.b",
  "a/b",
  "A",
  "é",
  "",
  " ",
  "-",
  "*",
  "null",
  "${x}",
  "%{x}",
];

const oddName = fc.constantFrom(...ODD_NAMES);
/** Names that many kinds of names accept, few of them, so that two things are often called the same. */
const name = fc.constantFrom("a", "b", "ollama-1", "k3s-1", "gpu-1", "pve1", "rtx", "x1", "ollama", "cert-manager", "all");

const text = (example: unknown) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(String(example ?? "example")) },
    { weight: 2, arbitrary: fc.oneof(name, oddName) },
    { weight: 1, arbitrary: fc.string({ maxLength: 20, unit: anyCharacter }) },
  );

/** What the maker of values reads of a schema for numbers. */
function bounds(schema: z.core.$ZodType): { min: number; max: number } {
  const { minimum = 0, maximum = 1_000_000 } = z.toJSONSchema(schema, { io: "input" });
  return { min: minimum, max: maximum };
}

/** Values that a schema accepts, or nearly: texts are examples most of the time, numbers lie within the bounds. */
export function valuesOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return valuesOf(schema.unwrap());
  if (schema instanceof z.ZodUnion) return fc.oneof(...schema.options.map(valuesOf));
  if (schema instanceof z.ZodObject) return settings(schema.shape);
  if (schema instanceof z.ZodRecord) {
    const key = text(exampleOf(schema.keyType));
    return fc.array(fc.tuple(key, valuesOf(schema.valueType)), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
  }
  if (schema instanceof z.ZodArray) return fc.array(valuesOf(schema.element), { maxLength: 3 });
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constant(schema.value);
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodString) return text(exampleOf(schema));
  if (schema instanceof z.ZodNumber) {
    const { min, max } = bounds(schema);
    return Number.isInteger(min)
      ? fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max))
      : fc.double({ min, max, noNaN: true });
  }
  return fc.jsonValue({ maxDepth: 2 });
}

/** Maps with what they need, and now and then with what they may have. */
function settings(shape: Readonly<Record<string, z.core.$ZodType>>): fc.Arbitrary<YamlMap> {
  const fields = Object.entries(shape).map(([key, field]): [string, fc.Arbitrary<unknown>] => {
    const needed = !z.safeParse(field, undefined).success;
    const value = valuesOf(field);
    return [key, needed ? value : fc.option(value, { freq: 4, nil: undefined })];
  });
  const chosen = fc.record(Object.fromEntries(fields));
  return chosen.map((map) => Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)));
}

/** Every lab that is right and known here: the examples, and those that tests begin with. */
export const RIGHT_LABS: readonly YamlMap[] = [
  ...readdirSync(join(ROOT, "examples"))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => parse(readFileSync(join(ROOT, "examples", file), "utf8")) as YamlMap),
  ...[baseLab, clusterLab, ollamaLab, gpuLab, airGappedLab].map((lab) => structuredClone(lab) as YamlMap),
];

/** Every path of a value, that of the value itself first. */
export function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return [path, ...below.flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

/** Sets what a map or list has under a key, also when the key is `__proto__`. */
function put(parent: object, key: string | number, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (item, key) =>
      typeof item === "object" && item !== null ? (Object.getOwnPropertyDescriptor(item, key)?.value as unknown) : undefined,
    value,
  );
}

type Change = (lab: YamlMap) => void;

/** Changes of one place: what a hand does to a lab, and what a fuzzer does. */
function changesAt(path: Path): fc.Arbitrary<Change> {
  const key = path.at(-1) ?? "";
  const inParent =
    (change: (parent: YamlMap | unknown[]) => void): Change =>
    (lab) => {
      const parent = at(lab, path.slice(0, -1));
      if (isMap(parent) || Array.isArray(parent)) change(parent);
    };
  const replace = (value: fc.Arbitrary<unknown>) => value.map((some) => inParent((parent) => put(parent, key, some)));
  const rename = (to: string) =>
    inParent((parent) => {
      if (Array.isArray(parent)) return;
      put(parent, to, at(parent, [key]));
      Reflect.deleteProperty(parent, key);
    });
  const duplicate = (to: string) =>
    inParent((parent) => (Array.isArray(parent) ? void parent.push(at(parent, [key])) : put(parent, to, at(parent, [key]))));
  const schemas = schemasAt(path);
  const misspelt = fc
    .nat({ max: Math.max(0, String(key).length - 1) })
    .map((i) => String(key).slice(0, i) + String(key).slice(i + 1));
  return fc.oneof(
    ...(schemas.length > 0 ? [{ weight: 8, arbitrary: replace(fc.oneof(...schemas.map(valuesOf))) }] : []),
    { weight: 2, arbitrary: fc.oneof(name, oddName).map(rename) },
    { weight: 2, arbitrary: fc.oneof(name, oddName).map(duplicate) },
    { weight: 1, arbitrary: misspelt.map(rename) },
    { weight: 1, arbitrary: fc.constant(inParent((parent) => void Reflect.deleteProperty(parent, key))) },
    {
      weight: 1,
      arbitrary: replace(fc.constantFrom(null, Number.NaN, -1, 1e300, true, "", [], {}, [null], { a: null }, "192.0.2.21")),
    },
    { weight: 1, arbitrary: replace(fc.jsonValue({ maxDepth: 3 })) },
  );
}

/** Labs that were right, with one to `most` changes. */
function labsWithChanges(most: number): fc.Arbitrary<YamlMap> {
  return fc
    .constantFrom(...RIGHT_LABS)
    .chain((lab) => {
      const paths = pathsIn(lab).slice(1);
      // Settings that the lab leaves out are places too.
      const open = Object.keys(labSchema.shape).map((key) => [key]);
      const place = fc.constantFrom(...paths, ...open);
      return fc.tuple(fc.constant(lab), fc.array(place.chain(changesAt), { minLength: 1, maxLength: most }));
    })
    .map(([lab, changes]) => {
      const changed = structuredClone(lab);
      for (const change of changes) change(changed);
      return changed;
    });
}

/** Labs that were right, with up to five changes: some are accepted still. */
export const changedLab: fc.Arbitrary<YamlMap> = labsWithChanges(5);

/** Labs that were right, with one change or two: many are accepted still. */
export const slightlyChangedLab: fc.Arbitrary<YamlMap> = labsWithChanges(2);

/** Labs made from the schema alone. */
export const madeLab: fc.Arbitrary<unknown> = valuesOf(labSchema);

/** Texts that were a lab, with a slip of the hand: something is inserted, left out or doubled. */
export const slippedText: fc.Arbitrary<string> = fc
  .constantFrom(
    ...readdirSync(join(ROOT, "examples"))
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => readFileSync(join(ROOT, "examples", file), "utf8")),
  )
  .chain((lab) => {
    const place = fc.nat({ max: lab.length });
    const inserted = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      '"',
      "'",
      ":",
      ",",
      "#",
      "\t",
      "\n",
      " ",
      "- ",
      "&a ",
      "*a",
      "!x ",
      "? ",
      "| ",
      "\0",
      "---\n",
      "<<: ",
      "0",
    );
    return fc.tuple(
      fc.constant(lab),
      fc.array(fc.tuple(place, fc.nat({ max: 12 }), fc.option(inserted, { nil: "" })), { minLength: 1, maxLength: 3 }),
    );
  })
  .map(([lab, slips]) =>
    slips.reduce(
      (text, [place, length, inserted]) => text.slice(0, place) + inserted + text.slice(place + (inserted ? 0 : length)),
      lab,
    ),
  );
