import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AnnotationMetadataEntryType,
  DefaultTokenResolver,
  type IStackSynthesizer,
  type ISynthesisSession,
  StringConcat,
  TerraformBackend,
  TerraformElement,
  TerraformOutput,
  TerraformResource,
  Tokenization,
} from "cdktf";
import { ConstructOrder, type IConstruct } from "constructs";
import { type Json, type JsonObject, type LazyJson, type LazyObject, writeJson } from "./json-file";
import type { LabStack } from "./lab-stack";
import { reference, resolved } from "./resolved";
import { ADDRESSES } from "./split-state";

const resolver = new DefaultTokenResolver(new StringConcat());
const ANNOTATIONS: readonly string[] = Object.values(AnnotationMetadataEntryType);
/** The name under which cdktf's assets keep what copies them. */
const ASSET = Symbol.for("cdktf/customSynthesis");

/** What was written for one stack. */
export interface Written {
  /** How many resources of each type. */
  readonly resources: Readonly<Record<string, number>>;
  readonly outputs: readonly string[];
  /** The variables that have no default, and so have to be given. */
  readonly variables: readonly string[];
}

/**
 * Writes a stack of a lab. cdktf's own synthesizer resolves every element three times: for references between stacks, of which a lab has none,
 * for the element, and once more for the whole. It describes each resource for readers that there are not, and its time grows with the square
 * of the overrides. Aspects and moved targets, which no lab has, are left out.
 */
export class LabSynthesizer implements IStackSynthesizer {
  /** What was written. Empty before the synthesis. */
  written: Written = { resources: {}, outputs: [], variables: [] };

  /** @param addresses whether the stack's folder gets a list of the addresses of its resources */
  constructor(
    private readonly stack: LabStack,
    private readonly addresses = false,
  ) {
    // It would look for references between stacks.
    stack.prepareStack = () => {};
  }

  /** @throws Error naming every validation of the stack that failed */
  synthesize(session: ISynthesisSession): void {
    const { stack } = this;
    if (!session.skipValidation) stack.runAllValidations();
    const { workingDirectory, synthesizedStackPath, annotations } = session.manifest.forStack(stack);
    mkdirSync(join(session.outdir, workingDirectory), { recursive: true });
    const constructs = stack.node.findAll(ConstructOrder.POSTORDER);
    for (const construct of constructs) if (isAsset(construct)) construct[ASSET].onSynthesize(session);
    for (const { node } of stack.node.findAll()) {
      for (const { type, data, trace } of node.metadata.filter(({ type }) => ANNOTATIONS.includes(type))) {
        annotations.push({
          constructPath: node.path,
          // as: the values of the enumeration were just compared.
          level: type as AnnotationMetadataEntryType,
          message: data,
          stacktrace: trace,
        });
      }
    }
    const whole = this.parts();
    writeJson(join(session.outdir, synthesizedStackPath), whole);
    if (this.addresses) writeFileSync(join(session.outdir, workingDirectory, ADDRESSES), addressesIn(whole));
    this.written = writtenIn(whole);
  }

  /** The stack as Terraform's JSON, as `synthesize` writes it. */
  whole(): JsonObject {
    const made = (part: LazyJson): Json => {
      if (typeof part === "function") return part();
      if (!isObject(part)) return part;
      return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, made(item)]));
    };
    return Object.fromEntries(Object.entries(this.parts()).map(([section, part]) => [section, made(part)]));
  }

  /** The stack as Terraform's JSON. Its resources are made as they are written. */
  private parts(): LazyObject {
    const { stack } = this;
    const elements = stack.node.findAll().filter(TerraformElement.isTerraformElement);
    const metadata: LazyObject = { version: stack.node.tryGetContext("cdktfVersion"), stackName: stack.node.id };
    const outputs: LazyObject = {};
    const whole: LazyObject = { "//": { metadata, outputs } };
    for (const element of elements) {
      if (isPlain(element)) {
        const attributes = () => this.attributes(element);
        merge(whole, { resource: { [element.terraformResourceType]: { [element.friendlyUniqueId]: attributes } } });
        continue;
      }
      if (TerraformBackend.isBackend(element)) merge(metadata, this.resolve(element.toMetadata()));
      if (TerraformOutput.isTerraformOutput(element)) merge(outputs, nested(element));
      merge(whole, withoutDescription(this.resolve(element.toTerraform())));
    }
    merge(whole, this.resolve(stack["rawOverrides"]));
    return whole;
  }

  /** What cdktf makes of a plain resource. It copies attributes twice, describes them, and looks for the words of each key by four regular expressions. */
  private attributes(element: TerraformResource): JsonObject {
    const attributes = this.resolve(element["synthesizeAttributes"]());
    merge(attributes, snakeCased(this.resolve(element.terraformMetaArguments)));
    return attributes;
  }

  private resolve(value: unknown): JsonObject {
    const options = { scope: this.stack, preparing: false, resolver };
    // as: cdktf makes objects of JSON of its elements.
    return resolved(value, (part) => reference(part, this.stack) ?? Tokenization.resolve(part, options)) as JsonObject;
  }
}

function isAsset(
  construct: IConstruct,
): construct is IConstruct & { [ASSET]: { onSynthesize(session: ISynthesisSession): void } } {
  return ASSET in construct;
}

/** Whether an element is a resource with no more than attributes and arguments: no overrides, imports, moves or scripts. Dynamic blocks no lab has. */
function isPlain(element: TerraformElement): element is TerraformResource {
  if (!TerraformResource.isTerraformResource(element) || element.provisioners) return false;
  return Object.values(element.toMetadata()).every((value) => value === undefined);
}

/** Arguments as Terraform calls them: `depends_on` instead of `dependsOn`. */
function snakeCased(named: JsonObject): JsonObject {
  const inside = (value: Json): Json => (isObject(value) ? snakeCased(value) : value);
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => [
      name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`),
      Array.isArray(value) ? value.map(inside) : inside(value),
    ]),
  );
}

function isObject<T extends LazyJson | undefined>(value: T): value is Extract<T, LazyObject> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Puts a part into the whole: objects into objects, lists behind lists. It copies nothing, so its time grows with the part alone. */
function merge(whole: LazyObject, part: LazyObject): void {
  for (const [key, value] of Object.entries(part)) {
    const known = whole[key];
    const there = typeof known === "function" ? known() : known;
    if (isObject(there) && isObject(value)) {
      whole[key] = there;
      merge(there, value);
    } else if (Array.isArray(there) && Array.isArray(value)) for (const item of value) there.push(item);
    else whole[key] = value;
  }
}

/** The name of an output below the path of its construct: so cdktf's CLI prints outputs. */
function nested(output: TerraformOutput): JsonObject {
  const [id = "", ...scopes] = output.node.path.split("/").reverse();
  return scopes.reduce<JsonObject>((inner, scope) => ({ [scope]: inner }), { [id]: output.friendlyUniqueId });
}

/** A fragment without cdktf's description of each resource, its path and its name. Terraform ignores it, and cdktf's CLI does not read it. */
function withoutDescription(fragment: JsonObject): JsonObject {
  for (const section of [fragment["resource"], fragment["data"]]) {
    if (!isObject(section)) continue;
    for (const named of Object.values(section).filter(isObject)) {
      for (const attributes of Object.values(named).filter(isObject)) delete attributes["//"];
    }
  }
  return fragment;
}

function addressesIn({ resource }: LazyObject): string {
  const types = Object.entries(isObject(resource) ? resource : {});
  return types.flatMap(([type, named]) => Object.keys(named ?? {}).map((name) => `${type}.${name}\n`)).join("");
}

function writtenIn(whole: LazyObject): Written {
  const section = (name: string) => {
    const found = whole[name];
    return Object.entries(isObject(found) ? found : {}).sort(([a], [b]) => (a < b ? -1 : 1));
  };
  return {
    resources: Object.fromEntries(section("resource").map(([type, items]) => [type, Object.keys(items ?? {}).length])),
    outputs: section("output").map(([name]) => name),
    variables: section("variable").flatMap(([name, variable]) => (isObject(variable) && "default" in variable ? [] : [name])),
  };
}
