import * as z from "zod";
import { quote } from "../grammar/fault";
import { nearest } from "../grammar/nearest";
import { type Finding, finder } from "./finding";
import { type Path, STACK_IDS } from "./problem";
import { faultOf } from "./schema/field";
import { exampleAt, keysAt, placesOf, schemasAt } from "./schema-tree";
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
  "credential-in-lab": {
    ...error,
    meaning:
      "A credential stands in the lab. Whoever reads the file or its history can use it, and what is in the lab is written to the output.",
    example: `
      proxmox:
        apiToken: terraform@pve!lab=not-a-real-token
    `,
    remedy:
      "Take it out, and export it where Terraform runs (docs/pipelines.md). Make a new one in its place, because this one may be in git.",
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

/** What the lab has, for what is said about it. */
export interface Given {
  /** The value at a path. */
  value(path: Path): unknown;
  /** The value at a path as the file has it, such as 192.0 for the number 192. `undefined` for a lab that is no file, and for maps and lists. */
  written(path: Path): string | undefined;
}

/** Words that people write for a setting, and the settings that they can mean, the likeliest first. */
const WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    ip: ["address", "addresses", "host"],
    ipaddress: ["address"],
    hostname: ["name", "host"],
    ram: ["memoryGiB", "memory", "resources"],
    memory: ["memoryGiB", "resources"],
    mem: ["memoryGiB", "memory", "resources"],
    cpu: ["cores", "resources"],
    cpus: ["cores", "resources"],
    vcpus: ["cores", "resources"],
    disk: ["diskGiB", "storageGi", "sizeGiB"],
    disksize: ["diskGiB", "storageGi"],
    size: ["sizeGiB", "diskGiB", "storageGi"],
    image: ["template", "image"],
    swap: ["swapMiB"],
    id: ["vmId"],
    gpu: ["gpus"],
  }),
);

/** What to do about a key that is no setting at this path. */
function unknownKeyRemedy(path: Path, key: string): string {
  const known = keysAt(path);
  const [, name = "", rest] = /^([A-Za-z]+):(.+)$/.exec(key) ?? [];
  if (rest !== undefined && known.includes(name)) return `Write a blank after the colon: ${name}: ${rest}`;
  const words = WORDS.get(key.toLowerCase());
  const meant = words ? words.find((word) => known.includes(word)) : nearest(key, known);
  if (meant) return `Did you mean ${meant}?`;
  const here = known.length > 0 ? `Known here: ${known.join(", ")}.` : "Remove it.";
  const depth = (place: string) => place.split(".").length;
  const [elsewhere] = [key, ...(words ?? [])].flatMap(placesOf).sort((a, b) => depth(a) - depth(b));
  return elsewhere ? `${here} It may belong at ${elsewhere}.` : here;
}

/** Words in the names of credentials. */
const CREDENTIAL = /token|passw(or)?d|secret|credential|(api|private|access)_?key/i;

/** Whether a key that is no setting holds a credential. A mistyped `joinToken` does not. */
function isCredential(path: Path, key: string): boolean {
  return CREDENTIAL.test(key) && !CREDENTIAL.test(nearest(key, keysAt(path)) ?? "");
}

/** The settings that take a word, for which a credential is easily written. */
const WORDS_FOR_CREDENTIALS: ReadonlySet<string> = new Set(["proxmox.auth", "cluster.joinToken"]);

/** Whether the value is no word, so that it is probably the credential itself. */
function looksSecret(path: Path, value: unknown): boolean {
  return WORDS_FOR_CREDENTIALS.has(path.join(".")) && value !== null && !/^[A-Za-z_-]{0,24}$/.test(String(value));
}

/** Where a credential belongs, by the place in the lab where it was found. */
function homeOf([section, part]: Path, key: string): string {
  if (section === "proxmox" && part === "ssh")
    return "let the SSH agent log in, or set agent: false and export PROXMOX_VE_SSH_PRIVATE_KEY where Terraform runs";
  if (section === "proxmox" || (section === undefined && /^(proxmox|pve|root|api|token|passw)/i.test(key))) {
    return /passw/i.test(key)
      ? "set proxmox.auth: rootPassword and export PROXMOX_VE_PASSWORD where Terraform runs"
      : "export PROXMOX_VE_API_TOKEN where Terraform runs";
  }
  if (section === "cluster")
    return "export TF_VAR_k3s_server_token and TF_VAR_k3s_agent_token where Terraform runs, or set cluster.joinToken: ssh";
  if (section === "containers" || section === "defaults") return "log in to the guests by the keys under sshPublicKeys";
  if (section === "kubernetes" || section === "ollama") return "put it into a Secret of the cluster, which the lab names";
  return "export it where Terraform runs; docs/pipelines.md names the variable";
}

function refuseCredential(path: Path): SchemaProblem[] {
  const key = String(path.at(-1));
  const remedy = `Take it out, and ${homeOf(path.slice(0, -1), key)}. Make a new one in its place, because this one may be in git.`;
  return refuse(
    "credential-in-lab",
    path,
    `${key} is a credential, but whoever reads the lab, or its history in git, can use it`,
    remedy,
  );
}

/** Turns one of zod's issues into problems in the words of this project. */
export function fromIssue(issue: Issue, given: Given): SchemaProblem[] {
  const { value } = given;
  const path = issue.path.filter((key): key is string | number => typeof key !== "symbol");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.flatMap((key) =>
        isCredential(path, key)
          ? refuseCredential([...path, key])
          : refuse("unknown-key", [...path, key], `there is no setting ${key} here`, unknownKeyRemedy(path, key)),
      );
    case "invalid_key":
      return issue.issues.flatMap((inner) => {
        const fault = inner.code === "custom" ? faultOf(inner.params) : undefined;
        return refuse(fault?.code ?? "invalid-key", path, fault?.message ?? inner.message, fault?.remedy);
      });
    case "invalid_union":
      return fromUnion(issue, path, given);
    case "custom": {
      const fault = faultOf(issue.params);
      return refuse(fault?.code ?? "invalid-value", path, fault?.message ?? issue.message, fault?.remedy);
    }
    case "invalid_type":
      return value(path) === undefined ? missing(path) : wrongType(path, [issue.expected], given);
    case "invalid_value":
      if (looksSecret(path, value(path))) return refuseCredential(path);
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
function fromUnion(issue: Extract<Issue, { code: "invalid_union" }>, path: Path, given: Given): SchemaProblem[] {
  const { value } = given;
  const [branch] = issue.errors.filter(
    (errors) => !errors.some(({ code, path: at }) => (code === "invalid_type" || code === "invalid_value") && at.length === 0),
  );
  if (branch) return branch.flatMap((error) => fromIssue({ ...error, path: [...issue.path, ...error.path] } as Issue, given));
  if (issue.errors.length > 0) {
    if (value(path) === undefined) return missing(path);
    const expected = issue.errors.flatMap(([error]) =>
      error?.code === "invalid_type" ? [error.expected] : error?.code === "invalid_value" ? error.values.map(String) : [],
    );
    return wrongType(path, [...new Set(expected)], given);
  }
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  // zod reports the discriminator. Without a known one nothing of the value can be read, so all of it is removed.
  const found = value(path);
  const map = value(path.slice(0, -1));
  if (found === undefined && typeof map === "object" && map !== null) {
    const known = keysAt(path.slice(0, -1));
    const strange = Object.keys(map).filter((key) => !known.includes(key) && nearest(key, known) === path.at(-1));
    if (strange.length > 0) {
      return strange.flatMap((key) => {
        const place = [...path.slice(0, -1), key];
        return refuse("unknown-key", place, `there is no setting ${key} here`, `Did you mean ${path.at(-1)}?`, path.slice(0, -1));
      });
    }
  }
  const remedy =
    found === undefined ? `Add ${String(path.at(-1))}: one of ${options.join(", ")}.` : nearestChoice(found, options);
  const message =
    found === undefined ? `${String(path.at(-1))} is missing here` : `${quote(found)} is none of ${options.join(", ")}`;
  return refuse("invalid-choice", path, message, remedy, path.slice(0, -1));
}

/** A setting that must be there. Each has an example; __tests__/lab/missing-settings.test.ts looks. */
function missing(path: Path): SchemaProblem[] {
  const key = String(path.at(-1));
  return refuse("missing", path, `${key} is missing here`, `Add it, such as ${key}: ${exampleAt(path)}`);
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
  if (typeof value === "number" && !Number.isFinite(value)) return "no number that can be used";
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

/** A value of another type than any that its setting takes. */
function wrongType(path: Path, expected: readonly string[], given: Given): SchemaProblem[] {
  const value = given.value(path);
  const wanted = expected.map(describe).join(" or ");
  const example = exampleAt(path);
  const suchAs = example === undefined ? "" : `, such as ${example}`;
  if (value === null) {
    const below = expected.every((type) => type === "object" || type === "record" || type === "array");
    return refuse(
      "wrong-type",
      path,
      `${String(path.at(-1))}: has ${below ? "nothing below it" : "no value"}, but it takes ${wanted}`,
      `Write ${wanted}${suchAs}, or remove the line.`,
    );
  }
  const written = given.written(path) ?? (typeof value === "number" ? String(value) : undefined);
  if (typeof value === "number" && written !== undefined && expected.length === 1 && expected[0] === "string") {
    // Quotes alone would not do for every number: 192.0 is no address.
    const fault = textFault(path, written);
    return fault
      ? refuse(fault.code, path, fault.message, fault.remedy)
      : refuse("wrong-type", path, `${written} is a number, but this takes ${wanted}`, `Put it in quotes: "${written}".`);
  }
  const shown = written !== undefined && typeof value === "number" ? written : quote(value);
  return refuse(
    "wrong-type",
    path,
    `${shown} is ${kindOf(value)}, but this takes ${wanted}`,
    typeRemedy(expected, value) ?? `Write ${wanted}${suchAs}.`,
  );
}

/** What is wrong with a text at a path, if it is the text of one value. */
function textFault(path: Path, text: string) {
  const schema = schemasAt(path).find((one) => one instanceof z.ZodString);
  const issues = schema ? (z.safeParse(schema, text).error?.issues ?? []) : [];
  const [issue] = issues;
  return issue?.code === "custom" ? faultOf(issue.params) : undefined;
}

function typeRemedy(expected: readonly string[], found: unknown): string | undefined {
  const [only] = expected.length === 1 ? expected : [];
  if (only === "array" && typeof found !== "object") return "Write a list: [a, b], or one line for each entry, with - before it.";
  if ((only === "number" || only === "int") && typeof found === "string" && found.trim() !== "" && Number.isFinite(Number(found)))
    return `Remove the quotes: ${Number(found)}.`;
  if (only === "boolean") return "Write true or false: yes, no, on and off are text in YAML 1.2.";
  return undefined;
}

function nearestChoice(found: unknown, choices: string[]): string {
  const meant = typeof found === "string" ? nearest(found, choices) : undefined;
  return meant ? `Did you mean ${meant}?` : `Write one of ${choices.join(", ")}.`;
}
