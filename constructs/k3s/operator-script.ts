import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { K3sScripts } from "./k3s-scripts";

export interface OperatorScriptProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
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
          command: `bash ${K3sScripts.of(this).path(props.script)}`,
          environment: { ...props.environment },
        },
      ],
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
