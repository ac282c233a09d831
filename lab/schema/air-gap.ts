import * as z from "zod";
import { DEFAULT_REGISTRY } from "../../catalog/registries";
import { checkImage, checkImagePrefix } from "../../grammar/container-image";
import { checkAbsolutePath, checkFilePath } from "../../grammar/file-path";
import { checkHost, checkHttpsUrl, checkMirrorOfCharts, checkRegistry } from "../../grammar/mirror";
import { checkFileSystem } from "../../grammar/nfs";
import { checkServer } from "../../grammar/server";
import { KEEP_BOUNDS } from "../../grammar/size";
import { checkSha256 } from "../../grammar/storage";
import { text, whole } from "./field";

/** `airGapped:` */
export const airGapped = z
  .boolean()
  .default(false)
  .describe(
    "Production reaches no model registry: a staging cluster pulls the models to shared NFS, and production mounts them read-only.",
  );

/** `ollamaNfsPath:` */
export const ollamaNfsPath = text(
  checkAbsolutePath,
  "With airGapped: where the shared NFS for the models is mounted on the nodes of both clusters; with ollamaNfsServer, the path that it exports.",
).optional();

/** `ollamaNfsServer:` */
export const ollamaNfsServer = text(
  checkServer,
  "With airGapped: the NFS server, by its address or name, so that pods mount it themselves. Default: the nodes have mounted ollamaNfsPath.",
  "192.0.2.5",
).optional();

/** `staging:` — the cluster that can reach the model registry. */
export const staging = z
  .strictObject({
    kubeconfig: text(
      checkFilePath,
      "The kubeconfig of the staging cluster, relative to this file. Default: ./staging-kubeconfig-NAME, with the lab's name.",
    ).optional(),
    revision: whole(1, 1_000_000, "Raise it to stage the same models anew: tags move.").default(1),
    keep: whole(...KEEP_BOUNDS, "How many releases stay on the share, the new one included.").default(2),
    image: text(checkImage, "Image of Ollama that pulls. Default: that of the chart.").optional(),
    fileSystems: z
      .array(text(checkFileSystem, "A file system."))
      .min(1)
      .default(["nfs", "nfs4"])
      .describe("File systems that the share may be: anything else there is an unmounted folder."),
    timeoutMinutes: whole(1, 10_080, "How long staging may take.").default(720),
  })
  .prefault({})
  .describe("With airGapped: the cluster that stages the models.");

/** `mirrors:` — where things come from, when not from where they are published. */
export const mirrors = z
  .strictObject({
    images: z
      .union([
        text(checkHttpsUrl, "A registry that answers for all others."),
        z.record(
          text(checkRegistry, `A registry, such as ${DEFAULT_REGISTRY}.`),
          z.strictObject({
            endpoint: text(checkHttpsUrl, "The registry that answers for it."),
            prefix: text(
              checkImagePrefix,
              "What comes before the image's name there, such as the project of a proxy cache.",
            ).optional(),
          }),
        ),
      ])
      .describe(
        "Registries that answer for others. The lab's own cluster is set up with them; on another cluster its nodes have to be.",
      )
      .optional(),
    charts: text(
      checkMirrorOfCharts,
      "Charts: an OCI registry, a repository, or a folder with NAME-VERSION.tgz beside this file.",
    ).optional(),
    k3s: text(
      checkHttpsUrl,
      "Base URL with VERSION/k3s, VERSION/sha256sum-amd64.txt and VERSION/install.sh below it.",
    ).optional(),
    k3sImages: z
      .strictObject({
        url: text(checkHttpsUrl, "The archive k3s-airgap-images-amd64.tar.zst of the release."),
        sha256: text(checkSha256, "Its SHA-256 checksum.").optional(),
      })
      .describe("Archive of K3s' own images.")
      .optional(),
    ubuntu: text(checkHttpsUrl, "Mirror of Ubuntu's archive, for the cluster's VMs.").optional(),
    nvidia: z
      .strictObject({
        apt: text(checkHttpsUrl, "Mirror of the repository of NVIDIA's container toolkit."),
        key: text(checkHttpsUrl, "Its signing key, ASCII-armoured."),
      })
      .describe("NVIDIA's container toolkit, for GPU workers.")
      .optional(),
    ollama: text(checkHttpsUrl, "Base URL with vVERSION/ollama-linux-amd64.tar.zst below it, for containers.").optional(),
    caddy: text(
      checkHttpsUrl,
      "Base URL with vVERSION/caddy_VERSION_linux_amd64.tar.gz below it, for containers with https. With it the distribution's package is not used.",
    ).optional(),
  })
  .prefault({})
  .describe("Where things come from, when not from where they are published.");

/** `reachable:` */
export const reachable = z
  .array(text(checkHost, "A host."))
  .default([])
  .describe(
    "With airGapped: hosts that production reaches all the same, such as the mirrors' own and an internal certificate authority's.",
  );
