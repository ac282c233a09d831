import * as z from "zod";
import * as address from "../../grammar/address";
import type { Fault, FaultCode, TextCheck, ValueCheck } from "../../grammar/fault";
import * as guest from "../../grammar/guest";
import { checkKeepAlive } from "../../grammar/keep-alive";
import { checkModelReference } from "../../grammar/model-reference";
import { checkOllamaSetting, checkOllamaVariable } from "../../grammar/ollama-variable";
import type { Bounds } from "../../grammar/size";
import { checkSshPublicKey } from "../../grammar/ssh";
import * as storage from "../../grammar/storage";

// zod would write a function for each map of the schema and let V8 compile it. That takes longer than reading the largest lab without.
z.config({ jitless: true });

/** What zod hands to a check. */
interface Context<T> {
  readonly value: T;
  readonly issues: z.core.$ZodRawIssue[];
}

/** Puts a fault into the issues, whole, so that `fromIssue` can show its remedy. `path` leads from the value to the part with the fault. */
export function refuse<T>(
  { value, issues }: Context<T>,
  fault: Fault<FaultCode> | undefined,
  path: (string | number)[] = [],
): void {
  if (fault) issues.push({ code: "custom", input: value, path, message: fault.message, params: { fault } });
}

/** A text that a check of `grammar/` accepts. Editors get the form of the check, with the example of this place if it has one of its own. */
export function text(check: TextCheck, meaning: string, example = check.form.example) {
  const { pattern } = check.form;
  return z
    .string()
    .check((context) => refuse(context, check(context.value)))
    .meta({
      description: meaning,
      examples: [example],
      ...(pattern && {
        pattern: pattern.source,
        // Editors show this instead of the pattern. No check accepts a null character, so this is what it says of a text of another form.
        patternErrorMessage: check("\0")?.remedy,
      }),
    });
}

/** A map of labels, each of which a check of `grammar/` accepts in the form `key=value`. */
export function labels(check: ValueCheck<string>) {
  return z
    .record(z.string(), z.string())
    .check((context) => {
      for (const [key, value] of Object.entries(context.value)) refuse(context, check(`${key}=${value}`), [key]);
    })
    .meta({ examples: [{ disk: "nvme" }] });
}

/** Variables of an Ollama. One that Ollama would ignore without a word is refused here. */
export function environment() {
  return z
    .record(text(checkOllamaVariable, "Name of a variable."), z.string())
    .check((context) => {
      for (const [name, value] of Object.entries(context.value)) {
        refuse(context, name === "OLLAMA_KEEP_ALIVE" ? checkKeepAlive(value) : checkOllamaSetting(name)(value), [name]);
      }
    })
    .meta({ examples: [{ OLLAMA_NUM_PARALLEL: "2" }] });
}

/** The fault that `refuse` put into an issue. `undefined` when another check made the issue. */
export function faultOf(params: unknown): Fault<FaultCode> | undefined {
  if (typeof params !== "object" || params === null || !("fault" in params)) return undefined;
  // Only `refuse` sets params.
  return params.fault as Fault<FaultCode>;
}

/** A whole number within bounds, both included. Without an example it needs a default. */
export function whole(least: number, most: number, meaning: string, example?: number) {
  return z
    .int()
    .min(least)
    .max(most)
    .meta({ description: meaning, ...(example !== undefined && { examples: [example] }) });
}

/** A number within bounds, both included. It need not be whole. */
export function within([least, most]: Bounds, meaning: string, example: number) {
  return z
    .number()
    .min(least)
    .max(most)
    .meta({ description: meaning, examples: [example] });
}

/** A map whose keys name guests, nodes or the like. */
export function named<V extends z.ZodType>(key: TextCheck, value: V, meaning: string, example?: string) {
  return z.record(text(key, "Name.", example), value).describe(meaning);
}

export const ip = (meaning: string, example?: string) => text(address.checkAddress, meaning, example);
export const cidr = (meaning: string) => text(address.checkCidr, meaning);
export const hostAddress = (meaning: string) => text(address.checkHostAddress, meaning);
export const datastore = (meaning: string, example?: string) => text(storage.checkDatastore, meaning, example);
export const nodeName = (meaning: string) => text(guest.checkNodeName, meaning);
export const guestName = (meaning: string, example: string) => text(guest.checkGuestName, meaning, example);
export const adopt = () =>
  text(
    guest.checkAdopt,
    "Take over the guest that has this VMID, instead of making one: the mark that a refused plan prints, or unmarked. It means nothing once " +
      "the guest bears the mark of this lab's state.",
  );
export const formerKey = () =>
  text(guest.checkKey, "The guest's key until now: it is moved in the state, and not made anew. Remove it after the deploy.");
/** The bounds are in the metadata too, for editors. */
export const vmId = (meaning: string, example: number) =>
  z
    .int()
    .check((context) => refuse(context, guest.checkVmId(context.value)))
    .meta({ description: meaning, examples: [example], minimum: 100, maximum: 999_999_999 });
export const models = (meaning: string) =>
  z.array(text(checkModelReference, "A model, as `ollama pull` takes it.")).describe(meaning);
export const tags = (meaning: string) => z.array(text(guest.checkTag, "A Proxmox tag.")).describe(meaning);
export const sshKeys = (meaning: string) => z.array(text(checkSshPublicKey, "One line of a .pub file.")).describe(meaning);
