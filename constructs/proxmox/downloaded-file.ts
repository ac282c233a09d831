import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { DownloadFile } from "../../.gen/providers/proxmox/download-file";
import type { Check } from "../../grammar/fault";
import { checkDatastore, checkImageFileName, checkSha256, checkSha512, checkTemplateFileName } from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkProps, prop, required } from "../props-error";

/** What the file is to Proxmox: the template of a container, or a disk image that a VM imports (off by default, from Proxmox VE 8.4). */
export type DownloadedContent = "vztmpl" | "import";

const CHECK_NAME: Readonly<Record<DownloadedContent, Check<string>>> = {
  vztmpl: checkTemplateFileName,
  import: checkImageFileName,
};

export interface DownloadedFileProps {
  /** Name of the resource in Terraform; an address is a contract, so it is not derived from the construct's path. */
  readonly resourceName: string;
  readonly content: DownloadedContent;
  /** Node that downloads. Changing it downloads again, unless the datastore is shared. */
  readonly node: string;
  /** Datastore that lists this content type. */
  readonly datastore: string;
  /** Whether every node sees this datastore; then a later change of `node` means nothing. @default false */
  readonly shared?: boolean;
  readonly url: string;
  /** File name on the datastore, with an ending that Proxmox takes for this content. */
  readonly fileName: string;
  /** @default not verified */
  readonly checksum?: { readonly algorithm: "sha256" | "sha512"; readonly value: string };
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * A file that Proxmox downloads to a datastore.
 *
 * Consumers take `volumeId`, which is a literal, and depend on `resource`: a reference to the resource's id would become
 * unknown whenever the file is downloaded again, and every guest made from it would be replaced.
 */
export class DownloadedFile extends Construct {
  readonly resource: DownloadFile;
  readonly fileName: string;
  /** Such as `local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst`. */
  readonly volumeId: string;

  constructor(scope: Construct, id: string, props: DownloadedFileProps) {
    super(scope, id);
    const { checksum } = props;
    checkProps(scope, id, [
      prop("datastore", props.datastore, checkDatastore),
      prop("url", props.url, checkHttpUrl),
      prop("fileName", props.fileName, CHECK_NAME[props.content]),
      prop("checksum.value", checksum?.value, checksum?.algorithm === "sha512" ? checkSha512 : checkSha256),
      required("resourceName", /^[a-z_][a-z0-9_-]*$/i.test(props.resourceName), {
        code: "invalid-resource-name",
        message: `"${props.resourceName}" is not a name that Terraform takes`,
        remedy: "Begin with a letter, and go on with letters, digits, _ and -.",
      }),
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
      // With true, every refresh asks for the size at the URL, and a change there replaces the file.
      overwrite: false,
      // A file of that name that is there already is taken over, not an error.
      overwriteUnmanaged: true,
      dependsOn: props.dependsOn,
      ...(props.shared && { lifecycle: { ignoreChanges: ["node_name"] } }),
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
