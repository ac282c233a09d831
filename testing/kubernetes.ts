// What a synthesized stack gives to Kubernetes, as data.
import type { KubernetesObject } from "../constructs/kubernetes/objects";
import type { StackJson } from "./lab";
import { textOf } from "./rendered";

/** An object of Kubernetes, as a test looks at it. */
export type AnyObject = KubernetesObject & { readonly spec?: Record<string, unknown>; readonly data?: Record<string, string> };

/** A Helm release of the stack, by its name. */
export function releaseOf(stack: StackJson, name: string): Record<string, unknown> {
  const release = stack.resource["helm_release"]?.[name];
  if (!release) throw new Error(`the stack has no release ${name}`);
  return release;
}

/** The values of a release, as Helm gets them from Terraform. */
export function valuesOf(stack: StackJson, name: string): Record<string, unknown> {
  const [values] = releaseOf(stack, name)["values"] as string[];
  return JSON.parse(textOf(values ?? "{}")) as Record<string, unknown>;
}

/** The objects that a release of the local chart installs. */
export function objectsOf(stack: StackJson, name: string): AnyObject[] {
  return valuesOf(stack, name)["objects"] as AnyObject[];
}

/** One of them, by its kind. */
export function objectOf(stack: StackJson, name: string, kind: string): AnyObject {
  const object = objectsOf(stack, name).find((one) => one.kind === kind);
  if (!object) throw new Error(`the release ${name} has no ${kind}`);
  return object;
}
