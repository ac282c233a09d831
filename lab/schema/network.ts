import * as z from "zod";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { INSTALLED } from "../../catalog/proxmox";
import { checkSearchDomain } from "../../grammar/domain-name";
import { checkBridge } from "../../grammar/guest";
import { VLAN_BOUNDS } from "../../grammar/size";
import { cidr, ip, text, whole } from "./field";

/** `network:` — the one network the guests are in, and who may reach what in it. */
export const network = z
  .strictObject({
    bridge: text(checkBridge, "Bridge on the nodes.").default(INSTALLED.bridge),
    cidr: cidr(
      "The guests' network, such as 192.0.2.0/24; needed as soon as a guest has a static address without a prefix.",
    ).optional(),
    gateway: ip("Default gateway; needed as soon as a guest has a static address.", "192.0.2.1").optional(),
    vlan: whole(...VLAN_BOUNDS, "VLAN tag of the guests' network cards. Default: untagged.", 20).optional(),
    dns: z
      .array(ip("A name server.", "192.0.2.1"))
      .default([])
      .describe("Name servers of the guests. Default: those of the Proxmox node."),
    searchDomain: text(checkSearchDomain, "DNS search domain of the guests.").optional(),
    clients: z
      .array(cidr("A network."))
      .default([])
      .describe(`Networks that may reach the Ollama API (port ${OLLAMA_PORT}) and, in a cluster, 80 and 443.`),
    management: z
      .array(cidr("A network."))
      .default([])
      .describe(
        "Networks that may reach SSH (port 22), ping, and, in a cluster, the Kubernetes API (6443). The machine that you deploy from must be among them, the guests should not.",
      ),
  })
  .describe("The guests' network.");
