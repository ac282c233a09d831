import { existsSync } from "node:fs";
import { join } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Check } from "../../grammar/fault";
import { addNullProvider } from "../null-provider";
import { checkProps, prop } from "../props-error";
import { checkResourceName } from "../terraform-text";
import { K3sScripts } from "./k3s-scripts";
import { K3S_TEMPLATES } from "./paths";

/** Refuses a script that templates/k3s does not have. */
const checkScript: Check<string> = (script) =>
  existsSync(join(K3S_TEMPLATES, script))
    ? undefined
    : {
        code: "unknown-script",
        message: `there is no script ${script} in templates/k3s`,
        remedy: "Give the name of a file there.",
      };

/** Which script of templates/k3s runs, and when. */
export interface OperatorScriptProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** File name of the script, such as `wait-for-nodes.sh`. */
  readonly script: string;
  /** Its parameters. Terraform shows them when it runs the script, so no secret may be among them. */
  readonly environment: Readonly<Record<string, string>>;
  /** It runs again exactly when one of these changes. */
  readonly triggers: Readonly<Record<string, string>>;
  /** What must be there before. @default only what the triggers refer to */
  readonly dependsOn?: ITerraformDependable[];
}

/** A script that Terraform runs on the operator's machine, after what its triggers refer to. */
export class OperatorScript extends Construct {
  /** What Terraform makes: what must come after the script depends on it. */
  readonly resource: NullResource;

  constructor(scope: Construct, id: string, props: OperatorScriptProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("resourceName", props.resourceName, checkResourceName),
      prop("script", props.script, checkScript),
    ]);
    addNullProvider(this);
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
