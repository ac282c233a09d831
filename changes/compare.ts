import { type AttributeEffect, costOfChange } from "../catalog/edit-costs";
import { count } from "../lab/problem";
import { type Difference, differences } from "./difference";
import { isMap, type Json, type JsonMap, listAt, mapAt, type Output, type StackOutput, textAt } from "./output";
import { MARK, nameOf, wordsFor } from "./words";

/**
 * What a deploy does to something, the most dangerous first.
 * - `destroyed`: it is gone afterwards
 * - `replaced`: it is destroyed and made anew
 * - `refused`: the deploy of the stack stops because of it
 * - `left`: nobody manages it any more, and it goes on running
 * - `restarted`: it is changed, and stopped for that
 * - `created`: it is new
 * - `changed`: it is changed, and nothing stops
 * - `kept`: it stays as it is, although the lab says otherwise, or because it is protected
 */
export const ACTIONS = ["destroyed", "replaced", "refused", "left", "restarted", "created", "changed", "kept"] as const;

/** One of the actions. */
export type Action = (typeof ACTIONS)[number];

/** Why something happens: an attribute that is another. */
export interface Reason {
  /** The attribute, as people call it. */
  readonly what: string;
  /** From what to what. Without what may be a secret. */
  readonly change: string;
  /** What this change alone does. `ignored`: Terraform leaves the attribute as it was. */
  readonly effect: AttributeEffect | "ignored";
  /** What a person should know besides. @default nothing */
  readonly note?: string;
}

/** What a deploy does to one thing. */
export interface Change {
  readonly action: Action;
  /** The stack's id. */
  readonly stack: string;
  /** The address in Terraform; the stack's id for what concerns the stack as a whole. */
  readonly address: string;
  /** What people call it. */
  readonly name: string;
  readonly reasons: readonly Reason[];
  /** What a person should know besides the reasons. @default nothing */
  readonly note?: string;
}

const CONTAINER = "proxmox_virtual_environment_container";
const VM = "proxmox_virtual_environment_vm";
const CLAIM = "kubernetes_persistent_volume_claim_v1";
const NAMESPACE = "kubernetes_namespace_v1";

/**
 * Resources that serve others. Nothing is lost when one is destroyed or made anew, so that is a change like any other; and what belongs to a
 * guest goes and comes with it.
 */
const HELPERS = [
  "null_resource",
  "terraform_data",
  "proxmox_virtual_environment_file",
  "proxmox_virtual_environment_firewall_options",
  "proxmox_virtual_environment_firewall_rules",
  "proxmox_download_file",
  "proxmox_hardware_mapping_pci",
  "proxmox_pool_membership",
];

/** Attributes that Terraform ignores, but whose change stops the plan: a postcondition of the guest names the command to run in Proxmox. */
const WATCHED: Readonly<Record<string, readonly string[]>> = {
  [CONTAINER]: ["device_passthrough", "disk.datastore_id", "mount_point"],
  [VM]: ["initialization.ip_config"],
};
const BY_HAND = "The plan stops, and names the command to run in Proxmox first.";
const NEVER_SHRINKS =
  "A claim never shrinks, so the plan stops, protected or not. Put the size back; or take the release out, deploy, and add it again.";
const MODE_STAYS = "The claim has another access mode than the default, so the plan stops. Write its mode into the lab.";

/** Where a VM looks for its cloud-init snippets. */
const SNIPPETS = ["initialization.meta_data_file_id", "initialization.user_data_file_id"];
const MOVED_SNIPPET = "Each plan warns until you have run the command that it names; without it the VM will not start again.";

/** What a VM is set up with, as a hash. */
const BOOTSTRAP = /^null_resource\..*_bootstrap$/;
/** What makes ssh forget the host key of a guest that was made anew. */
const HOST_KEY = /^null_resource\..*_host_key$/;

/** What finds protected claims and namespaces in the cluster that have left the lab. */
const CLAIMS_GUARD = "terraform_data.claims_guard";
const KEPT_IN_CLUSTER: Readonly<Record<string, string>> = {
  [CLAIM]:
    "It is protected in the cluster, so the plan stops. Keep it by ollama.keptClaims; or set protect: false, deploy, and then take the release out.",
  [NAMESPACE]: "It is protected in the cluster, so the plan stops. Put its name back, or keep its claims by ollama.keptClaims.",
};

/** What is no attribute of the object itself. */
const META = ["lifecycle", "depends_on", "provisioner", "connection"];

const typeOf = (address: string) => address.slice(0, address.indexOf("."));
const isHelper = (address: string) => HELPERS.includes(typeOf(address));
const isGuest = (address: string) => [CONTAINER, VM].includes(typeOf(address));
const lifecycleOf = (body: JsonMap) => mapAt(body, "lifecycle");
const isProtected = (body: JsonMap) => lifecycleOf(body)["prevent_destroy"] === true;

/** Names of a path, without indices. */
const namesOf = (path: Difference["path"]) => path.filter((step) => typeof step === "string");

/** Whether the path of an attribute is that of another, or below it. Dotted names, with or without indices. */
function isBelow(path: Difference["path"], dotted: string): boolean {
  const [names, wanted] = [namesOf(path), dotted.replace(/\[\d+\]/g, "").split(".")];
  return wanted.every((step, i) => step === names[i]);
}

/** A resource that is in both outputs. */
interface Pair {
  readonly address: string;
  readonly before: JsonMap;
  readonly after: JsonMap;
}

/** The number of a size such as 50Gi or 100G. */
const sizeOf = (size: Json | undefined) => Number.parseInt(String(size), 10);

/** Whether a postcondition stops the plan because of an ignored difference. */
function isWatched(type: string, { path, before, after }: Difference): boolean {
  if (!(WATCHED[type] ?? []).some((one) => isBelow(path, one))) return false;
  if (!isBelow(path, "mount_point")) return true;
  // A volume may be larger than the lab says, and one that the lab does not have is left alone.
  return Array.isArray(after) ? after.length > 0 : isBelow(path, "mount_point.size") && sizeOf(after) > sizeOf(before);
}

function reasonFor(difference: Difference, { address, after }: Pair, hasGuard: boolean): Reason[] {
  const words = wordsFor(difference);
  if (!words) return [];
  const { path } = difference;
  const type = typeOf(address);
  const isIgnored = listAt(lifecycleOf(after), "ignore_changes").some((one) => typeof one === "string" && isBelow(path, one));
  if (isIgnored && isWatched(type, difference)) return [{ ...words, effect: "refused", note: BY_HAND }];
  if (isIgnored && type === VM && SNIPPETS.some((one) => isBelow(path, one)))
    return [{ ...words, effect: "ignored", note: MOVED_SNIPPET }];
  if (isIgnored) return [{ ...words, effect: "ignored" }];
  if (type === CONTAINER && hasGuard && isBelow(path, "node_name")) {
    return [{ ...words, effect: "refused", note: "The plan stops, and names the command that migrates the container." }];
  }
  const conditions = listAt(lifecycleOf(after), "precondition").length;
  // The claim's first condition compares its size, its second its mode, where the lab gives none.
  if (
    type === CLAIM &&
    conditions > 0 &&
    isBelow(path, "spec.resources.requests.storage") &&
    sizeOf(difference.after) < sizeOf(difference.before)
  ) {
    return [{ ...words, effect: "refused", note: NEVER_SHRINKS }];
  }
  if (type === CLAIM && conditions > 1 && isBelow(path, "spec.access_modes"))
    return [{ ...words, effect: "refused", note: MODE_STAYS }];
  const migrate = after["migrate"];
  const cost = costOfChange(type, path, difference.before, difference.after, { migrate });
  return [{ ...words, effect: cost?.effect ?? "in-place", ...(cost?.note && { note: cost.note }) }];
}

function reasonsOf(pair: Pair, hasGuard: boolean): Reason[] {
  const attributes = (body: JsonMap) => Object.fromEntries(Object.entries(body).filter(([key]) => !META.includes(key)));
  const found = differences(attributes(pair.before), attributes(pair.after)).flatMap((one) => reasonFor(one, pair, hasGuard));
  const [before, after] = [isProtected(pair.before), isProtected(pair.after)];
  // A guest's protection in Proxmox says the same.
  const protection: Reason[] =
    before === after || isGuest(pair.address)
      ? []
      : [
          {
            what: "protection",
            change: after ? "off → on" : "on → off",
            effect: "in-place",
            ...(before && { note: "Nothing refuses to destroy it any more." }),
          },
        ];
  const all = [...found, ...protection];
  return all.length > 1 ? all.filter(({ what }) => what !== MARK) : all;
}

/** What the reasons come to for a resource that is in both outputs. Undefined when there is none. */
function actionOf(reasons: readonly Reason[], { after }: Pair): Action | undefined {
  const has = (effect: Reason["effect"]) => reasons.some((reason) => reason.effect === effect);
  // Terraform refuses to destroy what is protected, so nothing is replaced.
  if (has("replaces")) return isProtected(after) ? "refused" : "replaced";
  if (has("refused")) return "refused";
  if (has("restarts")) return "restarted";
  if (has("in-place")) return "changed";
  return has("ignored") ? "kept" : undefined;
}

/** A reason that does not make a resource anew, for a resource that is made anew because of another. */
function asMadeAnew({ what, change, effect, note }: Reason): Reason {
  return effect === "replaces" ? { what, change, effect, ...(note && { note }) } : { what, change, effect: "in-place" };
}

/** A reason without what it would cost. */
function withoutNote({ what, change, effect }: Reason): Reason {
  return { what, change, effect };
}

/** What a resource is kept for that nothing concerns. */
const PROTECTED = "It is protected.";

/** Puts new addresses into a resource that refers to others by their former ones. */
function renaming(addresses: readonly (readonly [from: string, to: string])[]): (body: JsonMap) => JsonMap {
  const others = new Map(addresses.filter(([from, to]) => from !== to));
  const inValue = (value: Json): Json => {
    if (typeof value === "string")
      return value.replace(/\b[a-z0-9_]+\.[A-Za-z0-9_-]+/g, (address) => others.get(address) ?? address);
    if (Array.isArray(value)) return value.map(inValue);
    return isMap(value) ? inMap(value) : value;
  };
  const inMap = (body: JsonMap): JsonMap => Object.fromEntries(Object.entries(body).map(([key, value]) => [key, inValue(value)]));
  return others.size === 0 ? (body) => body : inMap;
}

/** What is known of a resource while its stack is compared. */
interface Work {
  readonly pair: Pair;
  reasons: Reason[];
}

/** The resources whose replacement replaces this one, or changes what it refers to: their addresses, with the reason. */
function* followers(pair: Pair, replaced: ReadonlySet<string>, changed: ReadonlySet<string>): Iterable<Reason> {
  const { address, after } = pair;
  for (const trigger of listAt(lifecycleOf(after), "replace_triggered_by")) {
    if (typeof trigger !== "string") continue;
    const [type, name, ...attribute] = trigger.split(".");
    const other = `${type}.${name}`;
    // The whole resource counts with every change of it, an attribute such as its id only when it is made anew.
    if (replaced.has(other) || (attribute.length === 0 && changed.has(other))) {
      yield BOOTSTRAP.test(other)
        ? { what: "bootstrap", change: "the lab says onBootstrapChange: replaceWorkers", effect: "replaces" }
        : { what: nameOf(other, {}), change: "made anew", effect: "replaces" };
    }
  }
  for (const { path, text } of texts(after, [])) {
    for (const other of replaced) {
      if (!text.includes(`${other}.id`)) continue;
      const cost = costOfChange(typeOf(address), path, "", text);
      if (cost?.effect === "replaces")
        yield { what: nameOf(other, {}), change: "made anew", effect: "replaces", ...(cost.note && { note: cost.note }) };
    }
  }
}

/** Every text of a resource with an expression in it, and its path. */
function* texts(value: Json, path: readonly (string | number)[]): Iterable<{ path: readonly (string | number)[]; text: string }> {
  if (typeof value === "string") {
    if (value.includes("${")) yield { path, text: value };
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* texts(item, [...path, index]);
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) if (!META.includes(key)) yield* texts(item, [...path, key]);
  }
}

/** Adds to the resources what follows from the replacement of others, until nothing follows any more. */
function follow(work: ReadonlyMap<string, Work>): void {
  const done = new Set<string>();
  for (;;) {
    const entries = [...work].map(([address, one]) => ({ address, one, action: actionOf(one.reasons, one.pair) }));
    const replaced = new Set(entries.filter(({ action }) => action === "replaced").map(({ address }) => address));
    const changed = new Set(entries.filter(({ action }) => action && action !== "kept").map(({ address }) => address));
    let found = false;
    for (const { address, one, action } of entries) {
      if (action === "replaced") continue;
      for (const reason of followers(one.pair, replaced, changed)) {
        const key = `${address} ${reason.what}`;
        if (done.has(key)) continue;
        done.add(key);
        one.reasons = [...one.reasons, reason];
        found = true;
      }
    }
    if (!found) return;
  }
}

/** Whether a resource belongs to a guest: it has the guest's name, alone or with what it is for behind it. */
function belongsTo(address: string, guests: readonly string[]): boolean {
  const name = address.slice(address.indexOf(".") + 1);
  return isHelper(address) && guests.some((guest) => name === guest || name.startsWith(`${guest}_`));
}

/** What a resource is for the reader: nothing is lost with a helper. */
function forReader(change: Change): Change {
  const { address, action, reasons } = change;
  if (!isHelper(address) || (action !== "destroyed" && action !== "replaced")) return change;
  const note = (action === "destroyed" ? REMOVED : ANEW)[typeOf(address)];
  return {
    ...change,
    action: "changed",
    reasons: reasons.map(({ what, change: words }) => ({ what, change: words, effect: "in-place" })),
    ...(note && { note }),
  };
}

/** What is said of a helper that is removed. */
const REMOVED: Readonly<Record<string, string>> = {
  null_resource: "It is no longer run.",
  proxmox_download_file: "It is removed from the datastore; guests that were made from it stay.",
  proxmox_hardware_mapping_pci: "It is removed once no guest has it.",
  proxmox_pool_membership: "It is removed; the guest stays.",
  proxmox_virtual_environment_firewall_options: "It is removed.",
  proxmox_virtual_environment_firewall_rules: "It is removed.",
  proxmox_virtual_environment_file: "It is removed.",
};

/** What is said of a helper that is made anew. */
const ANEW: Readonly<Record<string, string>> = {
  proxmox_virtual_environment_file: "New VMs are made with it; those that run keep what they were made with.",
};

/** What is said of something that is destroyed. */
const LOST: Readonly<Record<string, string>> = {
  [CONTAINER]: "Its disks are deleted with it.",
  [VM]: "Its disks are deleted with it.",
  [CLAIM]: "The models in it are deleted with it.",
  [NAMESPACE]: "Everything in it is deleted with it.",
};

/** The size and the place of a new guest, in a few words. */
function noteOfNew(address: string, body: JsonMap): string | undefined {
  if (!isGuest(address)) return undefined;
  const [ip] = listAt(mapAt(body, "initialization"), "ip_config");
  const where = textAt(mapAt(ip, "ipv4"), "address").replace(/\/\d+$/, "");
  return `VMID ${body["vm_id"]} on ${textAt(body, "node_name")}${where === "" ? "" : `, ${where}`}.`;
}

function compareStack(stack: string, before: StackOutput, after: StackOutput): Change[] {
  const moves = new Map(after.moved.map(({ from, to }) => [from, to]));
  const formerOf = new Map(
    Object.entries(before.resources).map(([address, body]) => {
      const to = moves.get(address);
      return [to !== undefined && to in after.resources && !(to in before.resources) ? to : address, { address, body }] as const;
    }),
  );
  const hasGuard = "terraform_data.guests_checked" in after.resources;
  const renamed = renaming([...formerOf].map(([address, was]) => [was.address, address] as const));
  const work = new Map<string, Work>();
  for (const [address, body] of Object.entries(after.resources)) {
    const was = formerOf.get(address);
    if (!was) continue;
    const pair = { address, before: renamed(was.body), after: body };
    work.set(address, { pair, reasons: reasonsOf(pair, hasGuard) });
  }
  follow(work);

  const changes: Change[] = [];
  for (const [address, { pair, reasons }] of work) {
    const action = actionOf(reasons, pair);
    const name = nameOf(address, pair.after);
    const was = formerOf.get(address)?.address ?? address;
    const former = was === address || isHelper(address) ? undefined : `It is ${nameOf(was, pair.before)} under another key.`;
    const isSaved = action === "refused" && reasons.some(({ effect }) => effect === "replaces");
    const isLost = action === "replaced" && isGuest(address) && reasons.every((reason) => reason.note === undefined);
    const notes = [former, isSaved && "protect: true refuses to destroy it.", isLost && LOST[typeOf(address)]];
    const note = notes.filter((part) => typeof part === "string").join(" ");
    // What is made anew takes everything from the lab, also what an edit alone would leave. What is not made anew loses nothing.
    const all = action === "replaced" ? reasons.map(asMadeAnew) : isSaved ? reasons.map(withoutNote) : reasons;
    if (action) changes.push({ action, stack, address, name, reasons: all, ...(note !== "" && { note }) });
    else if (former !== undefined) changes.push({ action: "kept", stack, address, name, reasons: [], note: former });
    else if (isProtected(pair.after)) changes.push({ action: "kept", stack, address, name, reasons: [], note: PROTECTED });
  }
  const gone = [...formerOf].filter(([address]) => !(address in after.resources));
  const come = Object.entries(after.resources).filter(([address]) => !formerOf.has(address));
  const refused = new Set<string>();
  for (const [address, { body }] of gone) {
    const name = nameOf(address, body);
    const heir = isGuest(address)
      ? come.find(([other, one]) => typeOf(other) === typeOf(address) && one["vm_id"] === body["vm_id"])
      : undefined;
    if (after.forgotten.includes(address)) {
      changes.push({ action: "kept", stack, address, name, reasons: [], note: "Terraform forgets it, and destroys nothing." });
    } else if (heir && hasGuard) {
      refused.add(address).add(heir[0]);
      const key = address.slice(address.indexOf(".") + 1);
      const note =
        `It has the VMID ${body["vm_id"]} of ${nameOf(...heir)}, so the plan stops. If only the key is another, write at ` +
        `${heir[0].slice(heir[0].indexOf(".") + 1)} in the lab: formerKey: ${key}`;
      changes.push({ action: "refused", stack, address, name, reasons: [], note });
    } else if (isGuest(address) && body["protection"] === true) {
      refused.add(address);
      const note = "It is protected, so the deploy stops. Put it back with protect: false, deploy, and then take it out.";
      changes.push({ action: "refused", stack, address, name, reasons: [], note });
    } else if ([CLAIM, NAMESPACE].includes(typeOf(address)) && isProtected(body) && CLAIMS_GUARD in after.resources) {
      changes.push({ action: "refused", stack, address, name, reasons: [], note: KEPT_IN_CLUSTER[typeOf(address)] });
    } else {
      const note = LOST[typeOf(address)];
      changes.push({ action: "destroyed", stack, address, name, reasons: [], ...(note && { note }) });
    }
  }
  for (const [address, body] of come) {
    if (refused.has(address)) continue;
    const note = noteOfNew(address, body);
    changes.push({ action: "created", stack, address, name: nameOf(address, body), reasons: [], ...(note && { note }) });
  }
  const inventory = inventoryOf(stack, before, after);
  // The commands that run Ansible run again because of the inventory, which says why.
  const others = withoutParts(changes, refused).filter(({ address }) => address !== PLAYBOOK || inventory.length === 0);
  return [...stateOf(stack, before, after), ...others, ...inventory];
}

/** Without what goes and comes with a guest, and without what is of no interest. */
function withoutParts(changes: readonly Change[], refused: ReadonlySet<string>): Change[] {
  const nameIn = (address: string) => address.slice(address.indexOf(".") + 1);
  const guests = (...actions: Action[]) =>
    changes.filter(({ address, action }) => isGuest(address) && actions.includes(action)).map(({ address }) => nameIn(address));
  const whole = guests("destroyed", "replaced", "created");
  const stopped = [...guests("refused"), ...[...refused].map(nameIn)];
  const all = guests(...ACTIONS);
  return changes
    .filter(({ address, action, reasons }) => {
      if (typeOf(address) === "terraform_data") return false;
      // The snippet says the same in words; the host key follows from the guest.
      if (BOOTSTRAP.test(address) || HOST_KEY.test(address)) return false;
      if (belongsTo(address, whole)) return false;
      if (belongsTo(address, stopped) && (action === "created" || action === "destroyed")) return false;
      // They move with their guest.
      return !belongsTo(address, all) || reasons.length === 0 || reasons.some(({ what }) => what !== "Proxmox node");
    })
    .map(forReader);
}

/** A state that is elsewhere: Terraform would begin with an empty one. */
function stateOf(stack: string, before: StackOutput, after: StackOutput): Change[] {
  const found = differences(before.backend, after.backend).flatMap((one) => wordsFor(one) ?? []);
  if (found.length === 0) return [];
  const reasons = found.map((words): Reason => ({ ...words, effect: "refused" }));
  const note =
    "Terraform looks for the state there, and takes everything for new where it finds none. Move the state first: terraform init -migrate-state " +
    "in the stack's folder, or move the file.";
  return [{ action: "refused", stack, address: stack, name: `state of the stack ${stack}`, reasons, note }];
}

const PLAYBOOK = "null_resource.configure";

/** What Ansible brings: within the deploy, or after it. */
function inventoryOf(stack: string, before: StackOutput, after: StackOutput): Change[] {
  const [was, is] = [before.outputs["inventory"], after.outputs["inventory"]];
  if (typeof was !== "string" || typeof is !== "string" || was === is) return [];
  const words = wordsFor({ path: ["inventory"], labels: ["inventory"], before: was, after: is });
  if (!words) return [];
  const note =
    PLAYBOOK in after.resources
      ? "Ansible runs within the deploy."
      : "A deploy does not bring it: npm run inventory, then ansible-playbook.";
  return [
    {
      action: "changed",
      stack,
      address: "output.inventory",
      name: "Ansible inventory",
      reasons: [{ what: "text", change: words.change, effect: "in-place" }],
      note,
    },
  ];
}

/** A stack that is gone from the lab. Its state stays, and with it everything that is in it. */
function leftBehind(stack: string, { resources }: StackOutput): Change {
  const guests = Object.entries(resources).filter(([address]) => isGuest(address));
  const names = guests.map(([address, body]) => nameOf(address, body)).sort();
  const number = Object.keys(resources).length;
  return {
    action: "left",
    stack,
    address: stack,
    name: `stack ${stack}`,
    reasons: [],
    note:
      `The lab has no such stack any more, so no deploy touches its ${count(number, "resource")}${names.length > 0 ? `, among them ${names.join(", ")}` : ""}. ` +
      `To destroy them, destroy the stack before it leaves the lab: npx cdktf destroy ${stack}`,
  };
}

/** The order of people: the most dangerous first, then by stack and name. */
function inOrder(changes: readonly Change[]): Change[] {
  return [...changes].sort(
    (a, b) => ACTIONS.indexOf(a.action) - ACTIONS.indexOf(b.action) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

const NO_STACK: StackOutput = { resources: {}, moved: [], forgotten: [], backend: {}, outputs: {} };

/**
 * What a deploy of `after` does where `before` is deployed, as far as the two outputs tell, the most dangerous first. What differs in
 * Proxmox or in the cluster from `before`, and what providers find out themselves, only Terraform's plan knows.
 */
export function compare(before: Output, after: Output): Change[] {
  const stacks = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changes = stacks.flatMap((stack) => {
    const [was, is] = [before[stack], after[stack]];
    if (!is) return was ? [leftBehind(stack, was)] : [];
    return compareStack(stack, was ?? { ...NO_STACK, backend: is.backend }, is);
  });
  // What is protected is worth a word only where something happens.
  return inOrder(hasEffect(changes) ? changes : changes.filter(({ note }) => note !== PROTECTED));
}

/** Whether a deploy would do anything. What is kept stays. */
export function hasEffect(changes: readonly Change[]): boolean {
  return changes.some(({ action }) => action !== "kept");
}

/** Whether something is destroyed, be it to make it anew. */
export function destroysSomething(changes: readonly Change[]): boolean {
  return changes.some(({ action }) => action === "destroyed" || action === "replaced");
}
