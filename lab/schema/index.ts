import * as z from "zod";
import { checkKey } from "../../grammar/guest";
import { airGapped, mirrors, ollamaNfsPath, ollamaNfsServer, reachable, staging } from "./air-gap";
import { cluster, serverDefaults, workerDefaults } from "./cluster";
import { containerDefaults, containerPools, containers } from "./container";
import { sshKeys, text } from "./field";
import { kubernetes } from "./kubernetes";
import { network } from "./network";
import { ollama } from "./ollama";
import { proxmox } from "./proxmox";
import { state } from "./state";
import { storage } from "./storage";

/**
 * The whole lab file. Every default stands here, and so in the JSON schema that editors read.
 * Values are checked one by one; what must fit together is checked in `rules/`.
 */
export const labSchema = z
  .strictObject({
    name: text(checkKey, "Name of the lab: prefix of its guests' names, and a tag of theirs.", "homelab"),
    proxmox: proxmox.optional(),
    network: network.optional(),
    storage,
    sshPublicKeys: sshKeys(
      "Who may log in to the guests. Later keys reach containers by Ansible, not by replacing them.",
    ).default([]),
    state,
    ownershipGuard: z
      .boolean()
      .default(true)
      .describe(
        "Refuse a plan in which a VMID belongs to a guest of another name. false is for plans where no Proxmox API can be reached.",
      ),
    defaults: z
      .strictObject({ container: containerDefaults, server: serverDefaults, worker: workerDefaults })
      .prefault({})
      .describe("Sizes and settings stated once."),
    containers: containers.optional(),
    containerPools: containerPools.optional(),
    cluster: cluster.optional(),
    kubernetes,
    ollama: ollama.optional(),
    airGapped,
    ollamaNfsPath,
    ollamaNfsServer,
    staging,
    mirrors,
    reachable,
    configure: z
      .boolean()
      .default(false)
      .describe(
        "Run ansible/provision.yml within the deploy of the containers. Needs static addresses and ansible-playbook on PATH.",
      ),
  })
  .describe("A lab: what is needed to serve Ollama on Proxmox.");

/** What a lab file may say: the form that people write, with every default left out. */
export type LabInput = z.input<typeof labSchema>;

/** What was read: the same with defaults filled in. */
export type LabConfig = z.output<typeof labSchema>;
