import { Token } from "cdktf";
import type { IConstruct } from "constructs";
import type { Check, Fault } from "../grammar/fault";

/** Thrown by a construct whose props hold values that Proxmox, Kubernetes or Ollama would refuse; names all of them. */
export class PropsError extends Error {
  constructor(
    readonly construct: string,
    readonly faults: readonly (Fault & { readonly prop: string })[],
  ) {
    super(
      `${construct || "the app"} cannot be made:\n${faults
        .map(({ prop, code, message, remedy }) => `  ${prop}: ${code}: ${message}\n  → ${remedy}`)
        .join("\n")}`,
    );
    this.name = "PropsError";
  }
}

/** One prop and the check it must pass. */
export interface PropCheck {
  readonly prop: string;
  readonly fault: Fault | undefined;
}

/** Pairs a prop's value with its check. Values that are not known before apply (tokens), and absent ones, pass. */
export function prop<T>(name: string, value: T | undefined, check: Check<T>): PropCheck {
  return { prop: name, fault: value === undefined || Token.isUnresolved(value) ? undefined : check(value) };
}

/** A condition between props; the fault is what is wrong when it does not hold. */
export function required(name: string, holds: boolean, fault: Fault): PropCheck {
  return { prop: name, fault: holds ? undefined : fault };
}

/** @throws PropsError naming every prop whose check failed */
export function checkProps(scope: IConstruct, id: string, checks: readonly PropCheck[]): void {
  const faults = checks.flatMap(({ prop: name, fault }) => (fault ? [{ ...fault, prop: name }] : []));
  if (faults.length > 0) throw new PropsError([scope.node.path, id].filter(Boolean).join("/"), faults);
}
