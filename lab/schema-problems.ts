import { z } from "zod";
import { quote } from "../grammar/fault";
import { nearest } from "../grammar/nearest";
import type { Path, Problem } from "./problem";
import { labSchema } from "./schema";
import { faultOf } from "./schema/field";

type Issue = z.core.$ZodIssue;

/** What the schema found, as a problem, and what has to go from the lab so that the rest can be read. */
export interface SchemaProblem {
  readonly problem: Omit<Problem, "position">;
  readonly prune: Path;
}

/** Turns one of zod's issues into problems in the words of this project. `value` tells what the lab has at a path. */
export function fromIssue(issue: Issue, value: (path: Path) => unknown): SchemaProblem[] {
  const path = issue.path.filter((key): key is string | number => typeof key !== "symbol");
  const refused = (code: string, message: string, remedy: string, at: Path = path): SchemaProblem[] => [
    { problem: { code, severity: "error", path: at, message, remedy }, prune: at },
  ];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.flatMap((key) => {
        const known = knownKeys(path);
        const meant = nearest(key, known);
        return refused(
          "unknown-key",
          `there is no setting ${key} here`,
          meant ? `Did you mean ${meant}?` : `Known here: ${known.join(", ")}.`,
          [...path, key],
        );
      });
    case "invalid_key":
      return issue.issues.flatMap((inner) => {
        const fault = inner.code === "custom" ? faultOf(inner.params) : undefined;
        return refused(fault?.code ?? "invalid-key", fault?.message ?? inner.message, fault?.remedy ?? "Rename it.");
      });
    case "invalid_union":
      return fromUnion(issue, path, value);
    case "custom": {
      const fault = faultOf(issue.params);
      return refused(fault?.code ?? "invalid-value", fault?.message ?? issue.message, fault?.remedy ?? "Add what is missing.");
    }
    case "invalid_type": {
      const found = value(path);
      if (found === undefined) {
        const expected = describe(issue.expected);
        return refused("missing", `${String(path.at(-1))} is missing here`, `Add it: ${expected}.`);
      }
      return refused(
        "wrong-type",
        `${quote(found)} is ${kindOf(found)}, and this must be ${describe(issue.expected)}`,
        typeRemedy(issue.expected, found),
      );
    }
    case "invalid_value":
      return refused(
        "invalid-choice",
        `${quote(value(path))} is none of ${issue.values.join(", ")}`,
        nearestChoice(value(path), issue.values.map(String)),
      );
    case "too_small":
    case "too_big": {
      const [bound, side] = issue.code === "too_small" ? [issue.minimum, "least"] : [issue.maximum, "most"];
      const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
      const found = unit ? `this has ${lengthOf(value(path))}${unit}` : `${quote(value(path))} is out of range`;
      return refused(
        "out-of-range",
        `${found}, and this takes at ${side} ${bound}${unit}`,
        `Choose ${bound}${unit} or ${side === "least" ? "more" : "less"}.`,
      );
    }
    default:
      return refused(
        "invalid-value",
        `${quote(value(path))}: ${issue.message}`,
        "Compare with lab.schema.json, or the example nearest to your lab.",
      );
  }
}

/** Of a union's alternatives, the one the writer was after: the one that got furthest into the value. */
function fromUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: Path,
  value: (path: Path) => unknown,
): SchemaProblem[] {
  const branches = issue.errors.filter(
    (errors) => !errors.some((error) => error.code === "invalid_type" && error.path.length === 0),
  );
  const [branch] = branches.length > 0 ? branches : issue.errors;
  if (!branch) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    // Zod places the issue at the discriminator; without a known one nothing of the value can be read.
    const found = value(path);
    const remedy = `Write one of ${options.join(", ")}.`;
    const message =
      found === undefined ? `${String(path.at(-1))} is missing here` : `${quote(found)} is none of ${options.join(", ")}`;
    return [{ problem: { code: "invalid-choice", severity: "error", path, message, remedy }, prune: path.slice(0, -1) }];
  }
  return branch.flatMap((error) => fromIssue({ ...error, path: [...issue.path, ...error.path] } as Issue, value));
}

function lengthOf(value: unknown): number {
  return typeof value === "string" || Array.isArray(value) ? value.length : 0;
}

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  const kinds: Record<string, string> = { object: "a map", string: "text", number: "a number", boolean: "true or false" };
  return kinds[typeof value] ?? typeof value;
}

function describe(expected: string): string {
  const kinds: Record<string, string> = {
    array: "a list",
    boolean: "true or false",
    int: "a whole number",
    number: "a number",
    object: "a map of settings",
    record: "a map of names to settings",
    string: "text",
  };
  return kinds[expected] ?? expected;
}

function typeRemedy(expected: string, found: unknown): string {
  if (expected === "string" && typeof found === "number") return `Put it in quotes: "${found}".`;
  if (expected === "array") return "Write a list: [a, b], or one line for each with - before it.";
  if (
    (expected === "number" || expected === "int") &&
    typeof found === "string" &&
    found.trim() !== "" &&
    !Number.isNaN(Number(found))
  ) {
    return `Take the quotes away: ${Number(found)}.`;
  }
  if (expected === "boolean") return "Write true or false; yes, no, on and off are text in YAML 1.2.";
  return `Write ${describe(expected)}.`;
}

function nearestChoice(found: unknown, choices: string[]): string {
  const meant = typeof found === "string" ? nearest(found, choices) : undefined;
  return meant ? `Did you mean ${meant}?` : `Write one of ${choices.join(", ")}.`;
}

/** A JSON schema's node, as far as keys are concerned. */
interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
}

let jsonSchema: SchemaNode | undefined;

/** The settings that the schema knows at a path, sorted. */
function knownKeys(path: Path): string[] {
  jsonSchema ??= z.toJSONSchema(labSchema, { io: "input" }) as SchemaNode;
  let nodes: SchemaNode[] = [jsonSchema];
  for (const key of path) {
    nodes = nodes.flatMap(alternatives).flatMap((node) => {
      if (typeof key === "number") return node.items ? [node.items] : [];
      const next = node.properties?.[key] ?? node.additionalProperties;
      return typeof next === "object" ? [next] : [];
    });
  }
  return [...new Set(nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {})))].sort();
}

function alternatives(node: SchemaNode): SchemaNode[] {
  return [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])].filter((item, index) => index === 0 || item !== node);
}
