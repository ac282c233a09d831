// Which changes destroy an object and create it anew. A schema does not say: the providers decide it in code (`ForceNew`,
// `RequiresReplace`), so this table states it for the resources of a lab, for the provider versions of the snapshots.
import { isDeepStrictEqual } from "node:util";
import { at, isObject, type ObjectValue, type Value } from "./values";

/** Steps to an attribute, with numbers for list indices. */
export type Path = (string | number)[];

interface Rule {
  /**
   * Dotted names; list indices are left out. A last `*` means every attribute below, a last `#` the number of blocks:
   * adding or removing one replaces. Needed only where a block may come without any attribute that replaces.
   */
  path: string;
  /** Narrows the rule to some changes. Default: every change of the value. */
  when?: (prior: Value, planned: Value, resource: { prior: ObjectValue; planned: ObjectValue }) => boolean;
}

const existedBefore: Rule["when"] = (prior) => prior !== null;

/** Sizes as a claim has them; others than whole Gi count as unchanged. */
const shrinksInGi: Rule["when"] = (prior, planned) => {
  const [before, after] = [prior, planned].map((size) => Number(/^(\d+)Gi$/.exec(String(size))?.[1]));
  return before !== undefined && after !== undefined && after < before;
};

const rules = (...paths: (string | Rule)[]): Rule[] => paths.map((path) => (typeof path === "string" ? { path } : path));

const DOWNLOADED_FILE = rules(
  "content_type",
  "datastore_id",
  "node_name",
  "url",
  "file_name",
  "checksum",
  "checksum_algorithm",
  "decompression_algorithm",
);

const POOL_MEMBERSHIP = rules("pool_id", "vm_id", "storage_id");

const METADATA = ["metadata.name", "metadata.generate_name", "metadata.namespace"];

/** All but a larger size, which is the only change of a claim that Kubernetes takes. */
const CLAIM = rules(
  "spec.access_modes",
  "spec.selector.#",
  "spec.selector.*",
  "spec.storage_class_name",
  "spec.volume_mode",
  "spec.volume_name",
  "spec.resources.limits",
  { path: "spec.resources.requests.storage", when: shrinksInGi },
);

const TABLE: Record<string, Rule[]> = {
  proxmox_virtual_environment_container: rules(
    "clone.*",
    // Not a smaller disk.size: it plans in place, and the apply is refused.
    "disk.datastore_id",
    "initialization.user_account.#",
    "initialization.user_account.*",
    "mount_point.#",
    "mount_point.size",
    "mount_point.volume",
    "node_name",
    "operating_system.template_file_id",
    "pool_id",
    "template",
    "unprivileged",
    "vm_id",
  ),
  proxmox_virtual_environment_vm: rules(
    "amd_sev.#",
    "amd_sev.*",
    "clone.*",
    "disk.file_id",
    { path: "efi_disk.type", when: existedBefore },
    "initialization.meta_data_file_id",
    "initialization.network_data_file_id",
    "initialization.type",
    "initialization.user_data_file_id",
    "initialization.vendor_data_file_id",
    { path: "node_name", when: (_prior, _planned, vm) => vm.planned["migrate"] !== true },
    { path: "tpm_state.version", when: existedBefore },
    "vm_id",
  ),
  proxmox_download_file: DOWNLOADED_FILE,
  proxmox_virtual_environment_download_file: DOWNLOADED_FILE,
  proxmox_virtual_environment_file: rules("*"),
  proxmox_pool_membership: POOL_MEMBERSHIP,
  proxmox_virtual_environment_pool_membership: POOL_MEMBERSHIP,
  proxmox_harule: rules("rule", "type"),
  proxmox_replication: rules("id", "target", "type"),
  kubernetes_persistent_volume_claim: CLAIM,
  kubernetes_persistent_volume_claim_v1: CLAIM,
  helm_release: rules("name", "namespace"),
  null_resource: rules("triggers"),
};

function rulesOf(typeName: string): Rule[] {
  const own = TABLE[typeName] ?? [];
  return typeName.startsWith("kubernetes_") ? [...rules(...METADATA), ...own] : own;
}

/** The places of either object that a rule's path means: once for every index of the lists on the way. */
function places(path: string[], prior: Value | undefined, planned: Value | undefined, walked: Path = []): Path[] {
  const [step, ...rest] = path;
  if (step === undefined || step === "#") {
    return [walked];
  }
  if (Array.isArray(prior) || Array.isArray(planned)) {
    const length = Math.max(Array.isArray(prior) ? prior.length : 0, Array.isArray(planned) ? planned.length : 0);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      places(path, at(prior, [index]), at(planned, [index]), [...walked, index]),
    );
  }
  const below = (key: string, deeper: string[]): Path[] => places(deeper, at(prior, [key]), at(planned, [key]), [...walked, key]);
  if (step === "*") {
    const keys = new Set([prior, planned].flatMap((value) => (isObject(value) ? Object.keys(value) : [])));
    return [...keys].flatMap((key) => below(key, []));
  }
  return below(step, rest);
}

function count(value: Value | undefined): number {
  return Array.isArray(value) ? value.length : 0;
}

/** The paths of an update's changes that replace the object instead; empty when it is changed in place. */
export function replacingChanges(typeName: string, prior: ObjectValue, planned: ObjectValue): Path[] {
  const found: Path[] = [];
  for (const { path, when } of rulesOf(typeName)) {
    const steps = path.split(".");
    for (const place of places(steps, prior, planned)) {
      const before = at(prior, place) ?? null;
      const after = at(planned, place) ?? null;
      const changed = steps.at(-1) === "#" ? count(before) !== count(after) : !isDeepStrictEqual(before, after);
      if (changed && (when?.(before, after, { prior, planned }) ?? true)) {
        found.push(place);
      }
    }
  }
  return found;
}
