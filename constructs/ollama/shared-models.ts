import { checkAddress } from "../../grammar/address";
import { checkDomainName } from "../../grammar/domain-name";
import { checkAbsolutePath } from "../../grammar/file-path";
import { type PropCheck, prop } from "../props-error";

/** A shared NFS folder for models. Either every node has mounted it, or the pods mount it themselves. */
export interface ModelShare {
  /** Absolute path on the nodes. With a server, the path that the server exports. */
  readonly path: string;
  /** Address or name of the NFS server. @default none: the nodes have mounted the path */
  readonly server?: string;
}

/** Where the share is mounted in a pod. */
export const SHARE_MOUNT = "/nfs/ollama";

/** The checks of a share. */
export function shareChecks({ path, server }: ModelShare): PropCheck[] {
  return [
    prop("share.path", path, checkAbsolutePath),
    prop("share.server", server, (name) => checkAddress(name) && checkDomainName(name)),
  ];
}

/**
 * The share as a volume of a pod. A folder on the node must be there already: with DirectoryOrCreate a node that has not mounted the share
 * would silently get an empty folder of its own.
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
