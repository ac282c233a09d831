import type { ITerraformDependable, TerraformStack } from "cdktf";
import { DownloadedFile, type DownloadedFileProps } from "../constructs/proxmox/downloaded-file";
import type { ProxmoxLab } from "../lab/lab";
import { datastoreOf, terraformName } from "./proxmox";

/** The files that a stack's guests are made from: each is downloaded once for a node and datastore, once altogether where that is shared. */
export class Downloads {
  private readonly files = new Map<string, DownloadedFile>();

  constructor(
    private readonly stack: TerraformStack,
    private readonly lab: ProxmoxLab,
    /** What has to be there before the first download. */
    private readonly dependsOn: ITerraformDependable[],
  ) {}

  /** The file, on the datastore that the node keeps its files on. */
  file(node: string, file: Pick<DownloadedFileProps, "content" | "url" | "fileName" | "checksum">): DownloadedFile {
    const datastore = datastoreOf(this.lab, node, "files");
    const shared = this.lab.storage.shared.includes(datastore);
    const resourceName = terraformName(shared ? "shared" : node, datastore, file.fileName);
    const known = this.files.get(resourceName);
    if (known && known.fileName !== file.fileName) {
      // A name of Terraform's has no dots, so two names that differ in one may meet.
      throw new Error(
        `${known.fileName} and ${file.fileName} on ${datastore} would both be ${resourceName} in Terraform. Give one of them another fileName.`,
      );
    }
    if (known) return known;
    const made = new DownloadedFile(this.stack, `file-${resourceName}`, {
      ...file,
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
