// The form of the `id` that the real providers give to the resources whose id other resources and outputs use.
import { at, type ObjectValue, type Value } from "./values";

function text(value: Value | undefined): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function joined(separator: string, ...parts: (string | undefined)[]): string | undefined {
  return parts.every((part) => part !== undefined) ? parts.join(separator) : undefined;
}

function volume(resource: ObjectValue, fileName: string | undefined): string | undefined {
  return joined("/", joined(":", text(resource["datastore_id"]), text(resource["content_type"])), fileName);
}

const IDENTIFIERS: Record<string, (resource: ObjectValue) => string | undefined> = {
  proxmox_virtual_environment_container: (guest) => text(guest["vm_id"]),
  proxmox_virtual_environment_vm: (guest) => text(guest["vm_id"]),
  proxmox_download_file: (file) => volume(file, text(file["file_name"])),
  proxmox_virtual_environment_file: (file) => volume(file, text(at(file, ["source_raw", 0, "file_name"]))),
  proxmox_hardware_mapping_pci: (mapping) => text(mapping["name"]),
  proxmox_virtual_environment_pool: (pool) => text(pool["pool_id"]),
  helm_release: (release) => text(release["name"]),
};

/** The id of an applied resource. Undefined if the form is not known here. */
export function identifierOf(typeName: string, resource: ObjectValue): string | undefined {
  const identifier = IDENTIFIERS[typeName];
  if (identifier !== undefined) {
    return identifier(resource);
  }
  if (typeName.startsWith("kubernetes_")) {
    const name = text(at(resource, ["metadata", 0, "name"]));
    const namespace = text(at(resource, ["metadata", 0, "namespace"]));
    return namespace === undefined ? name : joined("/", namespace, name);
  }
  return undefined;
}
