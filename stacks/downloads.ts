import type { ITerraformDependable, TerraformStack } from "cdktf";
import { type DownloadedContent, DownloadedFile } from "../constructs/proxmox/downloaded-file";
import { terraformName } from "../constructs/terraform-text";
import type { Datastore, Download } from "../lab/lab";

/** The files that a stack's guests are made from. Each file is downloaded once to each datastore of each node, and once to a shared datastore. */
export class Downloads {
  private readonly files = new Map<string, DownloadedFile>();

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
    const resourceName = terraformName(shared ? "shared" : node, datastore, file.fileName);
    const known = this.files.get(resourceName);
    if (known && known.fileName !== file.fileName) {
      // Names in Terraform have no dots, so two file names that differ only in a dot would get one name.
      throw new Error(
        `${known.fileName} and ${file.fileName} on ${datastore} would both be ${resourceName} in Terraform. Give one of them another fileName.`,
      );
    }
    if (known) return known;
    const made = new DownloadedFile(this.stack, `file-${resourceName}`, {
      ...file,
      content,
      resourceName,
      node,
      datastore,
      shared,
      dependsOn: this.dependsOn,
    });
    this.files.set(resourceName, made);
    return made;
  }
}
