import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { VirtualEnvironmentFile } from "../../.gen/providers/proxmox/virtual-environment-file";
import { checkDatastore } from "../../grammar/storage";
import { checkProps, prop, required } from "../props-error";

export interface SnippetProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  readonly node: string;
  /** Datastore with a file system and content type `snippets`. */
  readonly datastore: string;
  /** Whether every node sees this datastore; then a later change of `node` means nothing. @default false */
  readonly shared?: boolean;
  /** File name on the datastore; one for each guest, since two guests' data would overwrite each other. */
  readonly fileName: string;
  /** The text. It is a Terraform template: what must not be interpolated has to be escaped (`verbatim`). */
  readonly text: string;
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * A cloud-init snippet, uploaded to a node by SSH.
 *
 * Every edit of its text replaces the file. Consumers therefore take `volumeId`, a literal that stays the same, and depend on `resource`: by
 * a reference, every edit would replace the VM. The text is in the state in clear. Not for create_before_destroy: old and new have one name,
 * and the new one would be deleted.
 */
export class Snippet extends Construct {
  readonly resource: VirtualEnvironmentFile;
  /** Such as `local:snippets/homelab-k3s-1-user.yaml`. */
  readonly volumeId: string;

  constructor(scope: Construct, id: string, props: SnippetProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("datastore", props.datastore, checkDatastore),
      required("fileName", /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml$/.test(props.fileName), {
        code: "invalid-snippet-name",
        message: `"${props.fileName}" is not the name of a YAML file`,
        remedy: "Use letters, digits and _ . -, and end in .yaml.",
      }),
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
