import { Annotations, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { Lab } from "../lab/lab";
import { formatPath, type Problem } from "../lab/problem";
import { addState } from "./state";

/** Terraform that the bindings and the providers work with; OpenTofu counts from 1.6 as well. */
const TERRAFORM_VERSION = ">= 1.7.0";

/** One stack of a lab: one Terraform state, and the lab's warnings about it as annotations. */
export abstract class LabStack<L extends Lab = Lab> extends TerraformStack {
  constructor(
    scope: Construct,
    id: string,
    readonly lab: L,
    warnings: readonly Problem[],
  ) {
    super(scope, id);
    addState(this, lab);
    this.addOverride("terraform.required_version", TERRAFORM_VERSION);
    // By path, not by line, so that the order of keys in the lab file changes nothing in the output.
    const texts = warnings.map(({ path, code, message }) => `${formatPath(path)}: ${code}: ${message}`);
    for (const text of texts.sort()) Annotations.of(this).addWarning(text);
  }
}
