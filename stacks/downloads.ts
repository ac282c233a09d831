import type { TerraformStack } from "cdktf";
import { type DownloadedContent, DownloadedFile } from "../constructs/proxmox/downloaded-file";
import type { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import type { Datastore, Download } from "../lab/lab";

/** A file on a datastore, as the guests use it. */
export interface FileOnDatastore {
  readonly volumeId: string;
  /** What downloads it. Absent where another stack does, which comes first. */
  readonly resource?: DownloadedFile["resource"];
}

/** The files that a stack's guests are made from. Each file is downloaded once to each datastore of each node, and once to a shared datastore. */
export class Downloads {
  /**
   * @param guard has to agree before the first download
   * @param shared the stacks that download to shared datastores, by volume ids. Stacks that share the map download a file once.
   */
  constructor(
    private readonly stack: TerraformStack,
    private readonly guard: OwnershipGuard | undefined,
    private readonly shared: Map<string, TerraformStack> = new Map(),
  ) {}

  /** The file, on the datastore that the node keeps its files on. */
  file(
    { node, files }: { readonly node: string; readonly files: Datastore },
    content: DownloadedContent,
    file: Download,
  ): FileOnDatastore {
    const { name: datastore, shared } = files;
    const volumeId = `${datastore}:${content}/${file.fileName}`;
    const owner = shared ? this.shared.get(volumeId) : undefined;
    if (owner && owner !== this.stack) {
      this.stack.addDependency(owner);
      return { volumeId };
    }
    if (shared) this.shared.set(volumeId, this.stack);
    return DownloadedFile.once(this.stack, { ...file, content, node, datastore, shared, guard: this.guard });
  }
}
