import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { formatPath } from "../../lab/problem";
import { exampleOf } from "../../lab/schema-tree";
import { PLACES } from "../../testing/schema-places";
import { editorSchema, SCHEMA_ID } from "../../tools/editor-schema";

/** The parts of a JSON schema that these tests read. */
interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly type?: string;
  readonly pattern?: string;
  readonly patternErrorMessage?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly propertyNames?: Node;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

const schema = JSON.parse(editorSchema()) as Node & { $id: string };

interface Property {
  readonly name: string;
  readonly node: Node;
}

function* propertiesOf(node: Node, name = ""): Iterable<Property> {
  for (const [key, one] of Object.entries(node.properties ?? {})) {
    const path = name === "" ? key : `${name}.${key}`;
    yield { name: path, node: one };
    yield* propertiesOf(one, path);
  }
  for (const one of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) yield* propertiesOf(one, name);
  if (typeof node.additionalProperties === "object") yield* propertiesOf(node.additionalProperties, `${name}.*`);
  if (node.items) yield* propertiesOf(node.items, `${name}[]`);
}

const properties = [...propertiesOf(schema)];
const having = (has: (node: Node) => boolean) => properties.filter(({ node }) => has(node));

test("lab.schema.json is what the schema generates (npm run schema writes it anew)", () => {
  expect(readFileSync(join(__dirname, "../../lab.schema.json"), "utf8")).toBe(editorSchema());
});

test("the editor's schema has one name for good", () => {
  expect([schema.$id, SCHEMA_ID]).toEqual(["urn:ollama-lab:lab.schema.json", "urn:ollama-lab:lab.schema.json"]);
});

test("the editor's schema has every setting", () => expect(properties.length).toBeGreaterThan(300));

test.each(properties)("$name has a meaning in a sentence", ({ node }) => expect(node.description).toMatch(/^\S.*\S/s));

test.each(properties)("$name has one example", ({ node }) => expect(node.examples?.length).toBe(1));

test.each(having(({ default: value }) => value !== undefined && !(typeof value === "object")))(
  "the description of $name states its default, which editors do not show by themselves",
  ({ node }) => expect(node.description).toContain(`Default: `),
);

test.each(PLACES.filter(({ misspelt }) => misspelt).map((place) => ({ title: formatPath(place.path), place })))(
  "the reader accepts the example of $title",
  ({ place }) => {
    const example = exampleOf(place.field);
    expect([example === undefined, z.safeParse(place.field, example).error]).toEqual([false, undefined]);
  },
);

test.each(having(({ pattern }) => pattern !== undefined))("the example of $name matches its pattern", ({ node }) => {
  for (const example of node.examples ?? []) expect(String(example)).toMatch(new RegExp(node.pattern ?? "", "u"));
});

test.each(having(({ pattern }) => pattern !== undefined))(
  "$name says what to write where its pattern does not match",
  ({ node }) => {
    expect(node.patternErrorMessage).toMatch(/\.$/);
  },
);

test("the keys of containers have a pattern", () => {
  expect(schema.properties?.["containers"]?.propertyNames?.pattern).toBe("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$");
});

test("the description of the bridge states its default", () => {
  expect(schema.properties?.["network"]?.properties?.["bridge"]).toMatchObject({
    default: "vmbr0",
    description: "Bridge on the nodes. Default: vmbr0.",
  });
});
