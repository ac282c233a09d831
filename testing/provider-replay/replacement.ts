// Which changes destroy an object and create it anew. A schema does not tell: the providers decide it in code (`ForceNew`,
// `RequiresReplace`). This table has it for the resources of a lab and for the provider versions of the snapshots.
import { isDeepStrictEqual } from "node:util";
import { at, isObject, type ObjectValue, type Value } from "./values";

/** Steps to an attribute, with numbers for list indices. */
export type Path = (string | number)[];

interface Rule {
  /**
   * Dotted names, without the indices of lists. A last `*` means every attribute below. A last `#` means the number of blocks, so that adding
   * or removing one replaces. It is needed only for blocks that may have no attribute that replaces.
   */
  path: string;
  /** Narrows the rule to some changes. Default: every change of the value. */
  when?: (prior: Value, planned: Value, resource: { prior: ObjectValue; planned: ObjectValue }) => boolean;
}

const existedBefore: Rule["when"] = (prior) => prior !== null;

/** Sizes in the form of a claim. A size that is not in whole Gi counts as unchanged. */
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

/** Every change but a larger size. That is the only change of a claim that Kubernetes accepts. */
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
    // A smaller disk.size is not here: the plan changes it in place, but the apply is refused.
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

/** The places that the path of a rule means in either object: one for every index of the lists in it. */
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

/** The paths of the changes that replace the object. Empty if it is changed in place. */
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
