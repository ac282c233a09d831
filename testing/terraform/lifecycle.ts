// The whole life of a stack, in as few runs of terraform as possible.
import { type Diagnostic, describeRun, type Run } from "./process";
import type { Plan, StackRun } from "./stack-run";

export interface LifecycleOptions {
  /** The stack holds an object with `prevent_destroy`, so Terraform must refuse to destroy it. Default: false. */
  refusesDestroy?: boolean;
}

/** What the runs showed. */
export interface Lifecycle {
  /** The first plan, which was applied. */
  plan: Plan;
  /** Warnings of the first plan, such as one about a deprecated resource. */
  warnings: Diagnostic[];
  /** What Terraform said when it had to refuse the destroy. */
  refusal?: string;
}

const REFUSED: readonly string[] = ["Instance cannot be destroyed", "Resource instance cannot be destroyed"];

function mustSucceed<R extends Run>(stack: StackRun, run: R): R {
  if (!run.succeeded) {
    throw new Error(`The stack ${stack.name} does not live through its lifecycle.\n${describeRun(run)}`);
  }
  return run;
}

/**
 * Runs init, plan, an apply of that plan, a second plan that must be empty, and destroy. Throws Terraform's diagnostics at the first step that
 * fails. Leaves the state empty, or unchanged if the destroy must be refused. A plan finds and warns of all that validate does, and nothing has
 * changed since the second one, so the destroy reads nothing again.
 */
export async function runLifecycle(stack: StackRun, { refusesDestroy = false }: LifecycleOptions = {}): Promise<Lifecycle> {
  const plan = mustSucceed(stack, await stack.plan());
  mustSucceed(stack, await stack.apply(plan));
  const second = mustSucceed(stack, await stack.plan());
  if (!second.empty) {
    throw new Error(`The stack ${stack.name} plans changes right after its apply:\n${await stack.describe(second)}`);
  }
  const destroy = await stack.destroy("-refresh=false");
  const refusal = destroy.diagnostics.find(({ summary }) => REFUSED.includes(summary));
  if (!refusesDestroy) {
    mustSucceed(stack, destroy);
  } else if (refusal === undefined) {
    throw new Error(`Terraform had to refuse the destroy of the stack ${stack.name}, and did not.\n${describeRun(destroy)}`);
  }
  return {
    plan,
    warnings: plan.diagnostics.filter(({ severity }) => severity === "warning"),
    ...(refusal && { refusal: `${refusal.summary}: ${refusal.detail}` }),
  };
}
