import * as z from "zod";
import { quote } from "../grammar/fault";
import { nearest } from "../grammar/nearest";
import { type Finding, finder } from "./finding";
import { type Path, STACK_IDS } from "./problem";
import { labSchema } from "./schema";
import { faultOf } from "./schema/field";
import { stacksAt } from "./sections";
import { valueKinds } from "./value-kinds";

type Issue = z.core.$ZodIssue;

const error = { severity: "error", stacks: STACK_IDS } as const;

/** The problems that the schema finds by itself. Problems of single values have the codes of `grammar/`. */
export const shapeKinds = {
  "unknown-key": {
    ...error,
    meaning: "The lab has a setting that this project does not know. Probably it is mistyped, or in the wrong place.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, memoryGib: 8 }
    `,
    remedy: "Write the name of a setting that is known here, or remove it.",
  },
  missing: {
    ...error,
    meaning: "A setting without a default is missing.",
    example: `
      containers:
        ollama-2: { address: 192.0.2.22 } # and no vmId
    `,
    remedy: "Add the setting.",
  },
  "wrong-type": {
    ...error,
    meaning: "A value has another type than its setting takes, for example text instead of a number.",
    example: `
      containers:
        ollama-1: { vmId: "201", address: 192.0.2.21 }
    `,
    remedy: "Write a value of that type.",
  },
  "invalid-choice": {
    ...error,
    meaning: "A setting takes one of a few words, and the value is none of them.",
    example: `
      proxmox:
        auth: apitoken
    `,
    remedy: "Write one of the words.",
  },
  "out-of-range": {
    ...error,
    meaning: "A number, a text or a list is smaller or larger than its setting takes.",
    example: `
      network:
        vlan: 5000
    `,
    remedy: "Choose a value within the bounds.",
  },
  "invalid-value": {
    ...error,
    meaning: "A value breaks a condition of its section. The message names the condition.",
    example: `
      proxmox:
        nodes: {}
    `,
    remedy: "Compare with lab.schema.json, or with the example nearest to your lab.",
  },
} as const;

/** Every problem that `fromIssue` can find. */
const schemaKinds = { ...shapeKinds, ...valueKinds };
const found = finder(schemaKinds);

/** What the schema found, as a problem, and what must be removed from the lab so that the rest can be read. */
export interface SchemaProblem {
  readonly problem: Finding<keyof typeof schemaKinds>;
  readonly prune: Path;
}

function refuse(code: keyof typeof schemaKinds, path: Path, message: string, remedy?: string, prune = path): SchemaProblem[] {
  return [{ problem: found(code, path, message, { stacks: stacksAt(path), ...(remedy && { remedy }) }), prune }];
}

/** Words that people write for a setting, and the settings that they can mean. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  ip: ["address", "addresses"],
  ipaddress: ["address"],
  ram: ["memoryGiB", "memory"],
  memory: ["memoryGiB"],
  mem: ["memoryGiB", "memory"],
  cpu: ["cores"],
  cpus: ["cores"],
  vcpus: ["cores"],
  disk: ["diskGiB"],
  disksize: ["diskGiB"],
  image: ["template"],
  swap: ["swapMiB"],
  id: ["vmId"],
};

/** Turns one of zod's issues into problems in the words of this project. `value` returns what the lab has at a path. */
export function fromIssue(issue: Issue, value: (path: Path) => unknown): SchemaProblem[] {
  const path = issue.path.filter((key): key is string | number => typeof key !== "symbol");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.flatMap((key) => {
        const known = knownKeys(path);
        const meant = WORDS[key.toLowerCase()]?.find((word) => known.includes(word)) ?? nearest(key, known);
        const remedy = meant ? `Did you mean ${meant}?` : `Known here: ${known.join(", ")}.`;
        return refuse("unknown-key", [...path, key], `there is no setting ${key} here`, remedy);
      });
    case "invalid_key":
      return issue.issues.flatMap((inner) => {
        const fault = inner.code === "custom" ? faultOf(inner.params) : undefined;
        return refuse(fault?.code ?? "invalid-key", path, fault?.message ?? inner.message, fault?.remedy);
      });
    case "invalid_union":
      return fromUnion(issue, path, value);
    case "custom": {
      const fault = faultOf(issue.params);
      return refuse(fault?.code ?? "invalid-value", path, fault?.message ?? issue.message, fault?.remedy);
    }
    case "invalid_type": {
      const given = value(path);
      const expected = describe(issue.expected);
      if (given === undefined) return refuse("missing", path, `${String(path.at(-1))} is missing here`, `Add it: ${expected}.`);
      return refuse("wrong-type", path, ...wrongType(path, issue.expected, given));
    }
    case "invalid_value":
      return refuse(
        "invalid-choice",
        path,
        `${quote(value(path))} is none of ${issue.values.join(", ")}`,
        nearestChoice(value(path), issue.values.map(String)),
      );
    case "too_small":
    case "too_big": {
      const [bound, side] = issue.code === "too_small" ? [issue.minimum, "least"] : [issue.maximum, "most"];
      const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
      const given = unit ? `this has ${lengthOf(value(path))}${unit}` : `this is ${quote(value(path))}`;
      return refuse(
        "out-of-range",
        path,
        `${given}, but it must be at ${side} ${bound}${unit}`,
        boundRemedy(path, value(path), `Choose ${bound}${unit} or ${side === "least" ? "more" : "less"}.`),
      );
    }
    default:
      return refuse("invalid-value", path, `${quote(value(path))}: ${issue.message}`);
  }
}

/** Reports the alternative of a union that the writer probably meant: the first that accepts the type of the value. */
function fromUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: Path,
  value: (path: Path) => unknown,
): SchemaProblem[] {
  const branches = issue.errors.filter(
    (errors) => !errors.some(({ code, path: at }) => (code === "invalid_type" || code === "invalid_value") && at.length === 0),
  );
  const [branch] = branches.length > 0 ? branches : issue.errors;
  if (!branch) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    // zod reports the discriminator. Without a known one nothing of the value can be read, so all of it is removed.
    const found = value(path);
    const remedy = `Write one of ${options.join(", ")}.`;
    const message =
      found === undefined ? `${String(path.at(-1))} is missing here` : `${quote(found)} is none of ${options.join(", ")}`;
    return refuse("invalid-choice", path, message, remedy, path.slice(0, -1));
  }
  return branch.flatMap((error) => fromIssue({ ...error, path: [...issue.path, ...error.path] } as Issue, value));
}

/** The remedy for a value beyond a bound. Memory that Proxmox shows as MiB may be meant. */
function boundRemedy(path: Path, given: unknown, remedy: string): string {
  const mib = path.at(-1) === "memoryGiB" && typeof given === "number" && given >= 1024;
  return mib ? `${remedy} It is in GiB: write ${given / 1024} if ${given} MiB is meant.` : remedy;
}

function lengthOf(value: unknown): number {
  return typeof value === "string" || Array.isArray(value) ? value.length : 0;
}

function kindOf(value: unknown): string {
  if (Number.isNaN(value)) return "no number";
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
    record: "a map of names and settings",
    string: "text",
  };
  return kinds[expected] ?? expected;
}

/** The message and the remedy for a value of the wrong type. */
function wrongType(path: Path, expected: string, given: unknown): [message: string, remedy: string] {
  const wanted = describe(expected);
  if (given === null) {
    const below = expected === "object" || expected === "record" || expected === "array";
    const key = String(path.at(-1));
    return [
      `${key}: has ${below ? "nothing below it" : "no value"}, but it takes ${wanted}`,
      `Write ${wanted}, or remove the line.`,
    ];
  }
  return [`${quote(given)} is ${kindOf(given)}, but this takes ${wanted}`, typeRemedy(expected, given)];
}

function typeRemedy(expected: string, found: unknown): string {
  if (expected === "string" && typeof found === "number") return `Put it in quotes: "${found}".`;
  if (expected === "array") return "Write a list: [a, b], or one line for each entry, with - before it.";
  if (
    (expected === "number" || expected === "int") &&
    typeof found === "string" &&
    found.trim() !== "" &&
    !Number.isNaN(Number(found))
  ) {
    return `Remove the quotes: ${Number(found)}.`;
  }
  if (expected === "boolean") return "Write true or false: yes, no, on and off are text in YAML 1.2.";
  return `Write ${describe(expected)}.`;
}

function nearestChoice(found: unknown, choices: string[]): string {
  const meant = typeof found === "string" ? nearest(found, choices) : undefined;
  return meant ? `Did you mean ${meant}?` : `Write one of ${choices.join(", ")}.`;
}

/** The parts of a JSON schema that say which keys there are. */
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
