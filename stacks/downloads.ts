import type { ITerraformDependable, TerraformStack } from "cdktf";
import { type DownloadedContent, DownloadedFile } from "../constructs/proxmox/downloaded-file";
import type { Datastore, Download } from "../lab/lab";

/** The files that a stack's guests are made from. Each file is downloaded once to each datastore of each node, and once to a shared datastore. */
export class Downloads {
  constructor(
    private readonly stack: TerraformStack,
    /** What has to be there before the first download. */
    private readonly dependsOn: ITerraformDependable[],
  ) {}

  /** The file, on the datastore that the node keeps its files on. */
  file(
    { node, files }: { readonly node: string; readonly files: Datastore },
    content: DownloadedContent,
    file: Download,
  ): DownloadedFile {
    const { name: datastore, shared } = files;
    return DownloadedFile.once(this.stack, { ...file, content, node, datastore, shared, dependsOn: this.dependsOn });
  }
}
