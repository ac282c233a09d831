import * as z from "zod";
import { OLLAMA_VERSION } from "../../catalog/ollama";
import { CONTAINER_TEMPLATE } from "../../catalog/ubuntu";
import { checkDevicePath, checkMode, DEVICE_DEFAULTS } from "../../grammar/device";
import { checkAbsolutePath } from "../../grammar/file-path";
import { checkBridge, checkKey, checkPoolName } from "../../grammar/guest";
import { checkMac } from "../../grammar/mac";
import { CONTAINER_BOUNDS, CONTAINER_FEATURES, CONTAINER_SIZE, GID_BOUNDS, VLAN_BOUNDS } from "../../grammar/size";
import * as storage from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkNvidiaVersion, checkOllamaVersion } from "../../grammar/version";
import {
  adopt,
  datastore,
  environment,
  formerKey,
  guestName,
  hostAddress,
  ip,
  models,
  named,
  nodeName,
  tags,
  text,
  vmId,
  whole,
  within,
} from "./field";
import { httpsDoor } from "./https-door";

const download = z
  .strictObject({
    url: text(checkHttpUrl, "Where to download the template."),
    fileName: text(storage.checkTemplateFileName, "File name on the datastore. Default: the last part of the URL.").optional(),
    sha256: text(storage.checkSha256, "Its SHA-256 checksum.").optional(),
    sha512: text(storage.checkSha512, "Its SHA-512 checksum; `pveam` lists this one.").optional(),
  })
  .describe("A template that Proxmox downloads.");

const template = z
  .union([text(storage.checkTemplateVolume, "Volume id of a template that is already there."), download])
  .describe("The template a new container is made from. Changing it leaves existing containers as they are.");

const gid = whole(
  ...GID_BOUNDS,
  "Group of the device inside the container. 44 is `video`, the same in every Debian and Ubuntu; `render` is not.",
);
const mode = text(checkMode, "Mode of the device inside the container.");
const card = text(checkKey, "The entry of this node's gpus that is passed, so that no VM takes the same card.", "rtx").optional();

const nvidia = z
  .strictObject({
    type: z.literal("nvidia").describe("The maker of the card."),
    card,
    indexes: z
      .array(whole(0, 15, "The N of /dev/nvidiaN.", 0))
      .min(1)
      .default([0])
      .describe("Which cards, by the N of /dev/nvidiaN on the node."),
    driverVersion: text(
      checkNvidiaVersion,
      "Version of the node's driver: the container needs the user space of exactly that version.",
    ),
    gid: gid.default(DEVICE_DEFAULTS.gid),
    mode: mode.default("0666"),
  })
  .describe("NVIDIA cards whose driver runs on the node.");

const intel = z
  .strictObject({
    type: z.literal("intel").describe("The maker of the card."),
    card,
    path: text(checkDevicePath, "The card's render node on the Proxmox node.").default("/dev/dri/renderD128"),
    gid: gid.default(DEVICE_DEFAULTS.gid),
    mode: mode.default(DEVICE_DEFAULTS.mode),
  })
  .describe("An Intel card, Arc or integrated.");

const amd = z
  .strictObject({
    type: z.literal("amd").describe("The maker of the card."),
    card,
    path: text(checkDevicePath, "The card's render node on the Proxmox node.").default("/dev/dri/renderD128"),
    gid: gid.default(44),
    mode: mode.default("0660"),
    url: text(
      checkHttpUrl,
      "Where to get Ollama's ROCm archive. Default: beside Ollama's own archive, with -rocm in its name.",
    ).optional(),
    sha256: text(storage.checkSha256, "SHA-256 of the ROCm archive.").optional(),
  })
  .describe("An AMD card that ROCm supports; the node's amdgpu driver makes /dev/kfd.");

const device = z
  .union([
    text(checkDevicePath, "A device of the node, with mode 0660 and group 44 (video) in the container."),
    z.strictObject({
      path: text(checkDevicePath, "A device of the node."),
      gid: gid.default(DEVICE_DEFAULTS.gid),
      mode: mode.default(DEVICE_DEFAULTS.mode),
    }),
  ])
  .describe("A device of the node to pass to the container. Needs auth: rootPassword.");

const software = {
  version: text(checkOllamaVersion, "Exact version of Ollama."),
  url: text(checkHttpUrl, "Where to get the archive. Default: the project's release on GitHub."),
  sha256: text(storage.checkSha256, "SHA-256 of the archive."),
  environment: environment().describe("OLLAMA_… variables of the service, such as OLLAMA_KEEP_ALIVE."),
};

/** What every container of the lab has and `defaults.container` can state once. */
const shared = {
  node: nodeName("The Proxmox node. Default: the only node of the lab. Changing it replaces the container: Proxmox moves none."),
  template,
  cores: whole(...CONTAINER_BOUNDS.cores, "CPU cores.", 4),
  memoryGiB: within(CONTAINER_BOUNDS.memoryGiB, "Memory. Changing it restarts the container.", 8),
  swapMiB: whole(...CONTAINER_BOUNDS.swapMiB, "Swap. 0 switches it off.", 512),
  diskGiB: whole(...CONTAINER_BOUNDS.diskGiB, "Root disk. It can grow, never shrink.", 100),
  disks: datastore("Datastore of its disks. Default: storage.disks. Changing it replaces the container."),
  features: z
    .strictObject({
      nesting: z.boolean().default(CONTAINER_FEATURES.nesting).describe("Needed by systemd in recent distributions."),
      keyctl: z
        .boolean()
        .default(CONTAINER_FEATURES.keyctl)
        .describe("Needed by Docker inside the container, not by Ollama. Needs auth: rootPassword."),
    })
    .describe("Features of the container. Under an API token Proxmox refuses any later change of them."),
  startOnBoot: z.boolean().describe("Start with the node."),
  protect: z.boolean().describe("Refuse to destroy it, in Proxmox and in Terraform."),
  tags: tags("Tags besides the lab's own."),
  adopt: adopt(),
};

/** `defaults.container:` — what holds for every container that does not say otherwise. */
export const containerDefaults = z
  .strictObject({
    node: shared.node.optional(),
    template: shared.template.prefault(CONTAINER_TEMPLATE),
    cores: shared.cores.default(CONTAINER_SIZE.cores),
    memoryGiB: shared.memoryGiB.default(CONTAINER_SIZE.memoryGiB),
    swapMiB: shared.swapMiB.default(CONTAINER_SIZE.swapMiB),
    diskGiB: shared.diskGiB.default(CONTAINER_SIZE.diskGiB),
    disks: shared.disks.optional(),
    features: shared.features.prefault({}),
    startOnBoot: shared.startOnBoot.default(true),
    protect: shared.protect.default(false),
    tags: shared.tags.default([]),
    adopt: shared.adopt.optional(),
    ollama: z
      .strictObject({
        version: software.version.default(OLLAMA_VERSION),
        url: software.url.optional(),
        sha256: software.sha256.optional(),
        environment: software.environment.default({}),
        removeUnlistedModels: z.boolean().default(false).describe("Remove models that the lab no longer lists."),
      })
      .prefault({})
      .describe("The Ollama that Ansible installs."),
  })
  .prefault({})
  .describe("What holds for every container that does not say otherwise.");

/** What one container and the members of a pool have besides what the defaults state. */
const own = {
  bridge: text(checkBridge, "Bridge, where it differs from network.bridge.").optional(),
  vlan: whole(...VLAN_BOUNDS, "VLAN tag, where it differs from network.vlan.", 20).optional(),
  dns: z.array(ip("A name server.", "192.0.2.1")).describe("Name servers, where they differ from network.dns.").optional(),
  models: models("Models that Ansible pulls.").default([]),
  modelVolume: z
    .strictObject({
      sizeGiB: whole(...CONTAINER_BOUNDS.diskGiB, "Size. It cannot be changed later without replacing the container.", 100),
      path: text(checkAbsolutePath, "Where it is mounted; the models go there.").default("/var/lib/ollama/models"),
      datastore: datastore("Its datastore. Default: that of the root disk.").optional(),
      backup: z.boolean().default(false).describe("Include it in backups. Models can be pulled again."),
    })
    .describe("A volume of its own for the models. Adding or changing it later replaces the container.")
    .optional(),
  gpu: z.discriminatedUnion("type", [nvidia, intel, amd]).describe("A GPU for Ollama. Needs auth: rootPassword.").optional(),
  devices: z.array(device).default([]).describe("Other devices of the node. Needs auth: rootPassword."),
  pool: text(
    checkPoolName,
    "An existing pool that it is made in: rights on the pool are enough then. Later changes are ignored; move it in Proxmox.",
  ).optional(),
  description: z
    .string()
    .max(8192)
    .meta({ description: "Notes shown in Proxmox.", examples: ["Ollama for the house"] })
    .optional(),
  ollama: z
    .strictObject({
      version: software.version.optional(),
      url: software.url.optional(),
      sha256: software.sha256.optional(),
      environment: software.environment.optional(),
      removeUnlistedModels: z.boolean().describe("Remove models that the lab no longer lists.").optional(),
    })
    .describe("Where its Ollama differs from defaults.container.ollama.")
    .optional(),
};

const container = z
  .strictObject({
    vmId: vmId("VMID, unique in the Proxmox cluster. Changing it replaces the container.", 201),
    address: hostAddress("Static address, with or without a prefix, or dhcp."),
    name: guestName("Host name. Default: <lab>-<key>.", "ollama-1").optional(),
    formerKey: formerKey().optional(),
    gateway: ip("Gateway, where it differs from network.gateway.", "192.0.2.1").optional(),
    mac: text(checkMac, "Fixed MAC address, for a DHCP reservation. Default: Proxmox picks one.").optional(),
    ...own,
    https: httpsDoor.optional(),
    ...z.strictObject(shared).partial().shape,
  })
  .describe("An Ollama container.");

const pool = z
  .strictObject({
    count: whole(0, 10_000, "How many containers. A member keeps its name, VMID, address and node when the count grows.", 3),
    nodes: z
      .array(nodeName("A Proxmox node."))
      .min(1)
      .describe(
        "The Proxmox nodes, in turn: member 1 on the first, member 2 on the second. Another list gives members other nodes, but Proxmox moves " +
          "no container: make another pool instead. Default: that of defaults.container, or the only node of the lab.",
      )
      .optional(),
    firstVmId: vmId("VMID of member 1; member N has the N-1 th after it.", 220),
    addresses: z
      .strictObject({ from: ip("Address of member 1.", "192.0.2.60"), to: ip("Last address the pool may take.", "192.0.2.69") })
      .describe("The range that the members' addresses come from, in order. All of it is the pool's, so that it can grow."),
    ...own,
    ...z.strictObject(shared).omit({ node: true }).partial().shape,
  })
  .describe("Containers of one kind.");

/** `containerPools:` — Ollama containers by number. */
export const containerPools = named(
  checkKey,
  pool,
  "Ollama containers of one kind, by number: the members of a pool `farm` are `farm-1`, `farm-2` and so on.",
  "farm",
);

/** `containers:` — Ollama containers by their names. */
export const containers = named(checkKey, container, "Ollama containers, by names of your own.", "ollama-1");
