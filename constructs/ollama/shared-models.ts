import type { Check } from "../../grammar/fault";
import { checkAbsolutePath } from "../../grammar/file-path";

/** Shared NFS for models: mounted on every node, or mounted by the pods themselves. */
export interface ModelShare {
  /** The path on the nodes; with a server, the path that it exports. */
  readonly path: string;
  /** The NFS server. @default the nodes have mounted the path */
  readonly server?: string;
}

/** Where the share is mounted in a pod. */
export const SHARE_MOUNT = "/nfs/ollama";

/** Refuses a path that could not be mounted. */
export const checkSharePath: Check<string> = checkAbsolutePath;

/**
 * The share as a volume of a pod. A folder on the node must be there: with DirectoryOrCreate a node that has not mounted NFS would get an
 * empty folder of its own, in silence.
 */
export function shareVolume({ path, server }: ModelShare, readOnly: boolean): Record<string, unknown> {
  return server ? { nfs: { server, path, readOnly } } : { hostPath: { path, type: "Directory" } };
}

/** The folder of a release on the share, as pods see it: what OLLAMA_MODELS names. */
export function releaseFolder(id: string): string {
  return `${SHARE_MOUNT}/releases/${id}/models`;
}

/** The record of a release on the share, as pods see it: what it holds, with the checksums of its manifests. */
export function releaseRecord(id: string): string {
  return `${SHARE_MOUNT}/releases/${id}/release.txt`;
}
