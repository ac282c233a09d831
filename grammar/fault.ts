/** The codes of the faults that a value can have by itself. `docs/problems.md` explains each. */
export type FaultCode =
  | "chart-version-not-exact"
  | "credential-in-url"
  | "endpoint-not-https"
  | "endpoint-path"
  | "invalid-address"
  | "invalid-adopt"
  | "invalid-bridge"
  | "invalid-checksum"
  | "invalid-cpu"
  | "invalid-datastore"
  | "invalid-device"
  | "invalid-domain"
  | "invalid-driver-branch"
  | "invalid-driver-version"
  | "invalid-email"
  | "invalid-environment"
  | "invalid-file-path"
  | "invalid-file-system"
  | "invalid-host"
  | "invalid-image"
  | "invalid-image-name"
  | "invalid-image-volume"
  | "invalid-image-prefix"
  | "invalid-k3s-version"
  | "invalid-keep-alive"
  | "invalid-key"
  | "invalid-kubernetes-name"
  | "invalid-label"
  | "invalid-mac"
  | "invalid-mapping"
  | "invalid-memory"
  | "invalid-mode"
  | "invalid-model"
  | "invalid-mount-option"
  | "invalid-name"
  | "invalid-network"
  | "invalid-node-name"
  | "invalid-oci"
  | "invalid-ollama-version"
  | "invalid-path"
  | "invalid-pci-id"
  | "invalid-pci-path"
  | "invalid-pool"
  | "invalid-registry"
  | "invalid-release"
  | "invalid-ssh-key"
  | "invalid-switch"
  | "invalid-tag"
  | "invalid-taint"
  | "invalid-template-name"
  | "invalid-template-volume"
  | "invalid-url"
  | "invalid-user"
  | "invalid-vmid"
  | "network-host-bits"
  | "not-https"
  | "private-key"
  | "reserved-label";

/** Why a value is refused. It is data: the caller knows the place of the value. */
export interface Fault<C extends string = string> {
  /** Stable kebab-case name of the fault, such as `invalid-mac`. */
  readonly code: C;
  /** What is wrong, with the value and what was expected of it. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** Looks at one value and returns what is wrong with it, or `undefined` when nothing is. Pure. */
export type Check<T, C extends string = string> = (value: T) => Fault<C> | undefined;

/** A check of this room. Its codes are registered, so a lab can use it as well as a construct. */
export type ValueCheck<T> = Check<T, FaultCode>;

/** Shows a value in a message: quoted, on one line, cut after 60 characters so that a pasted file does not fill the screen. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** Makes the check of a value whose whole grammar is one regular expression. */
export function matching(pattern: RegExp, code: FaultCode, what: string, remedy: string): ValueCheck<string> {
  return (value) => (pattern.test(value) ? undefined : { code, message: `${quote(value)} is not ${what}`, remedy });
}
