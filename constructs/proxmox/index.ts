/** Guests of Proxmox, and what they need: the package's entry `ollama-lab/proxmox`. */
export { PropsError } from "../props-error";
export { Connection, type ConnectionProps, type ConnectionSsh } from "./connection";
export { Container, type ContainerDevice, type ContainerProps, type ContainerVolume } from "./container";
export { type DownloadedContent, DownloadedFile, type DownloadedFileProps } from "./downloaded-file";
export type { GuestNetwork, GuestProps } from "./guest";
export { GuestFirewall, type GuestFirewallProps, type OpenPort } from "./guest-firewall";
export { type GuardedGuest, OwnershipGuard, UNMARKED } from "./ownership-guard";
export { PciMapping, type PciMappingProps } from "./pci-mapping";
export { Snippet, type SnippetProps } from "./snippet";
export { type DiskSource, type PassedDevice, VirtualMachine, type VirtualMachineProps } from "./virtual-machine";
