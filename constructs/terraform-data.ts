import { type ITerraformDependable, TerraformResource, type TerraformResourceLifecycle } from "cdktf";
import type { Construct } from "constructs";

export interface TerraformDataProps {
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
  /** Values, or an expression of them, whose change replaces the resource. @default none */
  readonly triggersReplace?: readonly string[] | string;
  /** @default Terraform's own */
  readonly lifecycle?: TerraformResourceLifecycle;
}

/**
 * Terraform's built-in resource `terraform_data`, which needs no provider. cdktf's own class for it starts `terraform version` at each
 * synthesis, and a synthesis must work where no Terraform is installed.
 */
export class TerraformData extends TerraformResource {
  static readonly tfResourceType = "terraform_data";

  private readonly triggersReplace?: readonly string[] | string;

  constructor(scope: Construct, id: string, { dependsOn, triggersReplace, lifecycle }: TerraformDataProps = {}) {
    super(scope, id, {
      terraformResourceType: TerraformData.tfResourceType,
      terraformGeneratorMetadata: { providerName: "terraform" },
      dependsOn,
      lifecycle,
    });
    this.triggersReplace = triggersReplace;
  }

  protected override synthesizeAttributes() {
    return { triggers_replace: this.triggersReplace };
  }

  /** The id, which Terraform makes up when it makes the resource. */
  get id(): string {
    return this.getStringAttribute("id");
  }
}
