import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Construct } from "constructs";
import { checkImage } from "../../grammar/container-image";
import { checkModelReference } from "../../grammar/model-reference";
import { hookJob, scriptsMap } from "../kubernetes/hook-job";
import { Namespace, recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop, required } from "../props-error";
import { checkSharePath, type ModelShare, SHARE_MOUNT, shareVolume } from "./shared-models";

const TEMPLATES = join(__dirname, "../../templates/model-staging");
const SCRIPTS = ["stage-models.sh", "verify-models.sh"];
const NAMESPACE = "ollama-staging";
const JOB = "ollama-download-models";
/** How long a Job that has ended is kept with its log. */
const TTL_SECONDS = 3600;

export interface ModelStagingProps {
  readonly partOf: string;
  readonly share: ModelShare;
  /** Name of the release on the share. */
  readonly releaseId: string;
  readonly models: readonly string[];
  readonly image: string;
  /** How many releases stay, the new one included; at least 2, so that there is one to go back to. */
  readonly keep: number;
  /** A release that stays whatever its age. @default none */
  readonly pinned?: string;
  /** File systems that the share may be; anything else there is an unmounted folder. */
  readonly fileSystems: readonly string[];
  readonly timeoutSeconds: number;
  readonly objects: ObjectsChart;
}

/** A Job that pulls models onto a share, proves them by their checksums, and publishes them as an immutable release. */
export class ModelStaging extends Construct {
  readonly namespace: Namespace;
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: ModelStagingProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("share.path", props.share.path, checkSharePath),
      prop("image", props.image, checkImage),
      ...props.models.map((model) => prop("models", model, checkModelReference)),
      required("keep", props.keep >= 2, {
        code: "keep-too-few",
        message: `${props.keep} release is to be kept`,
        remedy: "Keep at least 2, so that there is one to go back to.",
      }),
    ]);
    const labels = { ...recommendedLabels(JOB, props.partOf), "app.kubernetes.io/version": props.releaseId };
    this.namespace = new Namespace(this, "namespace", { name: NAMESPACE, partOf: props.partOf });
    this.release = new KubernetesObjects(this, "release", {
      name: JOB,
      namespace: NAMESPACE,
      chart: props.objects,
      objects: [
        scriptsMap(
          JOB,
          NAMESPACE,
          labels,
          Object.fromEntries(SCRIPTS.map((file) => [file, readFileSync(join(TEMPLATES, file), "utf8")])),
        ),
        hookJob({
          name: JOB,
          namespace: NAMESPACE,
          labels,
          image: props.image,
          command: ["/bin/sh", "/scripts/stage-models.sh"],
          env: {
            NFS_ROOT: SHARE_MOUNT,
            RELEASE_ID: props.releaseId,
            MODELS: props.models.join(" "),
            KEEP: String(props.keep),
            ...(props.pinned && { PINNED_RELEASE: props.pinned }),
            MOUNT_CHECK: props.fileSystems.join(" "),
            HOME: "/tmp",
          },
          container: {
            volumeMounts: [
              { name: "models", mountPath: SHARE_MOUNT },
              { name: "scripts", mountPath: "/scripts", readOnly: true },
            ],
            resources: { requests: { cpu: "500m", memory: "1Gi" } },
          },
          pod: {
            volumes: [
              { name: "models", ...shareVolume(props.share, false) },
              { name: "scripts", configMap: { name: JOB } },
            ],
          },
          backoffLimit: 2,
          deadlineSeconds: props.timeoutSeconds,
          ttlSeconds: TTL_SECONDS,
        }),
      ],
      timeoutSeconds: props.timeoutSeconds + 60,
      dependsOn: [this.namespace.resource],
    });
  }
}
