import {
  Annotations,
  TerraformDataSource,
  TerraformElement,
  TerraformLocal,
  TerraformOutput,
  TerraformResource,
  TerraformStack,
  TerraformVariable,
} from "cdktf";
import type { Construct } from "constructs";
import { TERRAFORM_VERSIONS } from "../catalog/terraform";
import type { Lab } from "../lab/lab";
import { formatPath, type Problem } from "../lab/problem";
import { addState } from "./state";

/** The names that Terraform accepts. */
const TERRAFORM_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** The address of an element in Terraform, in parts; `undefined` for what has none of its own, such as a provider. */
function addressOf(element: TerraformElement): string[] | undefined {
  const name = element.friendlyUniqueId;
  if (TerraformResource.isTerraformResource(element)) return [element.terraformResourceType, name];
  if (TerraformDataSource.isTerraformDataSource(element)) return ["data", element.terraformResourceType, name];
  if (element instanceof TerraformVariable) return ["var", name];
  if (element instanceof TerraformLocal) return ["local", name];
  if (element instanceof TerraformOutput) return ["output", name];
  return undefined;
}

/**
 * What is wrong with the addresses of a stack: one that two elements have, of which the later would silently take the place of the other in
 * the JSON, or one that Terraform refuses.
 */
function wrongAddresses(stack: TerraformStack): string[] {
  const owners = new Map<string, string>();
  return stack.node.findAll().flatMap((construct) => {
    const parts = TerraformElement.isTerraformElement(construct) ? addressOf(construct) : undefined;
    if (!parts) return [];
    const address = parts.join(".");
    const { path } = construct.node;
    const owner = owners.get(address);
    if (owner !== undefined) return [`${address} is set twice, by ${owner} and by ${path}: rename one of them.`];
    owners.set(address, path);
    return TERRAFORM_NAME.test(parts.at(-1) ?? "")
      ? []
      : [
          `${address}, set by ${path}, is no name in Terraform: begin it with a letter or _, and go on with letters, digits, _ and -.`,
        ];
  });
}

/**
 * One stack of a lab: one Terraform state, and the lab's warnings about it as annotations.
 * @throws Error, when the app is synthesized, if an address is set twice or is none that Terraform takes
 */
export abstract class LabStack<L extends Lab = Lab> extends TerraformStack {
  constructor(
    scope: Construct,
    id: string,
    readonly lab: L,
    warnings: readonly Problem[],
  ) {
    super(scope, id);
    addState(this, lab);
    this.addOverride("terraform.required_version", TERRAFORM_VERSIONS);
    this.node.addValidation({ validate: () => wrongAddresses(this) });
    // By path, not by line, so that the order of keys in the lab file changes nothing in the output.
    const texts = warnings.map(({ path, code, message, remedy }) => `${formatPath(path)}: ${code}: ${message} → ${remedy}`);
    for (const text of texts.sort()) Annotations.of(this).addWarning(text);
  }
}
