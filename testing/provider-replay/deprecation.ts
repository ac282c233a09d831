// Warnings for what a schema marks as deprecated. Providers give them, not Terraform's core.
import type { AttributeSchema, BlockSchema } from "./snapshot";
import { isObject, type Value } from "./values";

const WARNING = 2;

function elements(value: Value): Value[] {
  if (Array.isArray(value)) {
    return value;
  }
  return isObject(value) ? [value] : [];
}

function deprecatedAttributes(schemas: Record<string, AttributeSchema> = {}, value: Value): string[] {
  return Object.entries(schemas).flatMap(([name, { deprecated }]) =>
    deprecated && isObject(value) && (value[name] ?? null) !== null ? [name] : [],
  );
}

function deprecatedWithin(block: BlockSchema, value: Value): string[] {
  const nested = Object.entries(block.block_types ?? {}).flatMap(([name, { block: inner }]) =>
    elements(isObject(value) ? (value[name] ?? null) : null).flatMap((element) =>
      deprecatedWithin(inner, element).map((attribute) => `${name}.${attribute}`),
    ),
  );
  return [...deprecatedAttributes(block.attributes, value), ...nested];
}

/** A warning when the type itself is deprecated, and one for each deprecated argument that the configuration sets. */
export function deprecationWarnings(typeName: string, block: BlockSchema, config: Value): object[] {
  const ofType = block.deprecated
    ? [{ severity: WARNING, summary: "Deprecated Resource", detail: `${typeName} is deprecated.` }]
    : [];
  const ofArguments = deprecatedWithin(block, config).map((attribute) => ({
    severity: WARNING,
    summary: "Argument is deprecated",
    detail: `${typeName}: ${attribute} is deprecated.`,
  }));
  return [...ofType, ...ofArguments];
}
