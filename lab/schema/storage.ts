import * as z from "zod";
import { INSTALLED } from "../../catalog/proxmox";
import { datastore } from "./field";

/** `storage:` — where the guests' disks and Proxmox's own files go. */
export const storage = z
  .strictObject({
    disks: datastore("Datastore for the guests' disks.").default(INSTALLED.disks),
    files: datastore("Datastore for templates, images and snippets; it must list those content types.", "local").default(
      INSTALLED.files,
    ),
    shared: z
      .array(datastore("A datastore.", "nas"))
      .default([])
      .describe("Datastores that every node sees as one: a file is downloaded to them once, not once for each node."),
  })
  .prefault({})
  .describe("The datastores.");
