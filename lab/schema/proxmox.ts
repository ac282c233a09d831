import * as z from "zod";
import { checkKey, checkNodeName } from "../../grammar/guest";
import { checkMappingName, checkPciId, checkPciPath } from "../../grammar/pci";
import { CARD_MEMORY_GIB_BOUNDS, IOMMU_GROUP_BOUNDS, PORT_BOUNDS } from "../../grammar/size";
import { checkUserName } from "../../grammar/ssh";
import { checkEndpoint } from "../../grammar/url";
import { datastore, ip, named, text, whole, within } from "./field";

const gpu = z
  .strictObject({
    path: text(checkPciPath, 'PCI path in lower case and in quotes, as `lspci -D` shows it: "0000:01:00".').optional(),
    id: text(checkPciId, 'Vendor and device, as `lspci -nn` shows them, in quotes: "10de:2684".').optional(),
    subsystemId: text(
      checkPciId,
      "Vendor and device of the subsystem, as `lspci -nnv` shows them. Proxmox starts no VM without it.",
      "1043:88e2",
    ).optional(),
    iommuGroup: whole(
      ...IOMMU_GROUP_BOUNDS,
      "IOMMU group, as the node's hardware list shows it. Proxmox starts no VM without it.",
      12,
    ).optional(),
    allFunctions: z
      .boolean()
      .default(true)
      .describe("Pass the whole card, its sound device included. false passes the one function of the path."),
    memoryGiB: within(
      CARD_MEMORY_GIB_BOUNDS,
      "Memory of the card, to tell whether models fit. Default: known by its id, for many cards.",
      24,
    ).optional(),
    mapping: text(checkMappingName, "Name of a PCI resource mapping that exists already, instead of path and ids.").optional(),
    raw: z.boolean().default(false).describe("Attach by PCI path, without a mapping. Needs auth: rootPassword."),
  })
  .describe(
    "A graphics card of this node: path, id, subsystemId and iommuGroup, from which a mapping is made; or the mapping it has.",
  );

const node = z
  .strictObject({
    address: ip(
      "Address of the node, for SSH; needed where a VM of the cluster runs, whose snippets are uploaded by SSH.",
      "192.0.2.11",
    ).optional(),
    gpus: named(checkKey, gpu, "The graphics cards of this node, by names of your own.", "rtx").default({}),
    storage: z
      .strictObject({
        disks: datastore("Datastore for the disks of this node's guests.").optional(),
        files: datastore("Datastore for this node's templates, images and snippets.", "local").optional(),
      })
      .describe("Datastores of this node, where they differ from the lab's.")
      .optional(),
  })
  .describe("A node of the Proxmox cluster.");

/** `proxmox:` — where the API is, how to authenticate, and which nodes and graphics cards there are. */
export const proxmox = z
  .strictObject({
    endpoint: text(checkEndpoint, "URL of the Proxmox API, such as https://pve1.lab.example:8006/."),
    insecure: z.boolean().default(false).describe("Accept a certificate that cannot be verified."),
    auth: z
      .enum(["apiToken", "rootPassword"])
      .default("apiToken")
      .describe(
        "apiToken reads PROXMOX_VE_API_TOKEN; rootPassword logs in as root@pam with PROXMOX_VE_PASSWORD, " +
          "which Proxmox demands for keyctl, devices in containers and raw PCI ids.",
      ),
    ssh: z
      .strictObject({
        username: text(checkUserName, "User on the nodes; it needs sudo, or to be root."),
        agent: z.boolean().default(true).describe("Use the SSH agent. When false, PROXMOX_VE_SSH_PRIVATE_KEY holds the key."),
        port: whole(...PORT_BOUNDS, "Port of the nodes' SSH servers.").default(22),
      })
      .describe("How to reach the nodes by SSH; only cloud-init snippets need it.")
      .optional(),
    nodes: named(checkNodeName, node, "The nodes, by the names Proxmox has for them.").refine(
      (nodes) => Object.keys(nodes).length > 0,
      {
        message: "there is no node in it",
      },
    ),
  })
  .describe("The Proxmox cluster.");
