import type { KubernetesObject } from "./objects";

export interface HookJobProps {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** The command that runs. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Further fields of the container, such as resources and volumeMounts. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Further fields of the pod, such as volumes and tolerations. */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** How often it is tried again when it failed. */
  readonly backoffLimit: number;
  /** After how long it has failed, however it stands. */
  readonly deadlineSeconds: number;
  /** After how long it is removed with its log, when it has ended. @default one day */
  readonly ttlSeconds?: number;
}

const DAY_SECONDS = 86_400;

/**
 * A Job that runs after each install and upgrade of the release it is in. As a hook, Helm waits for it and fails with it, its removal
 * is no drift, and it runs again exactly when something in the release changes.
 */
export function hookJob(props: HookJobProps): KubernetesObject {
  const { name, namespace, labels } = props;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace,
      labels,
      annotations: { "helm.sh/hook": "post-install,post-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation" },
    },
    spec: {
      backoffLimit: props.backoffLimit,
      activeDeadlineSeconds: props.deadlineSeconds,
      ttlSecondsAfterFinished: props.ttlSeconds ?? DAY_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          // With OnFailure a failing container starts again in its pod, and never counts against backoffLimit.
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          ...props.pod,
          containers: [
            {
              name: "main",
              image: props.image,
              command: props.command,
              ...(props.env && { env: Object.entries(props.env).map(([key, value]) => ({ name: key, value })) }),
              ...props.container,
            },
          ],
        },
      },
    },
  };
}

/** The ConfigMap with scripts that a Job mounts: real files of templates/, as they are. */
export function scriptsMap(
  name: string,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  scripts: Readonly<Record<string, string>>,
): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data: scripts };
}
