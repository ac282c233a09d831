import { z } from "zod";
import { checkFilePath } from "../../grammar/file-path";
import { text } from "./field";

/** `kubernetes:` — how to reach the cluster, and what it has. */
export const kubernetes = z
  .strictObject({
    kubeconfig: text(
      checkFilePath,
      "The kubeconfig of the cluster, relative to this file. The cluster stack writes it, the Kubernetes stacks read it.",
    ).default("./kubeconfig"),
  })
  .prefault({})
  .describe("The Kubernetes cluster.");
