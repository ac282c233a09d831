// A construct's checks of its props, as one table.
import { TerraformStack, Testing } from "cdktf";
import { PropsError } from "../constructs/props-error";

/** One thing that a construct refuses: what it is, how the props differ from good ones, and the fault in the form `PROP: CODE`. */
export type Rejected<P> = readonly [what: string, changes: Partial<P>, fault: string];

/** The faults that making a construct finds, each in the form `PROP: CODE`. */
function faultsOf(make: (stack: TerraformStack) => unknown): string[] {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  try {
    make(stack);
    return [];
  } catch (error) {
    if (!(error instanceof PropsError)) throw error;
    return error.faults.map(({ prop, code }) => `${prop}: ${code}`);
  }
}

/**
 * Declares the tests of a construct's table: good props are accepted, and each row is refused for its own fault and no other.
 * `make` makes the construct in a stack. `__tests__/constructs/rejected-props.test.ts` looks whether a table names every prop that is checked.
 */
export function testRejectedProps<P>(
  good: P,
  make: (stack: TerraformStack, props: P) => unknown,
  table: readonly Rejected<P>[],
): void {
  test("good props are accepted", () => {
    expect(faultsOf((stack) => make(stack, good))).toEqual([]);
  });
  test.each(table)("%s: refused", (_, changes, fault) => {
    expect(faultsOf((stack) => make(stack, { ...good, ...changes }))).toEqual([fault]);
  });
}
