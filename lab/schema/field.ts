import { z } from "zod";
import * as address from "../../grammar/address";
import type { Check, Fault } from "../../grammar/fault";
import * as guest from "../../grammar/guest";
import { checkModelReference } from "../../grammar/model-reference";
import { checkSshPublicKey } from "../../grammar/ssh";
import * as storage from "../../grammar/storage";

/** A string whose grammar is one of `grammar/`'s; the fault travels in the issue, so that the printer can show its remedy. */
export function text(check: Check<string>, meaning: string) {
  return z
    .string()
    .check((context) => {
      const fault = check(context.value);
      if (fault) context.issues.push({ code: "custom", input: context.value, message: fault.message, params: { fault } });
    })
    .describe(meaning);
}

/** The fault that `text` put into an issue, if it was one of its. */
export function faultOf(params: unknown): Fault | undefined {
  if (typeof params !== "object" || params === null || !("fault" in params)) return undefined;
  return params.fault as Fault;
}

/** A whole number within bounds, both included. */
export function whole(least: number, most: number, meaning: string) {
  return z.int().min(least).max(most).describe(meaning);
}

/** A map whose keys name guests, nodes or the like. */
export function named<V extends z.ZodType>(key: Check<string>, value: V, meaning: string) {
  return z.record(text(key, "Name."), value).describe(meaning);
}

export const ip = (meaning: string) => text(address.checkAddress, meaning);
export const cidr = (meaning: string) => text(address.checkCidr, meaning);
export const hostAddress = (meaning: string) => text(address.checkHostAddress, meaning);
export const datastore = (meaning: string) => text(storage.checkDatastore, meaning);
export const nodeName = (meaning: string) => text(guest.checkNodeName, meaning);
export const guestName = (meaning: string) => text(guest.checkGuestName, meaning);
export const adopt = () =>
  text(
    guest.checkAdopt,
    "Take over the guest that has this VMID, instead of making one: the mark that a refused plan prints, or unmarked. It means nothing once " +
      "the guest bears the mark of this lab's state.",
  );
export const formerKey = () =>
  text(guest.checkKey, "The guest's key until now: it is moved in the state, and not made anew. Remove it after the deploy.");
export const vmId = (meaning: string) => whole(100, 999_999_999, meaning);
export const models = (meaning: string) =>
  z.array(text(checkModelReference, "A model, as `ollama pull` takes it.")).describe(meaning);
export const tags = (meaning: string) => z.array(text(guest.checkTag, "A Proxmox tag.")).describe(meaning);
export const sshKeys = (meaning: string) => z.array(text(checkSshPublicKey, "One line of a .pub file.")).describe(meaning);
