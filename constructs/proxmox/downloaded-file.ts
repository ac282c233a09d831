import type { ITerraformDependable, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { DownloadFile } from "../../.gen/providers/proxmox/download-file";
import type { Check } from "../../grammar/fault";
import { checkNodeName } from "../../grammar/guest";
import { checkDatastore, checkImageFileName, checkSha256, checkSha512, checkTemplateFileName } from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkProps, prop } from "../props-error";
import { checkResourceName, terraformName } from "../terraform-text";
import type { OwnershipGuard } from "./ownership-guard";

/**
 * What the file is to Proxmox: the template of a container, or a disk image that a VM imports. A datastore does not have the content type
 * `import` by default; Proxmox VE knows it from 8.4 on.
 */
export type DownloadedContent = "vztmpl" | "import";

const CHECK_NAME: Readonly<Record<DownloadedContent, Check<string>>> = {
  vztmpl: checkTemplateFileName,
  import: checkImageFileName,
};

/** Which file is downloaded, and where to. */
export interface DownloadedFileProps {
  /** Name of the resource in Terraform. Changing it downloads the file again, unless the state is moved with it. */
  readonly resourceName: string;
  /** What the file is to Proxmox. Changing it downloads again. */
  readonly content: DownloadedContent;
  /** The node that downloads. Changing it downloads again, unless the datastore is shared. */
  readonly node: string;
  /** A datastore that lists this content type. Changing it downloads again. */
  readonly datastore: string;
  /** Whether every node sees this datastore. A later change of `node` means nothing then. @default false */
  readonly shared?: boolean;
  /** Where the file comes from, http or https. Changing it downloads again. */
  readonly url: string;
  /** File name on the datastore, with an ending that Proxmox takes for this content. Changing it downloads again. */
  readonly fileName: string;
  /** Checksum of the file. Changing it downloads again. @default not verified */
  readonly checksum?: {
    /** What it was made with. */
    readonly algorithm: "sha256" | "sha512";
    /** Hexadecimal digits in lower case. */
    readonly value: string;
  };
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
  /** Downloads nothing while it refuses a guest, and names the file where a state was lost. @default none */
  readonly guard?: OwnershipGuard;
}

/**
 * A file that Proxmox downloads to a datastore, and deletes when the resource is destroyed. The apply fails if a file of that name exists
 * already. To use such a file, give its volume id to the guest, without this construct.
 *
 * Whoever uses the file takes `volumeId`, which is a literal, and depends on `resource`. A reference to the resource's id would be unknown
 * whenever the file is downloaded again, and would replace every guest that was made from the file.
 */
export class DownloadedFile extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: DownloadFile;
  /** File name on the datastore. */
  readonly fileName: string;
  /** Volume id, such as `local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst`. */
  readonly volumeId: string;

  constructor(scope: Construct, id: string, props: DownloadedFileProps) {
    super(scope, id);
    const { checksum } = props;
    checkProps(scope, id, [
      prop("node", props.node, checkNodeName),
      prop("datastore", props.datastore, checkDatastore),
      prop("url", props.url, checkHttpUrl),
      prop("fileName", props.fileName, CHECK_NAME[props.content]),
      prop("checksum.value", checksum?.value, checksum?.algorithm === "sha512" ? checkSha512 : checkSha256),
      prop("resourceName", props.resourceName, checkResourceName),
    ]);
    this.fileName = props.fileName;
    this.volumeId = `${props.datastore}:${props.content}/${props.fileName}`;
    this.resource = new DownloadFile(this, "Resource", {
      contentType: props.content,
      nodeName: props.node,
      datastoreId: props.datastore,
      url: props.url,
      fileName: props.fileName,
      ...(checksum && { checksum: checksum.value, checksumAlgorithm: checksum.algorithm }),
      // With true, every refresh would ask for the size at the URL, and a change there would replace the file.
      overwrite: false,
      // With true the provider would delete a file of that name that somebody else put there, and download its own.
      overwriteUnmanaged: false,
      dependsOn: props.guard ? [props.guard.checked, ...(props.dependsOn ?? [])] : props.dependsOn,
      ...(props.shared && { lifecycle: { ignoreChanges: ["node_name"] } }),
    });
    this.resource.overrideLogicalId(props.resourceName);
    props.guard?.downloads(props.content, this.volumeId);
  }

  /**
   * The file on the datastore of a node, which a stack downloads once however many guests are made from it. Its name in Terraform is made of
   * the node (or `shared`), the datastore and the file name.
   * @throws Error when another file of the stack has the same name in Terraform: there, a name has no dots
   */
  static once(stack: TerraformStack, props: Omit<DownloadedFileProps, "resourceName">): DownloadedFile {
    const { shared, node, datastore, fileName } = props;
    const resourceName = terraformName(shared ? "shared" : node, datastore, fileName);
    const known = stack.node.tryFindChild(`file-${resourceName}`);
    if (!(known instanceof DownloadedFile)) return new DownloadedFile(stack, `file-${resourceName}`, { ...props, resourceName });
    if (known.fileName === fileName) return known;
    throw new Error(
      `${known.fileName} and ${fileName} on ${datastore} would both be ${resourceName} in Terraform. Give one of them another fileName.`,
    );
  }
}
