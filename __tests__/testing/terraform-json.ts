// Small hand-written configurations for the tests of the replay.
import type { TerraformJson } from "../../testing/terraform/output";

const PROVIDERS = {
  proxmox: { source: "bpg/proxmox", version: "0.111.1" },
  kubernetes: { source: "hashicorp/kubernetes", version: "2.38.0" },
  helm: { source: "hashicorp/helm", version: "3.1.1" },
  null: { source: "hashicorp/null", version: "3.2.4" },
};

/** A configuration with the providers it needs; `rest` is the body: resource, data, output, variable, locals. */
export function configuration(providers: (keyof typeof PROVIDERS)[], rest: TerraformJson): TerraformJson {
  return {
    terraform: { required_providers: Object.fromEntries(providers.map((name) => [name, PROVIDERS[name]])) },
    ...(providers.includes("proxmox") && { provider: { proxmox: [{ endpoint: "https://192.0.2.11:8006/" }] } }),
    ...rest,
  };
}

/** A container that has what the schema requires; `rest` is merged over it. */
export function container(vmId: number, hostname: string, rest: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    vm_id: vmId,
    node_name: "pve1",
    unprivileged: true,
    operating_system: [{ template_file_id: "local:vztmpl/ubuntu-24.04-standard_24.04-2_amd64.tar.zst", type: "ubuntu" }],
    disk: [{ datastore_id: "local-lvm", size: 50 }],
    initialization: [{ hostname, ip_config: [{ ipv4: [{ address: "192.0.2.21/24", gateway: "192.0.2.1" }] }] }],
    network_interface: [{ name: "eth0", bridge: "vmbr0" }],
    ...rest,
  };
}

/** A stack of containers, by resource name. */
export function containers(byName: Record<string, Record<string, unknown>>, rest: TerraformJson = {}): TerraformJson {
  return configuration(["proxmox"], { resource: { proxmox_virtual_environment_container: byName }, ...rest });
}
