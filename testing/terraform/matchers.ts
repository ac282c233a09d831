// Jest matchers that read like the fact they prove. A failure shows Terraform's own diagnostics, or the plan as a user reads it.
import { isDeepStrictEqual } from "node:util";
import type { TerraformJson } from "./output";
import { describeRun, type Run } from "./process";
import type { Action, Plan, StackRun } from "./stack-run";

interface Verdict {
  pass: boolean;
  message: () => string;
}

/** With `.not`, jest shows the message of a match that passed. The messages here say then what the test did not want. */
function verdict(pass: boolean, wanted: string, shown: string): Verdict {
  return { pass, message: () => `${pass ? "Not expected" : "Expected"}: ${wanted}\n\n${shown}` };
}

function listed(changes: Record<string, Action>): string {
  const lines = Object.entries(changes).map(([address, action]) => `  ${address}: ${action}`);
  return lines.sort().join("\n") || "  nothing";
}

/** Reading a data source changes nothing. */
function withoutReads(changes: Record<string, Action>): Record<string, Action> {
  return Object.fromEntries(Object.entries(changes).filter(([, action]) => action !== "read"));
}

/** `isNot` is jest's: whether `.not` comes before the matcher. The plan is put in words only for a failure, because that is a run of terraform. */
async function planned(
  { isNot }: jest.MatcherContext,
  stack: StackRun,
  wanted: string,
  judge: (plan: Plan) => boolean,
): Promise<Verdict> {
  const plan = await stack.plan();
  if (!plan.succeeded) {
    return { pass: false, message: () => `Expected: ${wanted}\n\n${describeRun(plan)}` };
  }
  const pass = judge(plan);
  if (pass !== isNot) return { pass, message: () => wanted };
  const shown = plan.empty ? "The plan is empty." : `Planned:\n${listed(plan.changes)}\n\n${await stack.describe(plan)}`;
  return verdict(pass, wanted, shown);
}

function rejectedWith(run: Run, wanted: string, message: RegExp): Verdict {
  const errors = run.diagnostics.filter(({ severity }) => severity === "error");
  const pass = errors.some(({ summary, detail }) => message.test(`${summary} ${detail}`.replaceAll(/\s+/g, " ")));
  return verdict(pass, `${wanted} with a message like ${message}`, describeRun(run));
}

interface JsonResource {
  address: string;
  properties: unknown;
}

function resourcesOf(config: TerraformJson, type: string): JsonResource[] {
  const { resource = {} } = config as { resource?: Record<string, Record<string, unknown>> };
  return Object.entries(resource[type] ?? {}).map(([name, properties]) => ({ address: `${type}.${name}`, properties }));
}

export const terraformMatchers = {
  async toBeValid(stack: StackRun): Promise<Verdict> {
    const run = await stack.validate();
    return verdict(run.succeeded, `the stack ${stack.name} is valid`, describeRun(run));
  },

  async toBeInvalid(stack: StackRun, message: RegExp): Promise<Verdict> {
    return rejectedWith(await stack.validate(), `terraform validate rejects the stack ${stack.name}`, message);
  },

  toPlanExactly(this: jest.MatcherContext, stack: StackRun, changes: Record<string, Action>): Promise<Verdict> {
    return planned(this, stack, `the plan of ${stack.name} changes exactly\n${listed(changes)}`, (plan) =>
      isDeepStrictEqual(withoutReads(plan.changes), withoutReads(changes)),
    );
  },

  toPlanNothing(this: jest.MatcherContext, stack: StackRun): Promise<Verdict> {
    return planned(this, stack, `the plan of ${stack.name} is empty`, ({ empty }) => empty);
  },

  toReplaceNothing(this: jest.MatcherContext, stack: StackRun): Promise<Verdict> {
    return planned(this, stack, `the plan of ${stack.name} replaces and deletes nothing`, ({ changes }) =>
      Object.values(changes).every((action) => action !== "replace" && action !== "delete"),
    );
  },

  async toRejectPlan(stack: StackRun, message: RegExp): Promise<Verdict> {
    return rejectedWith(await stack.plan(), `terraform refuses to plan ${stack.name}`, message);
  },

  async toApplyAndThenPlanNothing(this: jest.MatcherContext, stack: StackRun): Promise<Verdict> {
    const run = await stack.apply();
    const wanted = `${stack.name} applies and then plans nothing`;
    if (!run.succeeded) {
      return { pass: false, message: () => `Expected: ${wanted}\n\n${describeRun(run)}` };
    }
    return planned(this, stack, wanted, ({ empty }) => empty);
  },

  async toHaveSensitiveOutput(stack: StackRun, name: string): Promise<Verdict> {
    const wanted = `the output ${name} of ${stack.name} is sensitive`;
    const plan = await stack.plan();
    if (!plan.succeeded) {
      return { pass: false, message: () => `Expected: ${wanted}\n\n${describeRun(plan)}` };
    }
    const outputs = (await stack.show(plan)).planned_values?.outputs ?? {};
    const shown = Object.entries(outputs).map(([one, { sensitive }]) => `  ${one}: ${sensitive ? "sensitive" : "plain"}`);
    return verdict(outputs[name]?.sensitive === true, wanted, `Outputs:\n${shown.join("\n") || "  none"}`);
  },

  toHaveExactly(this: jest.MatcherContext, config: TerraformJson, count: number, type: string, properties: object = {}): Verdict {
    const all = resourcesOf(config, type);
    const matching = all.filter((one) => this.equals(one.properties, expect.objectContaining(properties)));
    const wanted = `exactly ${count} ${type} with ${JSON.stringify(properties)}`;
    const shown = all.map(
      (one) => `${matching.includes(one) ? "matches" : "differs"}: ${one.address} ${JSON.stringify(one.properties, null, 2)}`,
    );
    return verdict(matching.length === count, wanted, `${matching.length} of ${all.length} match.\n${shown.join("\n")}`);
  },
};

declare global {
  namespace jest {
    interface Matchers<R> {
      /** On a stack: init and validate succeed. */
      toBeValid(): Promise<R>;
      /** On a stack: validate fails with an error whose summary or detail (line breaks read as spaces) is like this. */
      toBeInvalid(message: RegExp): Promise<R>;
      /** On a stack: the plan does this, by address, and nothing else. Reads of data sources do not count. */
      toPlanExactly(changes: Record<string, Action>): Promise<R>;
      /** On a stack: the plan is empty, outputs included. */
      toPlanNothing(): Promise<R>;
      /** On a stack: the plan may create and update, but neither replaces nor deletes. */
      toReplaceNothing(): Promise<R>;
      /** On a stack: the plan fails with an error whose summary or detail (line breaks read as spaces) is like this. */
      toRejectPlan(message: RegExp): Promise<R>;
      /** On a stack: it applies, and a plan right after that is empty. */
      toApplyAndThenPlanNothing(): Promise<R>;
      /** On a stack: this output exists and is sensitive. */
      toHaveSensitiveOutput(name: string): Promise<R>;
      /**
       * On Terraform JSON (parsed): exactly so many resources of the type have these properties, others allowed. Properties may
       * hold jest's asymmetric matchers. Without properties: exactly so many of the type.
       */
      toHaveExactly(count: number, type: string, properties?: object): R;
    }
  }
}
