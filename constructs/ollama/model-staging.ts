import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Construct } from "constructs";
import { checkImage } from "../../grammar/container-image";
import { checkModelReference } from "../../grammar/model-reference";
import { checkFileSystem } from "../../grammar/nfs";
import { checkWhole, KEEP_BOUNDS, TIMEOUT_SECONDS_BOUNDS } from "../../grammar/size";
import { checkStagedRelease } from "../../grammar/staged-release";
import { hookJob, scriptsMap } from "../kubernetes/hook-job";
import { Namespace, recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop, required } from "../props-error";
import { type ModelShare, SHARE_MOUNT, shareChecks, shareVolume } from "./shared-models";

const TEMPLATES = join(__dirname, "../../templates/model-staging");
const SCRIPTS = ["stage-models.sh", "verify-models.sh"];
const NAMESPACE = "ollama-staging";
const JOB = "ollama-download-models";
/** How long staging may take, in seconds. */
const STAGING_SECONDS = 12 * 60 * 60;
/** How many seconds a Job is kept with its log after its end. */
const TTL_SECONDS = 3600;

/** Which models are staged, and where to. */
export interface ModelStagingProps {
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** The share that the release is put on. */
  readonly share: ModelShare;
  /** Id of the release: the name of its folder on the share. Another id stages another release. */
  readonly releaseId: string;
  /** The models, at least one. */
  readonly models: readonly string[];
  /** Image of Ollama, which pulls. */
  readonly image: string;
  /** How many releases stay, the new one included: 2 to 1000, so that there is one to go back to. @default 2 */
  readonly keep?: number;
  /** A release that stays whatever its age. @default none */
  readonly pinned?: string;
  /** File systems that the share may have, at least one. Any other means that the share is not mounted. @default nfs and nfs4 */
  readonly fileSystems?: readonly string[];
  /** How many seconds the Job may take. @default 43200: twelve hours */
  readonly timeoutSeconds?: number;
  /** The stack's local chart. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
}

/** A Job that pulls models onto a share, proves them by their checksums, and publishes them as an immutable release. */
export class ModelStaging extends Construct {
  /** The namespace of the Job. */
  readonly namespace: Namespace;
  /** The release that holds the Job. */
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: ModelStagingProps) {
    super(scope, id);
    const { keep = KEEP_BOUNDS[0], fileSystems = ["nfs", "nfs4"], timeoutSeconds = STAGING_SECONDS } = props;
    checkProps(scope, id, [
      ...shareChecks(props.share),
      prop("releaseId", props.releaseId, checkStagedRelease),
      prop("pinned", props.pinned, checkStagedRelease),
      prop("image", props.image, checkImage),
      required("models", props.models.length > 0, {
        code: "no-models",
        message: "the list of models is empty",
        remedy: "List at least one.",
      }),
      ...props.models.map((model) => prop("models", model, checkModelReference)),
      prop("keep", keep, checkWhole(KEEP_BOUNDS)),
      required("fileSystems", fileSystems.length > 0, {
        code: "no-file-systems",
        message: "the list of file systems is empty, so no share would be accepted",
        remedy: "List at least one, or leave the prop out.",
      }),
      ...fileSystems.map((fileSystem) => prop("fileSystems", fileSystem, checkFileSystem)),
      prop("timeoutSeconds", timeoutSeconds, checkWhole(TIMEOUT_SECONDS_BOUNDS)),
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
            KEEP: String(keep),
            ...(props.pinned && { PINNED_RELEASE: props.pinned }),
            MOUNT_CHECK: fileSystems.join(" "),
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
          deadlineSeconds: timeoutSeconds,
          ttlSeconds: TTL_SECONDS,
        }),
      ],
      timeoutSeconds: timeoutSeconds + 60,
      dependsOn: [this.namespace.resource],
    });
  }
}
