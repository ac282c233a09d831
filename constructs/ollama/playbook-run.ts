import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { FileSetAsset } from "../file-set-asset";
import { checkProps, required } from "../props-error";
import { verbatim } from "../terraform-text";

const ANSIBLE = join(__dirname, "../../ansible");
const SCRIPT = join(__dirname, "../../templates/ansible/run-playbook.sh");

/** Linux starts no program with a longer variable in its environment, and the inventory travels in one. */
const LONGEST_INVENTORY_BYTES = 128 * 1024 - "INVENTORY=".length - 1;

/** What ansible/provision.yml reads. The other playbooks are no part of a deploy. */
const PLAYBOOK_PARTS = ["provision.yml", "tasks", "group_vars", "roles"];

/** Files that roles consist of. Whatever else lies among them, such as a vault password, stays on the operator's machine. */
const PLAYBOOK_FILE = /\.(yml|j2|sh)$/;

/** The files of the playbook, relative to ansible/, in a fixed order. */
function playbookFiles(): string[] {
  return PLAYBOOK_PARTS.flatMap((part) => {
    if (part.endsWith(".yml")) return [part];
    const below = readdirSync(join(ANSIBLE, part), { recursive: true, withFileTypes: true });
    return below
      .filter((entry) => entry.isFile() && PLAYBOOK_FILE.test(entry.name))
      .map((entry) => relative(ANSIBLE, join(entry.parentPath ?? entry.path, entry.name)));
  }).sort();
}

/** One hash over the names and contents of the files. A change in it is a reason to run the playbook again. */
function hashOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(ANSIBLE, file)))
      .update("\0");
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
    const files = playbookFiles();
    const hash = hashOf(files);
    // Directly below the stack, where the folders' names are not hashed.
    const playbooks = new FileSetAsset(stack, "ansible", { folder: ANSIBLE, files, hash });
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
