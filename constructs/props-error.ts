import { Token } from "cdktf";
import type { IConstruct } from "constructs";
import type { Check, Fault } from "../grammar/fault";

/** Thrown by a construct whose props hold values that Proxmox, Kubernetes or Ollama would refuse. It names all of them. */
export class PropsError extends Error {
  constructor(
    /** Path of the construct. */
    readonly construct: string,
    /** What is wrong, each with the prop it is wrong with. */
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
  /** Name of the prop, dotted where it lies in another. */
  readonly prop: string;
  /** What is wrong with its value. `undefined` when nothing is. */
  readonly fault: Fault | undefined;
}

/** Pairs a prop's value with its check. An absent value passes, and so does a token, whose value is not known before the apply. */
export function prop<T>(name: string, value: T | undefined, check: Check<T>): PropCheck {
  return { prop: name, fault: value === undefined || Token.isUnresolved(value) ? undefined : check(value) };
}

/** A condition between props. The fault says what is wrong when the condition does not hold. */
export function required(name: string, holds: boolean, fault: Fault): PropCheck {
  return { prop: name, fault: holds ? undefined : fault };
}

/** @throws PropsError naming every prop whose check failed */
export function checkProps(scope: IConstruct, id: string, checks: readonly PropCheck[]): void {
  const faults = checks.flatMap(({ prop: name, fault }) => (fault ? [{ ...fault, prop: name }] : []));
  if (faults.length > 0) throw new PropsError([scope.node.path, id].filter(Boolean).join("/"), faults);
}
