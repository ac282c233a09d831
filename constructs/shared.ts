import { TerraformStack } from "cdktf";
import { Construct, type IConstruct } from "constructs";

/** cdktf leaves a construct of this id out of the names that it makes. */
const NAMELESS = "Default";

/**
 * Where a stack holds what all of its constructs share: scripts, charts, and the provider that runs scripts. Directly below the stack they would
 * take ids from the stack's author, and below any other construct the folders of files would get a hash in their names.
 */
export function sharedIn(scope: IConstruct): Construct {
  const stack = TerraformStack.of(scope);
  const known = stack.node.tryFindChild(NAMELESS);
  return known instanceof Construct ? known : new Construct(stack, NAMELESS);
}
