// Every place that a lab has by its schema, each with a lab that has it.
import { z } from "zod";
import type { Path } from "../lab/problem";
import { labSchema } from "../lab/schema";
import { alternatives, bare, exampleOf } from "../lab/schema-tree";

/** A place of a lab. */
export interface Place {
  readonly path: Path;
  /** What the schema says about the value there, without what makes it optional. */
  readonly schema: z.core.$ZodType;
  /** The same with its default. */
  readonly field: z.core.$ZodType;
  /** A lab with this value at the place, and with examples around it. */
  with(value: unknown): unknown;
  /** A lab in which the place has another key, and the example as its value. Only for settings. */
  readonly misspelt?: (key: string) => unknown;
}

function* below(schema: z.core.$ZodType, path: Path, wrap: (value: unknown) => unknown): Iterable<Place> {
  const enter = function* (
    field: z.core.$ZodType,
    key: string | number,
    within: (value: unknown) => unknown,
    renamed?: Place["misspelt"],
  ) {
    const inner = { path: [...path, key], schema: bare(field), field, with: within };
    yield renamed ? { ...inner, misspelt: renamed } : inner;
    for (const one of alternatives(field)) yield* below(one, inner.path, within);
  };
  if (schema instanceof z.ZodRecord) {
    const key = String(exampleOf(schema.keyType) ?? "example");
    yield* enter(schema.valueType, key, (value) => wrap({ [key]: value }));
  } else if (schema instanceof z.ZodArray) yield* enter(schema.element, 0, (value) => wrap([value]));
  else if (schema instanceof z.ZodObject) {
    const around = exampleOf(schema) as Record<string, unknown>;
    for (const [key, field] of Object.entries(schema.shape)) {
      const { [key]: _, ...others } = around;
      yield* enter(
        field,
        key,
        (value) => wrap({ ...around, [key]: value }),
        (other) => wrap({ ...others, [other]: exampleOf(field) }),
      );
    }
  }
}

/** Every place, that of a section before those in it. */
export const PLACES: readonly Place[] = [...below(labSchema, [], (value) => value)];
