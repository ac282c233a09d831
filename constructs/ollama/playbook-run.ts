import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { checkProps, required } from "../props-error";
import { verbatim } from "../terraform-text";

const ANSIBLE = join(__dirname, "../../ansible");
const SCRIPT = join(__dirname, "../../templates/ansible/run-playbook.sh");

/** Linux starts no program with a longer variable in its environment, and the inventory travels in one. */
const LONGEST_INVENTORY_BYTES = 128 * 1024 - "INVENTORY=".length - 1;

/** What ansible/provision.yml reads, so that a change in it is a reason to run it again; the other playbooks and the linter's files are not. */
const PLAYBOOK_PARTS = ["provision.yml", "tasks", "group_vars", "roles"];

function filesBelow(path: string): string[] {
  if (path.endsWith(".yml")) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** One hash over the names and contents of everything that the playbook reads. */
function playbookHash(): string {
  const hash = createHash("sha256");
  for (const file of PLAYBOOK_PARTS.flatMap((part) => filesBelow(join(ANSIBLE, part))).sort()) {
    hash.update(relative(ANSIBLE, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

export interface PlaybookRunProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** The inventory, as YAML text, less than 128 KiB. No secret may be in it: it is shown, and in the state. */
  readonly inventory: string;
  /** Expressions for the ids of the guests: it runs again when one of them was replaced. */
  readonly guests: readonly string[];
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * Runs ansible/provision.yml on the operator's machine within the apply. It runs again exactly when the inventory, the playbook or a
 * guest is another. Needs ansible-playbook on PATH, and SSH to the guests.
 */
export class PlaybookRun extends Construct {
  readonly resource: NullResource;

  constructor(stack: TerraformStack, id: string, props: PlaybookRunProps) {
    super(stack, id);
    const bytes = Buffer.byteLength(props.inventory);
    checkProps(stack, id, [
      required("inventory", bytes <= LONGEST_INVENTORY_BYTES, {
        code: "inventory-too-long",
        message: `the inventory has ${bytes} bytes, and one that is handed to Ansible within an apply at most ${LONGEST_INVENTORY_BYTES}`,
        remedy: "Set configure: false and run Ansible after the deploy, with the file that npm run inventory writes.",
      }),
    ]);
    const hash = playbookHash();
    // Directly below the stack, where the folders' names are not hashed. The hash is the playbook's own: whatever else lies in the folder,
    // such as the linter's cache, changes no path.
    const playbooks = new TerraformAsset(stack, "ansible", { path: ANSIBLE, type: AssetType.DIRECTORY, assetHash: hash });
    const script = new TerraformAsset(stack, "run-playbook", { path: SCRIPT, type: AssetType.FILE });
    this.resource = new NullResource(this, "Resource", {
      triggers: {
        inventory: createHash("sha256").update(props.inventory).digest("hex"),
        playbook: hash,
        guests: props.guests.join(","),
      },
      dependsOn: props.dependsOn,
      provisioners: [
        {
          type: "local-exec",
          command: `bash ${script.path}`,
          environment: { PLAYBOOK: `${playbooks.path}/provision.yml`, INVENTORY: verbatim(props.inventory) },
        },
      ],
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
