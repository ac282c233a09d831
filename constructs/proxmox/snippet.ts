import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { VirtualEnvironmentFile } from "../../.gen/providers/proxmox/virtual-environment-file";
import { checkNodeName } from "../../grammar/guest";
import { checkDatastore, checkSnippetName } from "../../grammar/storage";
import { checkProps, prop } from "../props-error";
import { checkResourceName } from "../terraform-text";

/** Text that becomes a snippet on a datastore. */
export interface SnippetProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** The node that it is uploaded to. Changing it uploads again, unless the datastore is shared. */
  readonly node: string;
  /** A datastore with a file system and the content type `snippets`. Changing it uploads again. */
  readonly datastore: string;
  /** Whether every node sees this datastore. A later change of `node` means nothing then. @default false */
  readonly shared?: boolean;
  /** File name on the datastore, one for each guest: two guests' data would overwrite each other. Changing it uploads again. */
  readonly fileName: string;
  /** The text, as a Terraform template. `verbatim` escapes what Terraform must not interpolate. A change replaces the file. */
  readonly text: string;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * A cloud-init snippet, uploaded to a node by SSH.
 *
 * Every edit of its text replaces the file. So whoever uses it takes `volumeId`, a literal that stays the same, and depends on `resource`: a
 * reference would replace the VM with every edit. The text is in the state in clear. Do not set create_before_destroy: the old and the new
 * file have one name, and Terraform would delete the new one.
 */
export class Snippet extends Construct {
  /** What Terraform makes: the way out for what the props have no word for. */
  readonly resource: VirtualEnvironmentFile;
  /** Volume id, such as `local:snippets/homelab-k3s-1-user.yaml`. */
  readonly volumeId: string;

  constructor(scope: Construct, id: string, props: SnippetProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("resourceName", props.resourceName, checkResourceName),
      prop("node", props.node, checkNodeName),
      prop("datastore", props.datastore, checkDatastore),
      prop("fileName", props.fileName, checkSnippetName),
    ]);
    this.volumeId = `${props.datastore}:snippets/${props.fileName}`;
    this.resource = new VirtualEnvironmentFile(this, "Resource", {
      contentType: "snippets",
      nodeName: props.node,
      datastoreId: props.datastore,
      overwrite: true,
      dependsOn: props.dependsOn,
      sourceRaw: { fileName: props.fileName, data: props.text },
      ...(props.shared && { lifecycle: { ignoreChanges: ["node_name"] } }),
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
