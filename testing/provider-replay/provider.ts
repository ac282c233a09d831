// One replayed provider: what it answers to each call of Terraform.
import { withKnownValues, withUnknowns } from "./computed";
import { deprecationWarnings } from "./deprecation";
import { type Path, replacingChanges } from "./replacement";
import type { BlockSchema, ProviderSnapshot, VersionedSchema } from "./snapshot";
import { type DynamicValue, decodeValue, encodeValue, isObject, type Value } from "./values";
import type { World } from "./world";

/** The parts of a request that the calls below read. */
export interface Request {
  type_name: string;
  config: DynamicValue | null;
  current_state: DynamicValue | null;
  prior_state: DynamicValue | null;
  proposed_new_state: DynamicValue | null;
  planned_state: DynamicValue | null;
  raw_state: { json: Uint8Array } | null;
}

/** The severity of a diagnostic (tfplugin6.proto). */
const ERROR = 1;

/** Answers one call of the protocol. */
export type Call = (request: Request) => object;

function attributePath(path: Path): object {
  return {
    steps: path.map((step) => (typeof step === "number" ? { element_key_int: step } : { attribute_name: step })),
  };
}

function blockOf(schemas: Record<string, VersionedSchema>, typeName: string): BlockSchema {
  const schema = schemas[typeName];
  if (schema === undefined) {
    throw new Error(`The schema snapshot has no ${typeName}.`);
  }
  return schema.block;
}

function validate(schemas: Record<string, VersionedSchema>, { type_name, config }: Request): object {
  return { diagnostics: deprecationWarnings(type_name, blockOf(schemas, type_name), decodeValue(config)) };
}

function plan(snapshot: ProviderSnapshot, { type_name, prior_state, proposed_new_state }: Request): object {
  const prior = decodeValue(prior_state);
  const proposed = decodeValue(proposed_new_state);
  if (!isObject(proposed)) {
    return { planned_state: encodeValue(null) };
  }
  // In an applied object every computed attribute has a value. So an unchanged object has nothing unknown, and its plan is empty.
  const planned = withUnknowns(blockOf(snapshot.resources, type_name), proposed);
  return {
    planned_state: encodeValue(planned),
    requires_replace: isObject(prior) ? replacingChanges(type_name, prior, planned).map(attributePath) : [],
  };
}

function apply(snapshot: ProviderSnapshot, world: World, { type_name, prior_state, planned_state }: Request): object {
  const prior = decodeValue(prior_state);
  const planned = decodeValue(planned_state);
  const refusal = prior === null && isObject(planned) ? world.refusal(type_name, planned) : undefined;
  if (refusal) {
    return { new_state: encodeValue(null), diagnostics: [{ severity: ERROR, summary: refusal }] };
  }
  const next = isObject(planned) ? withKnownValues(type_name, blockOf(snapshot.resources, type_name), planned) : null;
  world.applied(type_name, prior, next);
  return { new_state: encodeValue(next) };
}

function readDataSource(snapshot: ProviderSnapshot, world: World, { type_name, config }: Request): object {
  const block = blockOf(snapshot.dataSources, type_name);
  const given = decodeValue(config);
  if (!isObject(given)) {
    return { state: encodeValue(given) };
  }
  const answer = world.answer(type_name, given);
  const unknownNames = Object.keys(answer).filter(
    (name) => (block.attributes?.[name] ?? block.block_types?.[name]) === undefined,
  );
  if (unknownNames.length > 0) {
    throw new Error(`The fixture answers ${unknownNames.join(", ")}, which ${type_name} does not have.`);
  }
  const isOpen = (value: Value | undefined) => value === null || (Array.isArray(value) && value.length === 0);
  const open = Object.entries(answer).filter(([name]) => isOpen(given[name]));
  const state = withUnknowns(block, { ...given, ...Object.fromEntries(open) });
  return { state: encodeValue(withKnownValues(type_name, block, state)) };
}

/** The calls of the protocol for one provider in one world. The server itself answers GetProviderSchema, because it keeps the encoded schema. */
export function providerCalls(snapshot: ProviderSnapshot, world: World): Record<string, Call> {
  const nothingToSay: Call = () => ({});
  return {
    ValidateProviderConfig: nothingToSay,
    ValidateResourceConfig: (request) => validate(snapshot.resources, request),
    ValidateDataResourceConfig: (request) => validate(snapshot.dataSources, request),
    ConfigureProvider: nothingToSay,
    StopProvider: nothingToSay,
    // State is written by the same schema version that reads it, and Terraform takes its JSON as it is.
    UpgradeResourceState: ({ raw_state }) => ({ upgraded_state: { json: raw_state?.json } }),
    ReadResource: ({ current_state }) => ({ new_state: current_state }),
    PlanResourceChange: (request) => plan(snapshot, request),
    ApplyResourceChange: (request) => apply(snapshot, world, request),
    ReadDataSource: (request) => readDataSource(snapshot, world, request),
  };
}
