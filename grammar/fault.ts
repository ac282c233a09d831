/** The codes of the faults that a value can have by itself. `docs/problems.md` explains each. */
export type FaultCode =
  | "chart-version-not-exact"
  | "credential-in-environment"
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
  // JSON has no word for NaN and the infinities.
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** What an editor shows and checks of a text while somebody writes it. */
export interface Form {
  /** A text that the check accepts. */
  readonly example: string;
  /** Every text that the check accepts matches it; it may match others too. @default no character is refused */
  readonly pattern?: RegExp;
}

/** A check of a text, with the form that the text has. */
export interface TextCheck extends ValueCheck<string> {
  readonly form: Form;
}

/** Gives a check the form of its texts. */
export function formed(form: Form, check: ValueCheck<string>): TextCheck {
  return Object.assign((value: string) => check(value), { form });
}

/** Makes the check of a text whose whole grammar is one regular expression. */
export function matching(form: Required<Form>, code: FaultCode, what: string, remedy: string): TextCheck {
  return formed(form, (value) =>
    form.pattern.test(value) ? undefined : { code, message: `${quote(value)} is not ${what}`, remedy },
  );
}
