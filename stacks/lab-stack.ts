import { Annotations, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { TERRAFORM_VERSIONS } from "../catalog/terraform";
import type { Lab } from "../lab/lab";
import { formatPath, type Problem } from "../lab/problem";
import { addState } from "./state";

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
    this.addOverride("terraform.required_version", TERRAFORM_VERSIONS);
    // By path, not by line, so that the order of keys in the lab file changes nothing in the output.
    const texts = warnings.map(({ path, code, message }) => `${formatPath(path)}: ${code}: ${message}`);
    for (const text of texts.sort()) Annotations.of(this).addWarning(text);
  }
}
