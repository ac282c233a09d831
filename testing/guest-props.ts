// What containers and VMs both refuse.
import type { GuestNetwork, GuestProps } from "../constructs/proxmox/guest";
import type { Rejected } from "./rejected-props";

/** The props of a guest that are the same for each kind. */
export const guestProps = {
  resourceName: "guest",
  node: "pve1",
  vmId: 201,
  name: "guest",
  network: { address: "192.0.2.21/24", gateway: "192.0.2.1" },
} as const;

const { network } = guestProps;

type CommonProps = Omit<GuestProps, "network"> & { readonly network: GuestNetwork & { readonly gateway: string } };

/** The rows of a table for the checks that all guests have. `most`: numbers of cores, GiB of memory and GiB of disk that are one too large. */
export function rejectedGuestProps(most: { cores: number; memoryGiB: number; diskGiB: number }): Rejected<CommonProps>[] {
  return [
    ["a resource's name in capitals", { resourceName: "Guest" }, "resourceName: invalid-key"],
    ["a node that is no host name", { node: "pve_1" }, "node: invalid-node-name"],
    ["a VMID that Proxmox keeps for itself", { vmId: 99 }, "vmId: invalid-vmid"],
    ["a host name of two labels", { name: "guest.lab" }, "name: invalid-name"],
    ["a tag in capitals", { tags: ["ok", "GPU"] }, "tags: invalid-tag"],
    ["no core", { cores: 0 }, "cores: out-of-range"],
    ["half a core", { cores: 2.5 }, "cores: out-of-range"],
    ["more cores than Proxmox gives", { cores: most.cores }, "cores: out-of-range"],
    ["negative memory", { memoryGiB: -4 }, "memoryGiB: out-of-range"],
    ["memory that is no number", { memoryGiB: Number.NaN }, "memoryGiB: out-of-range"],
    ["more memory than a node has", { memoryGiB: most.memoryGiB }, "memoryGiB: out-of-range"],
    ["no disk", { diskGiB: 0 }, "diskGiB: out-of-range"],
    ["half a GiB of disk", { diskGiB: 20.5 }, "diskGiB: out-of-range"],
    ["a larger disk than Proxmox makes", { diskGiB: most.diskGiB }, "diskGiB: out-of-range"],
    ["a datastore with a space", { disks: "local lvm" }, "disks: invalid-datastore"],
    [
      "a bridge with a longer name than Linux takes",
      { network: { ...network, bridge: "a-very-long-bridge" } },
      "network.bridge: invalid-bridge",
    ],
    ["VLAN 0", { network: { ...network, vlan: 0 } }, "network.vlan: out-of-range"],
    ["VLAN 4095", { network: { ...network, vlan: 4095 } }, "network.vlan: out-of-range"],
    ["an address that is none", { network: { ...network, address: "192.0.2.300/24" } }, "network.address: invalid-address"],
    ["an address without a prefix", { network: { ...network, address: "192.0.2.21" } }, "network.address: prefix-missing"],
    ["a gateway that is no address", { network: { ...network, gateway: "gateway" } }, "network.gateway: invalid-address"],
    [
      "a gateway in another network",
      { network: { ...network, gateway: "198.51.100.1" } },
      "network.gateway: gateway-outside-network",
    ],
    ["a name server that is no address", { network: { ...network, dns: ["dns.lab.example"] } }, "network.dns: invalid-address"],
    ["a search domain in capitals", { network: { ...network, searchDomain: "Lab" } }, "network.searchDomain: invalid-domain"],
    ["a mark of seven digits", { adopt: "1234567" }, "adopt: invalid-adopt"],
    ["a former name in capitals", { formerName: "Guest" }, "formerName: invalid-key"],
    ["a pool with a space", { pool: "my pool" }, "pool: invalid-pool"],
  ];
}
