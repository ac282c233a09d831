// What a change of one attribute of a Terraform resource costs. A schema does not tell: the providers decide it in code. Sources are the
// code of bpg/proxmox 0.111.1 (`ForceNew`, `RequiresReplace`, `rebootRequired`), hashicorp/kubernetes 2.38.0 and hashicorp/helm 3.1.1. The
// tests with the real providers prove each line for containers and VMs.

/**
 * What a change does.
 * - `in-place`: the object is changed, and nothing stops
 * - `restarts`: the object is changed, and the guest is stopped and started
 * - `replaces`: the object is destroyed and made anew
 * - `refused`: the apply fails, and the object stays as it is
 */
export type AttributeEffect = "in-place" | "restarts" | "replaces" | "refused";

/**
 * Narrows a line to some changes of its attribute.
 * - `shrinks`: the new number, or the new size in Gi, is smaller
 * - `existed-before`: the attribute had a value
 * - `not-migrated`: the resource does not have `migrate = true`
 */
export type Circumstance = "shrinks" | "existed-before" | "not-migrated";

/** One attribute, and what a change of it costs. */
export interface AttributeCost {
  /**
   * Dotted names, without the indices of lists. A last `*` means every attribute below. A last `#` means the number of blocks: adding or
   * removing one counts as a change.
   */
  readonly path: string;
  readonly effect: AttributeEffect;
  /** Narrows the line to some changes. @default every change */
  readonly when?: Circumstance;
  /** What a person should know besides the effect: one sentence. @default nothing */
  readonly note?: string;
}

const costs = (effect: AttributeEffect, ...paths: readonly string[]): AttributeCost[] => paths.map((path) => ({ path, effect }));

const DOWNLOADED_FILE = costs(
  "replaces",
  "content_type",
  "datastore_id",
  "node_name",
  "url",
  "file_name",
  "checksum",
  "checksum_algorithm",
  "decompression_algorithm",
);

const POOL_MEMBERSHIP = costs("replaces", "pool_id", "vm_id", "storage_id");

const CLUSTER_WIDE = costs("replaces", "metadata.name", "metadata.generate_name");
const METADATA = [...CLUSTER_WIDE, ...costs("replaces", "metadata.namespace")];

const LOSES_MODELS = "The models in the claim are deleted with it.";

/** Every change but a larger size. That is the only change of a claim that Kubernetes accepts. */
const CLAIM: readonly AttributeCost[] = [
  ...METADATA,
  ...costs(
    "replaces",
    "spec.access_modes",
    "spec.selector.#",
    "spec.selector.*",
    "spec.storage_class_name",
    "spec.volume_mode",
    "spec.volume_name",
    "spec.resources.limits",
  ),
  { path: "spec.resources.requests.storage", effect: "replaces", when: "shrinks" } as const,
].map((line) => ({ ...line, note: LOSES_MODELS }));

const LOSES_GUEST = "Its disks are deleted with it.";

/** The lines of each type of resource. An attribute without a line is changed in place. */
export const ATTRIBUTE_COSTS: Readonly<Record<string, readonly AttributeCost[]>> = {
  proxmox_virtual_environment_container: [
    ...costs(
      "replaces",
      "clone.*",
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
    ).map((line) => ({ ...line, note: LOSES_GUEST })),
    { path: "disk.size", effect: "refused", when: "shrinks", note: "Proxmox makes no disk smaller." },
    ...costs(
      "restarts",
      "console.*",
      "device_passthrough.#",
      "device_passthrough.*",
      "disk.mount_options",
      "environment_variables",
      "idmap.#",
      "idmap.*",
      "initialization.dns.#",
      "initialization.dns.*",
      "initialization.entrypoint",
      "initialization.hostname",
      "initialization.ip_config.#",
      "initialization.ip_config.*",
      "memory.*",
      "mount_point.*",
      "network_interface.#",
      "network_interface.*",
      "operating_system.type",
    ),
  ],
  proxmox_virtual_environment_vm: [
    ...costs(
      "replaces",
      "amd_sev.#",
      "amd_sev.*",
      "clone.*",
      "disk.file_id",
      "initialization.meta_data_file_id",
      "initialization.network_data_file_id",
      "initialization.type",
      "initialization.user_data_file_id",
      "initialization.vendor_data_file_id",
      "vm_id",
    ).map((line) => ({ ...line, note: LOSES_GUEST })),
    { path: "efi_disk.type", effect: "replaces", when: "existed-before", note: LOSES_GUEST },
    { path: "tpm_state.version", effect: "replaces", when: "existed-before", note: LOSES_GUEST },
    { path: "node_name", effect: "replaces", when: "not-migrated", note: LOSES_GUEST },
    { path: "node_name", effect: "in-place", note: "It moves to the other node; a VM with a PCI device is stopped for that." },
    { path: "disk.size", effect: "refused", when: "shrinks", note: "Proxmox makes no disk smaller." },
    { path: "disk.datastore_id", effect: "restarts", note: "The disk is moved while the VM is off." },
    ...costs(
      "restarts",
      "acpi",
      "agent.#",
      "agent.*",
      "audio_device.#",
      "audio_device.*",
      "bios",
      "boot_order",
      "cpu.*",
      "disk.aio",
      "disk.queues",
      "efi_disk.#",
      "efi_disk.*",
      "hostpci.#",
      "hostpci.*",
      "initialization.#",
      "initialization.*",
      "keyboard_layout",
      "kvm_arguments",
      "machine",
      "memory.*",
      "numa.#",
      "numa.*",
      "operating_system.*",
      "rng.#",
      "rng.*",
      "scsi_hardware",
      "serial_device.#",
      "serial_device.*",
      "tablet_device",
      "tpm_state.#",
      "tpm_state.*",
      "usb.#",
      "usb.*",
      "vga.#",
      "vga.*",
      "virtiofs.#",
      "virtiofs.*",
      "watchdog.#",
      "watchdog.*",
    ),
  ],
  proxmox_download_file: DOWNLOADED_FILE,
  proxmox_virtual_environment_download_file: DOWNLOADED_FILE,
  proxmox_virtual_environment_file: costs("replaces", "*"),
  proxmox_pool_membership: POOL_MEMBERSHIP,
  proxmox_virtual_environment_pool_membership: POOL_MEMBERSHIP,
  proxmox_harule: costs("replaces", "rule", "type"),
  proxmox_replication: costs("replaces", "id", "target", "type"),
  kubernetes_namespace_v1: CLUSTER_WIDE.map((line) => ({ ...line, note: "Everything in the namespace is deleted with it." })),
  kubernetes_persistent_volume_claim: CLAIM,
  kubernetes_persistent_volume_claim_v1: CLAIM,
  kubernetes_storage_class_v1: [
    ...CLUSTER_WIDE,
    ...costs(
      "replaces",
      "allowed_topologies.#",
      "allowed_topologies.*",
      "mount_options",
      "parameters",
      "storage_provisioner",
      "volume_binding_mode",
    ),
  ].map((line) => ({ ...line, note: "Volumes that exist stay as they are." })),
  helm_release: costs("replaces", "name", "namespace"),
  null_resource: costs("replaces", "triggers").map((line) => ({ ...line, note: "Its commands run again." })),
  terraform_data: costs("replaces", "triggers_replace"),
};

/** The lines of a type of resource. Each object of Kubernetes has a name and a namespace. */
export function costsOf(type: string): readonly AttributeCost[] {
  return ATTRIBUTE_COSTS[type] ?? (type.startsWith("kubernetes_") ? METADATA : []);
}

/** A value of a plan, as JSON has it. */
type Value = unknown;

/** The number that a value means: a number, or a size such as 50Gi or 50G. */
const amount = (value: Value): number => Number(/^(\d+)(?:Gi?)?$/.exec(String(value))?.[1]);

/** Whether a circumstance holds for a change. `resource`: the whole resource as it is planned. */
export function holds(
  when: Circumstance | undefined,
  prior: Value,
  planned: Value,
  resource: { readonly migrate?: Value },
): boolean {
  if (when === "shrinks") return amount(planned) < amount(prior);
  if (when === "existed-before") return prior !== null && prior !== undefined;
  return when === undefined || resource.migrate !== true;
}

/** Whether the path of a line means this attribute. Steps of the attribute that are numbers are indices of lists. */
function means(path: string, attribute: readonly (string | number)[]): boolean {
  const [pattern, steps] = [path.split("."), attribute.filter((step) => typeof step === "string")];
  const last = pattern.at(-1);
  if (last === "#") return pattern.length === steps.length + 1 && pattern.slice(0, -1).every((step, i) => step === steps[i]);
  const named = last === "*" ? pattern.slice(0, -1) : pattern;
  return (
    (last === "*" ? steps.length > named.length : steps.length >= named.length) && named.every((step, i) => step === steps[i])
  );
}

/**
 * The line for a change of one attribute; undefined for a change in place that nothing is to be said of. The first line that fits counts.
 * @param attribute its path, with indices of lists or without, such as `["memory", 0, "dedicated"]`; that of a block that comes or goes ends with
 * the block's name, such as `["hostpci"]`
 * @param resource the whole resource as it is planned
 */
export function costOfChange(
  type: string,
  attribute: readonly (string | number)[],
  prior: Value,
  planned: Value,
  resource: { readonly migrate?: Value } = {},
): AttributeCost | undefined {
  return costsOf(type).find(({ path, when }) => means(path, attribute) && holds(when, prior, planned, resource));
}
