// A provider's schema snapshot in provider-schemas/. It has the form of `terraform providers schema -json`.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Terraform's JSON form of a type: `"string"`, `["list","string"]`, `["object",{"name":"string"}]`, `"dynamic"`. */
export type TypeJson = string | ["list" | "set" | "map", TypeJson] | ["object", Record<string, TypeJson>] | ["tuple", TypeJson[]];

/** How often a nested block or nested attribute may occur, and how its elements are kept. */
export type NestingMode = "single" | "group" | "list" | "set" | "map";

export interface AttributeSchema {
  /** Absent where `nested_type` is given. */
  type?: TypeJson;
  nested_type?: { attributes: Record<string, AttributeSchema>; nesting_mode: NestingMode };
  required?: boolean;
  optional?: boolean;
  computed?: boolean;
  sensitive?: boolean;
  write_only?: boolean;
  deprecated?: boolean;
}

export interface NestedBlockSchema {
  block: BlockSchema;
  nesting_mode: NestingMode;
  min_items?: number;
  max_items?: number;
}

export interface BlockSchema {
  attributes?: Record<string, AttributeSchema>;
  block_types?: Record<string, NestedBlockSchema>;
  deprecated?: boolean;
}

export interface VersionedSchema {
  version: number;
  block: BlockSchema;
}

export interface ProviderSnapshot {
  /** Such as `registry.terraform.io/bpg/proxmox`. */
  address: string;
  provider: VersionedSchema;
  resources: Record<string, VersionedSchema>;
  dataSources: Record<string, VersionedSchema>;
}

interface SnapshotFile {
  provider_schemas: Record<
    string,
    {
      provider: VersionedSchema;
      resource_schemas?: Record<string, VersionedSchema>;
      data_source_schemas?: Record<string, VersionedSchema>;
    }
  >;
}

/** The provider in one file of `folder`, such as `null@3.2.4.json`. */
export function readSnapshot(folder: string, file: string): ProviderSnapshot {
  const { provider_schemas } = JSON.parse(readFileSync(join(folder, file), "utf8")) as SnapshotFile;
  const [entry] = Object.entries(provider_schemas);
  if (entry === undefined) {
    throw new Error(`${file} holds no provider schema. Write it anew with \`npm run schemas\`.`);
  }
  const [address, schemas] = entry;
  return {
    address,
    provider: schemas.provider,
    resources: schemas.resource_schemas ?? {},
    dataSources: schemas.data_source_schemas ?? {},
  };
}
