import type { KubernetesObject } from "./objects";

/** What a Job runs. */
export interface HookJobProps {
  /** Name of the Job. */
  readonly name: string;
  /** Its namespace. */
  readonly namespace: string;
  /** Labels of the Job and of its pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Image of the container. */
  readonly image: string;
  /** The command that the container runs. */
  readonly command: readonly string[];
  /** Environment of the container. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Further fields of the container, such as resources and volumeMounts. @default none */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Further fields of the pod, such as volumes and tolerations. @default none */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** How often it is tried again after a failure. */
  readonly backoffLimit: number;
  /** After how many seconds it is ended and has failed. */
  readonly deadlineSeconds: number;
  /** How many seconds it is kept with its log after its end. @default 86400: one day */
  readonly ttlSeconds?: number;
}

const DAY_SECONDS = 86_400;

/** A Job that Helm runs as a hook. */
function hooked(
  { name, namespace, labels }: Pick<HookJobProps, "name" | "namespace" | "labels">,
  hook: { readonly at: string; readonly deleted: string },
  spec: Readonly<Record<string, unknown>>,
): KubernetesObject {
  const annotations = { "helm.sh/hook": hook.at, "helm.sh/hook-delete-policy": hook.deleted };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name, namespace, labels, annotations }, spec };
}

/**
 * A Job that runs after each install and upgrade of its release. Because it is a hook, Helm waits for it and fails with it, its removal is
 * no drift, and it runs again exactly when something in the release changes.
 */
export function hookJob(props: HookJobProps): KubernetesObject {
  return hooked(
    props,
    { at: "post-install,post-upgrade", deleted: "before-hook-creation" },
    {
      backoffLimit: props.backoffLimit,
      activeDeadlineSeconds: props.deadlineSeconds,
      ttlSecondsAfterFinished: props.ttlSeconds ?? DAY_SECONDS,
      template: {
        metadata: { labels: props.labels },
        spec: {
          // With OnFailure a failing container would start again in its pod and never count against backoffLimit.
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
  );
}

/**
 * Removes a hook Job with its pods when its release is uninstalled. Helm leaves hooks where they are, and a pod that has ended still holds its
 * claim: without this, the claim would not go before the Job's own end of life. Helm deletes the object that has the name of a hook before it
 * makes the hook, and deletes this one when it is done. With 0 completions that is at once, and no pod runs.
 */
export function hookJobRemoval(props: Pick<HookJobProps, "name" | "namespace" | "labels" | "image">): KubernetesObject {
  const { labels, image } = props;
  return hooked(
    props,
    { at: "pre-delete", deleted: "before-hook-creation,hook-succeeded" },
    {
      completions: 0,
      template: { metadata: { labels }, spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } },
    },
  );
}

/** The ConfigMap with the scripts that a Job mounts: files of templates/ as they are. */
export function scriptsMap(
  name: string,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  scripts: Readonly<Record<string, string>>,
): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data: scripts };
}
