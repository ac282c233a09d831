import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import { AssetType, type ITerraformDependable, TerraformAsset, type TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { FileSetAsset } from "../file-set-asset";
import { addNullProvider } from "../null-provider";
import { checkProps, prop, required } from "../props-error";
import { sharedIn } from "../shared";
import { checkResourceName, verbatim } from "../terraform-text";

const ANSIBLE = join(__dirname, "../../ansible");
const SCRIPT = join(__dirname, "../../templates/ansible/run-playbook.sh");
const OPERATOR_SCRIPTS = join(__dirname, "../../templates/k3s");
/** The script that makes ssh forget a host key, and what it sources. */
const FORGET_HOST_KEY = ["forget-host-key.sh", "operator-lib.sh"];

/** The inventory is given to the script as a variable of its environment. Linux starts no program with a longer one. */
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

/** One hash over the names and contents of files in a folder. */
function hashOf(folder: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(folder, file)))
      .update("\0");
  return hash.digest("hex");
}

/** A guest that the playbook works on. */
export interface PlaybookGuest {
  /** Name of its resource in Terraform. */
  readonly name: string;
  /** Expression for its id. A replacement keeps the id; but the plan that replaces the guest does not know that. */
  readonly id: string;
  /** Its address, an IP. A guest that was just made anew has another host key there, and ssh would refuse it. */
  readonly address: string;
}

/** On which guests the playbook works. */
export interface PlaybookRunProps {
  /** Name of the resource in Terraform. */
  readonly resourceName: string;
  /** The inventory as YAML text, less than 128 KiB. No secret may be in it, because Terraform shows it and keeps it in the state. */
  readonly inventory: string;
  /**
   * The folder of the files that the inventory names, such as tokens, from the stack's folder. What is in them is not looked at: the playbook
   * does not run again when a file changes. @default the stack's folder
   */
  readonly filesFolder?: string;
  /** The guests. The playbook runs again after one of them was replaced. */
  readonly guests: readonly PlaybookGuest[];
  /** What must be there before. @default only the guests */
  readonly dependsOn?: ITerraformDependable[];
}

/**
 * Runs ansible/provision.yml on the operator's machine within the apply. It runs again exactly when the inventory, the playbook or a guest
 * changed. It needs ansible-playbook on PATH, and SSH to the guests.
 */
export class PlaybookRun extends Construct {
  /** What Terraform makes: what must come after the playbook depends on it. */
  readonly resource: NullResource;

  constructor(stack: TerraformStack, id: string, props: PlaybookRunProps) {
    super(stack, id);
    const bytes = Buffer.byteLength(props.inventory);
    checkProps(stack, id, [
      prop("resourceName", props.resourceName, checkResourceName),
      required("inventory", bytes <= LONGEST_INVENTORY_BYTES, {
        code: "inventory-too-long",
        message: `the inventory has ${bytes} bytes, but within an apply Ansible can be given at most ${LONGEST_INVENTORY_BYTES}`,
        remedy: "Set configure: false and run Ansible after the deploy, with the file that npm run inventory writes.",
      }),
    ]);
    const files = playbookFiles();
    const hash = hashOf(ANSIBLE, files);
    const shared = sharedIn(stack);
    const playbooks = new FileSetAsset(shared, "ansible", { folder: ANSIBLE, files, hash });
    const script = new TerraformAsset(shared, "run-playbook", { path: SCRIPT, type: AssetType.FILE });
    const forget = new FileSetAsset(shared, "forget-host-key", {
      folder: OPERATOR_SCRIPTS,
      files: FORGET_HOST_KEY,
      hash: hashOf(OPERATOR_SCRIPTS, FORGET_HOST_KEY),
    });
    addNullProvider(this);
    const hostKeys = props.guests.map(({ name, id, address }) => {
      const resource = new NullResource(this, `host-key-${name}`, {
        triggers: { guest: id },
        provisioners: [
          { type: "local-exec", command: `bash ${forget.path}/forget-host-key.sh`, environment: { ADDRESS: address } },
        ],
      });
      resource.overrideLogicalId(`${name}_host_key`);
      return resource;
    });
    this.resource = new NullResource(this, "Resource", {
      triggers: {
        inventory: createHash("sha256").update(props.inventory).digest("hex"),
        playbook: hash,
        guests: props.guests.map(({ id }) => id).join(","),
      },
      dependsOn: [...hostKeys, ...(props.dependsOn ?? [])],
      provisioners: [
        {
          type: "local-exec",
          command: `bash ${script.path}`,
          environment: {
            PLAYBOOK: `${playbooks.path}/provision.yml`,
            INVENTORY: verbatim(props.inventory),
            ...(props.filesFolder && { LAB_FOLDER: verbatim(props.filesFolder) }),
          },
        },
      ],
    });
    this.resource.overrideLogicalId(props.resourceName);
  }
}
