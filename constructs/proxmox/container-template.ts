import { Construct } from "constructs";
import { DownloadFile } from "../../.gen/providers/proxmox/download-file";
import { checkDatastore, checkSha256, checkSha512, checkTemplateFileName } from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkProps, prop, required } from "../props-error";

export interface ContainerTemplateProps {
  /** Name of the resource in Terraform; an address is a contract, so it is not derived from the construct's path. */
  readonly resourceName: string;
  /** Node that downloads. Changing it downloads again, unless the datastore is shared. */
  readonly node: string;
  /** Datastore with content type `vztmpl`. */
  readonly datastore: string;
  /** Whether every node sees this datastore; then a later change of `node` means nothing. @default false */
  readonly shared?: boolean;
  readonly url: string;
  /** File name on the datastore, with an ending that Proxmox takes for templates. */
  readonly fileName: string;
  /** @default not verified */
  readonly checksum?: { readonly algorithm: "sha256" | "sha512"; readonly value: string };
}

/**
 * A container's template, downloaded by Proxmox.
 *
 * Consumers take `volumeId`, which is a literal, and depend on `resource`: a reference to the resource's id would become
 * unknown whenever the file is downloaded again, and every container made from it would be replaced.
 */
export class ContainerTemplate extends Construct {
  readonly resource: DownloadFile;
  /** Such as `local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst`. */
  readonly volumeId: string;

  constructor(scope: Construct, id: string, props: ContainerTemplateProps) {
    super(scope, id);
    const { checksum } = props;
    checkProps(scope, id, [
      prop("datastore", props.datastore, checkDatastore),
      prop("url", props.url, checkHttpUrl),
      prop("fileName", props.fileName, checkTemplateFileName),
      prop("checksum.value", checksum?.value, checksum?.algorithm === "sha512" ? checkSha512 : checkSha256),
      required("resourceName", /^[a-z_][a-z0-9_-]*$/i.test(props.resourceName), {
        code: "invalid-resource-name",
        message: `"${props.resourceName}" is not a name that Terraform takes`,
        remedy: "Begin with a letter, and go on with letters, digits, _ and -.",
      }),
    ]);
    this.volumeId = `${props.datastore}:vztmpl/${props.fileName}`;
    this.resource = new DownloadFile(this, "Resource", {
      contentType: "vztmpl",
      nodeName: props.node,
      datastoreId: props.datastore,
      url: props.url,
      fileName: props.fileName,
      ...(checksum && { checksum: checksum.value, checksumAlgorithm: checksum.algorithm }),
      // With true, every refresh asks for the size at the URL, and a change there replaces the file.
      overwrite: false,
      // A file of that name that is there already is taken over, not an error.
      overwriteUnmanaged: true,
      ...(props.shared && { lifecycle: { ignoreChanges: ["node_name"] } }),
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
