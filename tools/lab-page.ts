import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { editorSchema } from "./editor-schema";

const ROOT = join(__dirname, "..");

/** What the page reads of a JSON schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** What every entry of a map is. `false` where no other key is allowed. */
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
}

/** One setting: a row of the page. */
export interface Setting {
  /** Keys joined by dots. `NAME` stands for a name of your own, `[]` for each entry of a list. */
  readonly path: string;
  readonly type: string;
  /** As a row shows it: what holds when the setting is left out, or `required`. */
  readonly fallback: string;
  /** A value as YAML. Empty for a group of settings, which has rows of its own. */
  readonly example: string;
  readonly description: string;
}

/** Where the description of a setting says what holds without it: in a sentence of its own. */
const DEFAULT = / ?\bDefault: (.+?)\.(?= |$)/;

/** A value on one line, as it may stand in a lab. */
function inYaml(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: true }).trim();
}

/** The example labs. The default one comes first, because it shows most. */
const labs = [
  "default.yaml",
  ...readdirSync(join(ROOT, "examples")).filter((file) => file.endsWith(".yaml") && file !== "default.yaml"),
].map((file): unknown => parse(readFileSync(join(ROOT, "examples", file), "utf8")));

/** The values that a lab has at a path. */
function valuesAt(value: unknown, [key, ...rest]: readonly string[]): unknown[] {
  if (key === undefined) return value === undefined ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  if (key === "[]") return Array.isArray(value) ? value.flatMap((item) => valuesAt(item, rest)) : [];
  if (key === "NAME") return Object.values(value).flatMap((item) => valuesAt(item, rest));
  return Object.hasOwn(value, key) ? valuesAt((value as Record<string, unknown>)[key], rest) : [];
}

/** How many characters of a value a row shows. */
const LONGEST_EXAMPLE = 72;

/** A value that an example lab has, or else one that the schema names. The first that is short is taken. */
function exampleOf(schema: Schema, keys: readonly string[]): string {
  const { items, default: fallback } = schema;
  const found = labs.flatMap((lab) => valuesAt(lab, keys));
  const other = (values: readonly unknown[]) => values.find((value) => value !== fallback) ?? values[0];
  const known = [
    ...found,
    ...(schema.examples ?? []),
    ...(items?.examples ?? []).map((item) => [item]),
    ...(items?.enum ?? []).map((item) => [item]),
    ...(schema.enum ? [other(schema.enum)] : []),
    ...(schema.type === "boolean" ? [fallback !== true] : []),
    ...(fallback === undefined ? [] : [fallback]),
  ]
    .map(inYaml)
    .filter((text) => text !== "{}" && text !== "[]");
  const short = known.find((text) => text.length <= LONGEST_EXAMPLE) ?? known[0] ?? "";
  return short.length > LONGEST_EXAMPLE ? `${short.slice(0, LONGEST_EXAMPLE / 2)}…` : short;
}

/** The alternatives of a union, or the one schema. */
function alternatives(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/** A type in words. */
function typeOf(schema: Schema): string {
  const words = (one: Schema): string => {
    if (one.$ref !== undefined) return "any value";
    if (one.const !== undefined) return `\`${inYaml(one.const)}\``;
    if (one.enum) return one.enum.map((value) => `\`${inYaml(value)}\``).join(", ");
    if (one.type === "array") return `list of ${one.items ? typeOf(one.items) : "values"}`;
    if (one.type === "object") return one.properties ? "group" : `map to ${typeOf(one.additionalProperties as Schema)}`;
    if (one.type === "integer" || one.type === "number") {
      const { minimum, maximum } = one;
      const bounded = minimum !== undefined && maximum !== undefined && Math.abs(maximum) < Number.MAX_SAFE_INTEGER;
      return bounded ? `${one.type} ${minimum}–${maximum}` : one.type;
    }
    return one.type ?? "any value";
  };
  return [...new Set(alternatives(schema).map(words))].join(" or ");
}

/** The settings that one section takes from another where it does not say otherwise. */
const INHERITED: readonly (readonly [settings: RegExp, from: string])[] = [
  [/^containers\.NAME\./, "defaults.container."],
  [/^cluster\.servers\.NAME\./, "defaults.server."],
  [/^cluster\.(workers|pools)\.NAME\./, "defaults.worker."],
];

/** The setting under `defaults` that holds where one is left out. */
function inherited(path: string, known: ReadonlySet<string>): string | undefined {
  const [settings, from] = INHERITED.find(([pattern]) => pattern.test(path)) ?? [];
  const there = settings && from && path.replace(settings, from);
  return there && known.has(there) ? `that of \`${there}\`` : undefined;
}

function settingOf(schema: Schema, keys: readonly string[], isRequired: boolean): Setting {
  const text =
    schema.description ??
    alternatives(schema)
      .map(({ description }) => description ?? "")
      .find(Boolean) ??
    "";
  const said = DEFAULT.exec(text)?.[1];
  const groups = alternatives(schema).some(({ properties }) => properties);
  const shown =
    schema.default === undefined || (groups && inYaml(schema.default) === "{}") ? undefined : `\`${inYaml(schema.default)}\``;
  return {
    path: keys.join(".").replaceAll(".[]", "[]"),
    type: typeOf(schema),
    fallback: isRequired ? "required" : ((said === undefined || shown === `\`${said}\`` ? shown : said) ?? ""),
    example: groups ? "" : exampleOf(schema, keys),
    description: text.replace(DEFAULT, "").trim(),
  };
}

/** The settings below a schema, each before what lies in it. */
function* below(schema: Schema, keys: readonly string[]): Iterable<Setting> {
  const seen = new Set<string>();
  for (const one of alternatives(schema)) {
    for (const [key, inner] of Object.entries(one.properties ?? {})) {
      // Kinds of one thing, such as graphics cards, share settings.
      if (seen.has(key)) continue;
      seen.add(key);
      const path = [...keys, key];
      const kinds = alternatives(schema).flatMap(({ properties }) => properties?.[key] ?? []);
      const whole =
        key === "type" && kinds.length > 1 ? { ...inner, const: undefined, enum: kinds.map((kind) => kind.const) } : inner;
      yield settingOf(whole, path, one.required?.includes(key) === true && inner.default === undefined);
      yield* below(inner, path);
    }
    if (typeof one.additionalProperties === "object") yield* below(one.additionalProperties, [...keys, "NAME"]);
    if (one.items) yield* below(one.items, [...keys, "[]"]);
  }
}

/** A section of the lab: a key of the file, and every setting in it. */
export interface Section {
  readonly name: string;
  readonly head: Setting;
  readonly settings: readonly Setting[];
}

/** Every setting of a lab, by its section. */
export function sections(): Section[] {
  // as: the text is that of a JSON schema.
  const schema = JSON.parse(editorSchema()) as Schema;
  const all = Object.entries(schema.properties ?? {}).map(([name, section]) => ({
    name,
    head: settingOf(section, [name], schema.required?.includes(name) === true),
    settings: [...below(section, [name])],
  }));
  const known = new Set(all.flatMap(({ settings }) => settings.map(({ path }) => path)));
  return all.map((section) => ({
    ...section,
    settings: section.settings.map((setting) => ({
      ...setting,
      fallback: (setting.fallback !== "required" && inherited(setting.path, known)) || setting.fallback,
    })),
  }));
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
const code = (text: string) => (text === "" ? "" : `\`${text.replaceAll("|", "\\|")}\``);

function row({ path, type, fallback, example, description }: Setting): string {
  return `| \`${path}\` | ${cell(type)} | ${cell(fallback)} | ${code(example)} | ${cell(description)} |`;
}

const HEAD = `<!-- npm run docs writes this page from lab/schema/ and the labs in examples/. Change the texts there. -->
# Every setting of a lab

What \`lab.yaml\` may say, section by section. Editors show the same from \`lab.schema.json\`; \`npm run check\` refuses everything else, and
[problems.md](problems.md) says what must fit together. Where a change costs something, the last column says what; [proxmox.md](proxmox.md)
has the whole table.

In a path, \`NAME\` is a name that you choose, and \`[]\` each entry of a list. A setting without a default has no
effect when it is left out. The examples come from the labs in [examples/](../examples), where those have the setting.`;

/** The page docs/lab.md. */
export function labPage(): string {
  const all = sections();
  const contents = all.map(({ name, head }) => `- [${name}](#${name.toLowerCase()}): ${cell(head.description)}`).join("\n");
  const chapters = all.map(({ name, head, settings }) =>
    [
      `## ${name}`,
      ...(settings.length > 0 ? [head.description] : []),
      [
        "| Setting | Type | Default | Example | |",
        "| --- | --- | --- | --- | --- |",
        ...[...(head.type === "group" ? [] : [head]), ...settings].map(row),
      ].join("\n"),
    ].join("\n\n"),
  );
  return `${[HEAD, contents, ...chapters].join("\n\n")}\n`;
}

if (require.main === module) writeFileSync(join(ROOT, "docs/lab.md"), labPage());
