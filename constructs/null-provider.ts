import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { sharedIn } from "./shared";

/** The stacks that have the provider. Looking through all of a stack's constructs for each script would take long. */
const SERVED = new WeakSet<TerraformStack>();

/**
 * Gives the stack of a construct the provider null, which runs scripts, unless the stack has it. One that the stack's author adds must come
 * before: Terraform refuses two configurations of one provider.
 */
export function addNullProvider(scope: Construct): void {
  const stack = TerraformStack.of(scope);
  if (SERVED.has(stack)) return;
  SERVED.add(stack);
  const type = NullProvider.tfResourceType;
  if (!stack.allProviders().some(({ terraformResourceType }) => terraformResourceType === type))
    new NullProvider(sharedIn(stack), type);
}
