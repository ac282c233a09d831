import type { ConnectionProps } from "../constructs/proxmox/connection";
import type { Lab, ProxmoxLab } from "../lab/lab";

/** The connection to Proxmox, as the lab describes it. */
export function connectionProps({ proxmox }: ProxmoxLab): ConnectionProps {
  const { endpoint, insecure, auth, ssh, nodes } = proxmox;
  const addresses = Object.fromEntries(
    Object.entries(nodes).flatMap(([name, { address }]) => (address === undefined ? [] : [[name, address]])),
  );
  return { endpoint, insecure, auth, ...(ssh && { ssh: { ...ssh, nodes: addresses } }) };
}

/** The tags that every guest of a lab has, besides its own. */
export function guestTags(lab: Lab, kind: string): string[] {
  return [lab.name, kind, "terraform"];
}
