/** A value of Terraform's JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A map of Terraform's JSON. */
export type JsonMap = { readonly [key: string]: Json };

/** The parts of a stack that decide what happens to infrastructure, by address (`type.name`). */
export interface StackOutput {
  readonly resources: Readonly<Record<string, JsonMap>>;
  /** Resources that had another name: the former address, and the one of now. */
  readonly moved: readonly { readonly from: string; readonly to: string }[];
  /** Resources that Terraform forgets without destroying them. */
  readonly forgotten: readonly string[];
  /** Type and settings of the backend: where the state is. */
  readonly backend: JsonMap;
  /** What the stack says after a deploy. */
  readonly outputs: JsonMap;
}

/** A synthesized lab: its stacks by their ids. */
export type Output = Readonly<Record<string, StackOutput>>;

/** Whether a value is a map. */
export function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a key, if there is a map there. */
export function mapAt(value: Json | undefined, key: string): JsonMap {
  const item = isMap(value) ? value[key] : undefined;
  return isMap(item) ? item : {};
}

/** The value at a key as a list. A single value counts as a list of one, as in Terraform's JSON. */
export function listAt(value: Json | undefined, key: string): readonly Json[] {
  const item = isMap(value) ? value[key] : undefined;
  if (Array.isArray(item)) return item;
  return item === undefined || item === null ? [] : [item];
}

/** The text at a key; empty where there is none. */
export function textAt(value: Json | undefined, key: string): string {
  const item = isMap(value) ? value[key] : undefined;
  return typeof item === "string" ? item : "";
}

/** Without the metadata that cdktf writes under `//`. */
function withoutMetadata(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutMetadata);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "//")
      .map(([key, item]) => [key, withoutMetadata(item)]),
  );
}

/** The stack of a `cdk.tf.json`, as JSON.parse returns it. */
export function stackOutput(json: unknown): StackOutput {
  // as: what JSON.parse returns is Json.
  const stack = withoutMetadata(json as Json);
  const resources = Object.entries(mapAt(stack, "resource")).flatMap(([type, named]) =>
    isMap(named)
      ? Object.entries(named).flatMap(([name, body]) => (isMap(body) ? [[`${type}.${name}`, body] as const] : []))
      : [],
  );
  const outputs = Object.entries(mapAt(stack, "output")).map(([name, output]) => [
    name,
    isMap(output) ? (output["value"] ?? null) : null,
  ]);
  return {
    resources: Object.fromEntries(resources),
    moved: listAt(stack, "moved").map((move) => ({ from: textAt(move, "from"), to: textAt(move, "to") })),
    forgotten: listAt(stack, "removed").map((removed) => textAt(removed, "from")),
    backend: mapAt(mapAt(stack, "terraform"), "backend"),
    outputs: Object.fromEntries(outputs),
  };
}
