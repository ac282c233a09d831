import { isDeepStrictEqual } from "node:util";
import { count } from "../lab/problem";
import type { Difference } from "./difference";
import { isMap, type Json, type JsonMap, listAt, mapAt, textAt } from "./output";

/** What people call the attributes of guests, and how a value of each is written. */
const ATTRIBUTES: Readonly<Record<string, readonly [words: string, unit?: "MiB" | "GiB"]>> = {
  clone: ["template"],
  "clone.vm_id": ["template"],
  "cpu.cores": ["cores"],
  description: ["description"],
  device_passthrough: ["devices"],
  "disk.datastore_id": ["datastore of the disk"],
  "disk.import_from": ["image"],
  "disk.size": ["disk", "GiB"],
  efi_disk: ["EFI disk"],
  hostpci: ["graphics cards"],
  "hostpci.mapping": ["graphics card"],
  "initialization.datastore_id": ["datastore of the cloud-init disk"],
  "initialization.dns": ["name servers"],
  "initialization.dns.domain": ["search domain"],
  "initialization.dns.servers": ["name servers"],
  "initialization.hostname": ["host name"],
  "initialization.ip_config.ipv4.address": ["address"],
  "initialization.ip_config.ipv4.gateway": ["gateway"],
  "initialization.meta_data_file_id": ["cloud-init snippet"],
  "initialization.user_account": ["SSH keys"],
  "initialization.user_data_file_id": ["cloud-init snippet"],
  "initialization.user_account.keys": ["SSH keys"],
  "memory.dedicated": ["memory", "MiB"],
  "memory.swap": ["swap", "MiB"],
  mount_point: ["volumes"],
  "mount_point.size": ["size of a volume"],
  name: ["name"],
  "network_device.bridge": ["bridge"],
  "network_device.vlan_id": ["VLAN"],
  "network_interface.bridge": ["bridge"],
  "network_interface.mac_address": ["MAC address"],
  "network_interface.vlan_id": ["VLAN"],
  node_name: ["Proxmox node"],
  on_boot: ["start with the node"],
  "operating_system.template_file_id": ["template"],
  protection: ["protection"],
  "local.path": ["path"],
  rule: ["rules"],
  "source_raw.data": ["text"],
  "spec.access_modes": ["access mode"],
  "spec.resources.requests.storage": ["size"],
  "spec.storage_class_name": ["StorageClass"],
  start_on_boot: ["start with the node"],
  tags: ["tags"],
  version: ["version of the chart"],
  vm_id: ["VMID"],
};

/** The path of a difference without what stands for items of lists. */
function attributeOf({ path }: Pick<Difference, "path">): string {
  return path.filter((step) => typeof step === "string").join(".");
}

/** Names of settings whose values are not shown, because they may be secrets. */
const SECRET_NAME = /pass|token|secret|credential|private|authorization|api[-_]?key/i;

/** How many characters of a value are shown. */
const LONGEST = 100;

/** A value that may be shown: short, and without what may be a secret. */
function shown(value: Json | undefined): string {
  if (value === undefined || value === null || value === "") return "none";
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((item) => shown(item)).join(", ");
  if (isMap(value)) return itemWords(value);
  const text = String(value);
  if (text.includes("-----BEGIN ")) return "(hidden)";
  const flat = text
    .replace(/\/\/[^/@\s]*@/g, "//(hidden)@")
    // Of a key its end tells it from others.
    .replace(/((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+) AAAA[\w+/=]*([\w+/=]{8})/g, "$1 …$2")
    .replace(/\s+/g, " ");
  return flat.length > LONGEST ? `${flat.slice(0, LONGEST)}…` : flat;
}

/** An item of a list in a few words: a rule of a firewall by what it opens, everything else by its name. */
function itemWords(item: JsonMap): string {
  if (typeof item["action"] === "string") {
    const port = textAt(item, "dport");
    return [
      textAt(item, "comment") || textAt(item, "action"),
      [textAt(item, "proto"), port].filter((part) => part !== "").join(" "),
      textAt(item, "source") && `from ${textAt(item, "source")}`,
    ]
      .filter((part) => part !== "")
      .join(" ");
  }
  const kind = textAt(item, "kind");
  if (kind !== "") return `${kind} ${textAt(mapAt(item, "metadata"), "name")}`;
  const name = [item["mapping"], item["path"], item["name"], item["id"]].find(
    (value) => typeof value === "string" && value !== "",
  );
  const size = textAt(item, "size");
  if (name !== undefined) return `${shown(name)}${size === "" ? "" : ` (${size})`}`;
  return Object.entries(item)
    .map(([key, value]) => `${key} ${SECRET_NAME.test(key) ? "(hidden)" : shown(value)}`)
    .join(", ");
}

/** The marks by which guests, claims and namespaces are known to their state are no business of a reader. */
const isMark = (value: Json) => typeof value === "string" && value.startsWith("tf.");
const MARK_LABEL = "ollama-lab/protected-by";

/** What a change of the mark alone is called. It follows from other changes, which say more. */
export const MARK = "mark in Proxmox";

/** The mark of a guest without the id of its state: its node and its key. */
function markChange(before: Json | undefined, after: Json | undefined): Words {
  const shortOf = (list: Json | undefined) => String(Array.isArray(list) ? list[0] : list).replace(/^tf\.(\$\{[^}]*\}\.)?/, "");
  return { what: MARK, change: `${shortOf(before)} → ${shortOf(after)}` };
}

/** What a difference is about, and how it reads: `memory` and `16 GiB → 24 GiB`. */
export interface Words {
  readonly what: string;
  readonly change: string;
}

/** Lines of a text that are in it, and not in the other. */
function newLines(text: string, other: string): string[] {
  const known = new Set(other.split("\n"));
  return text
    .split("\n")
    .filter((line) => !known.has(line) && line.trim() !== "")
    .map((line) => line.trim().replace(/^- /, ""));
}

/** How many changed lines of a text are shown. */
const SHOWN_LINES = 3;

/** A text of several lines: which lines are others, if they are few. */
function textChange(before: string, after: string): string {
  const [gone, come] = [newLines(before, after), newLines(after, before)];
  const lines = gone.length + come.length;
  const isSecret = [...gone, ...come].some((line) => SECRET_NAME.test(line));
  if (lines === 0) return "its lines are in another order";
  if (lines > 2 * SHOWN_LINES || isSecret) return `${count(come.length, "line")} more, ${count(gone.length, "line")} less`;
  return signed(gone, come);
}

function signed(gone: readonly Json[], come: readonly Json[]): string {
  return [...come.map((value) => `+ ${shown(value)}`), ...gone.map((value) => `− ${shown(value)}`)].join(", ");
}

function withUnit(value: Json | undefined, unit: "MiB" | "GiB" | undefined): string {
  if (typeof value !== "number" || unit === undefined) return shown(value);
  if (unit === "MiB" && value >= 1024) return `${Math.round((value / 1024) * 100) / 100} GiB`;
  return `${value} ${unit}`;
}

/** A list of words, such as the models that a Job pulls. */
function wordsOf(value: Json | undefined): string[] | undefined {
  return typeof value === "string" && value.length < 10_000 && /^\S+( \S+)*$/.test(value) ? value.split(" ") : undefined;
}

/** What a setting below the values of a chart, or in an object of Kubernetes, is called. */
function settingOf(labels: readonly string[]): string {
  const rest = labels[0] === "values" || labels[0] === "objects" ? labels.slice(1) : labels;
  const plain = rest[0] === "objects" ? rest.slice(1) : rest;
  const last = plain.at(-1);
  const before = plain.at(-2) ?? "";
  // A variable of a container: its name says more than the way to it.
  if (last === "value" && before.startsWith("[")) return before === "[MODELS]" ? "models" : before.slice(1, -1);
  const object = plain.find((label) => label.startsWith("["));
  const tail = plain.slice(plain.findLastIndex((label) => label.startsWith("[")) + 1).join(".");
  return [object?.slice(1, -1), tail].filter((part) => part !== undefined && part !== "").join(" ") || "values";
}

/** A difference in words. Undefined for one that is nobody's business. */
export function wordsFor(difference: Difference): Words | undefined {
  const { labels, before, after } = difference;
  if (labels.at(-1) === MARK_LABEL) return undefined;
  const attribute = attributeOf(difference);
  const isSetting = labels[0] === "values";
  const [named, unit] = isSetting ? [] : (ATTRIBUTES[attribute] ?? []);
  const what =
    named ??
    (isSetting
      ? settingOf(labels)
      : labels
          .join(".")
          .replaceAll(".[", "[")
          .replace(/^triggers\./, ""));
  if (SECRET_NAME.test(labels.join("."))) return { what, change: "(hidden)" };
  if (Array.isArray(before) || Array.isArray(after)) {
    const gone = (Array.isArray(before) ? before : []).filter((value) => !isMark(value));
    const come = (Array.isArray(after) ? after : []).filter((value) => !isMark(value));
    if (gone.length + come.length === 0) return markChange(before, after);
    const ordered = (list: readonly Json[]) => list.map((value) => JSON.stringify(value)).sort();
    const isOrder = isDeepStrictEqual(ordered(gone), ordered(come));
    return { what, change: isOrder ? "in another order" : signed(gone, come) };
  }
  const isText = (value: Json | undefined) => typeof value === "string" && value.includes("\n");
  if (isText(before) || isText(after)) return { what, change: textChange(String(before ?? ""), String(after ?? "")) };
  if ([before, after].every((value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)))
    return { what, change: "it is another" };
  const [wordsBefore, wordsAfter] = isSetting ? [wordsOf(before), wordsOf(after)] : [];
  if (wordsBefore && wordsAfter && wordsBefore.length + wordsAfter.length > 2) {
    return {
      what,
      change: signed(
        wordsBefore.filter((word) => !wordsAfter.includes(word)),
        wordsAfter.filter((word) => !wordsBefore.includes(word)),
      ),
    };
  }
  const [was, is] = [withUnit(before, unit), withUnit(after, unit)];
  // What differs is hidden, or behind the end of what is shown.
  return { what, change: was === is ? "(hidden)" : `${was} → ${is}` };
}

/** The host that a route of Kubernetes answers for. */
function hostOf(objects: readonly Json[]): string | undefined {
  for (const object of objects) {
    const [host] = listAt(mapAt(object, "spec"), "dnsNames");
    if (typeof host === "string") return host;
  }
  return undefined;
}

/** The objects that a release of the local chart has. */
function objectsOf(body: JsonMap): readonly Json[] {
  const [values] = listAt(body, "values");
  if (typeof values !== "string") return [];
  try {
    // as: what JSON.parse returns is Json.
    return listAt(JSON.parse(values) as Json, "objects");
  } catch {
    return [];
  }
}

/** What a Helm release is: a chart, or objects of this project's own. */
function releaseName(name: string, body: JsonMap): string {
  const objects = objectsOf(body);
  const kinds = objects.map((object) => textAt(object, "kind"));
  if (kinds.includes("IngressRoute")) return `route ${name}${hostOf(objects) ? ` for https://${hostOf(objects)}` : ""}`;
  if (kinds.includes("Job")) return `Job ${name}`;
  return kinds.length > 0 ? `${kinds.join(", ")} ${name}` : `Helm release ${name}`;
}

/** What people call a resource. */
export function nameOf(address: string, body: JsonMap): string {
  const dot = address.indexOf(".");
  const [type, name] = [address.slice(0, dot), address.slice(dot + 1)];
  switch (type) {
    case "proxmox_virtual_environment_container":
      return `container ${name}`;
    case "proxmox_virtual_environment_vm":
      return `VM ${name}`;
    case "proxmox_virtual_environment_firewall_options":
      return `firewall of ${name}, its options`;
    case "proxmox_virtual_environment_firewall_rules":
      return `firewall of ${name}`;
    case "proxmox_virtual_environment_file":
      return `cloud-init snippet ${name}`;
    case "proxmox_download_file":
      return `file ${textAt(body, "file_name")} on ${textAt(body, "node_name")}`;
    case "proxmox_hardware_mapping_pci":
      return `PCI mapping ${textAt(body, "name")}`;
    case "proxmox_pool_membership":
      return `membership of ${name} in the pool ${textAt(body, "pool_id")}`;
    case "kubernetes_namespace_v1":
      return `namespace ${textAt(mapAt(body, "metadata"), "name") || name}`;
    case "kubernetes_persistent_volume_claim_v1":
      return `claim ${name}`;
    case "kubernetes_storage_class_v1":
      return `StorageClass ${textAt(mapAt(body, "metadata"), "name") || name}`;
    case "kubernetes_network_policy_v1":
      return `network policy ${name}`;
    case "helm_release":
      return releaseName(name, body);
    case "null_resource":
      if (name === "configure") return "Ansible";
      return name === "nodes_ready" ? "the wait for the nodes" : `commands ${name}`;
    default:
      return address;
  }
}
