import * as z from "zod";

/** `state:` — where Terraform keeps the state of each stack. */
export const state = z
  .strictObject({
    type: z
      .enum(["local", "azurerm", "consul", "cos", "gcs", "http", "kubernetes", "oss", "pg", "remote", "s3"])
      .default("local")
      .describe("A Terraform backend."),
    settings: z
      .record(z.string(), z.json())
      .default({})
      .meta({
        description:
          "Settings of that backend, passed as they are; {lab} and {stack} are filled in, and {stack} must stand somewhere. " +
          "Default for local: path state/{lab}/{stack}.tfstate beside the lab file.",
        examples: [{ bucket: "states", key: "{lab}/{stack}.tfstate" }],
      }),
    split: z
      .enum(["none", "node"])
      .default("none")
      .describe(
        "node: the containers of each Proxmox node have a stack and a state of their own, containers-NODE. docs/scale.md says when that pays, " +
          "and how the state of a deployed lab is moved. The cluster stays one stack.",
      ),
  })
  .prefault({})
  .describe("Where Terraform keeps its state, one for each stack.");
