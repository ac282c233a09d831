// The schema snapshot in the form of the plugin protocol.
import type { AttributeSchema, BlockSchema, NestingMode, ProviderSnapshot, VersionedSchema } from "./snapshot";

const NESTING: Record<NestingMode, number> = { single: 1, list: 2, set: 3, map: 4, group: 5 };

function attributes(schemas: Record<string, AttributeSchema> = {}): object[] {
  return Object.entries(schemas).map(([name, schema]) => ({
    name,
    type: schema.type === undefined ? undefined : Buffer.from(JSON.stringify(schema.type)),
    nested_type: schema.nested_type && {
      attributes: attributes(schema.nested_type.attributes),
      nesting: NESTING[schema.nested_type.nesting_mode],
    },
    required: schema.required,
    optional: schema.optional,
    computed: schema.computed,
    sensitive: schema.sensitive,
    write_only: schema.write_only,
    deprecated: schema.deprecated,
  }));
}

function block(schema: BlockSchema): object {
  return {
    attributes: attributes(schema.attributes),
    block_types: Object.entries(schema.block_types ?? {}).map(([name, nested]) => ({
      type_name: name,
      block: block(nested.block),
      nesting: NESTING[nested.nesting_mode],
      min_items: nested.min_items,
      max_items: nested.max_items,
    })),
    deprecated: schema.deprecated,
  };
}

function schema({ version, block: root }: VersionedSchema): object {
  return { version, block: block(root) };
}

/**
 * The answer to GetProviderSchema in parts: what belongs to the provider itself, and each type of resource and data source. The protocol merges
 * the parts if their encoded forms follow each other.
 */
export function schemaParts({ provider, resources, dataSources }: ProviderSnapshot): {
  ofProvider: object;
  ofTypes: [type: string, part: () => object][];
} {
  const ofKind = (kind: string, all: Record<string, VersionedSchema>) =>
    Object.entries(all).map(([type, one]): [string, () => object] => [type, () => ({ [kind]: { [type]: schema(one) } })]);
  return {
    // Terraform may keep the answer, because it never changes while Terraform runs.
    ofProvider: { provider: schema(provider), server_capabilities: { get_provider_schema_optional: true } },
    ofTypes: [...ofKind("resource_schemas", resources), ...ofKind("data_source_schemas", dataSources)],
  };
}
