import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { K3S_TEMPLATES } from "./paths";

/** The scripts of templates/k3s, copied into the stack's folder, so that they are there where Terraform runs. One per stack. */
export class OperatorScripts {
  private readonly asset: TerraformAsset;

  constructor(stack: TerraformStack) {
    // Directly below the stack, where its folder's name is not hashed.
    this.asset = new TerraformAsset(stack, "k3s", { path: K3S_TEMPLATES, type: AssetType.DIRECTORY });
  }

  /** The command that runs a script, from the stack's folder. */
  command(script: string): string {
    return `bash ${this.asset.path}/${script}`;
  }
}

export interface OperatorScriptProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  readonly scripts: OperatorScripts;
  /** File name of the script, such as `wait-for-nodes.sh`. */
  readonly script: string;
  /** Its parameters. What they hold is shown when Terraform runs, so no secret may be among them. */
  readonly environment: Readonly<Record<string, string>>;
  /** It runs again exactly when one of these changes. */
  readonly triggers: Readonly<Record<string, string>>;
  readonly dependsOn?: ITerraformDependable[];
}

/** A script that Terraform runs on the operator's machine, after what its triggers refer to. */
export class OperatorScript extends Construct {
  readonly resource: NullResource;

  constructor(scope: Construct, id: string, props: OperatorScriptProps) {
    super(scope, id);
    this.resource = new NullResource(this, "Resource", {
      triggers: { ...props.triggers },
      dependsOn: props.dependsOn,
      provisioners: [
        {
          type: "local-exec",
          command: props.scripts.command(props.script),
          environment: { ...props.environment },
        },
      ],
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
