import { spawnSync } from "node:child_process";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { count, report } from "../lab/problem";
import { readLab } from "../lab/read";
import { formatInventory, type Inventory, inventory, staticAddress } from "../stacks/inventory";

// Writes the Ansible inventory of a lab's containers: from the lab alone where every address is static, else from Terraform's state.

const USAGE = `Usage: npm run inventory [-- --output FILE] [-- --from-state]

Writes inventory.yml for the lab (LAB=…, default lab.yaml). Addresses that come by DHCP are asked of the state of the stack \`containers\`.`;

/** Why there is no inventory, for whoever asked for one. */
class Refusal extends Error {}

function fail(message: string): never {
  throw new Refusal(message);
}

/** Variables of the environment that count: LAB, CDKTF_OUTDIR, TERRAFORM_BINARY_NAME, and what Terraform itself reads. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What the command ends with, and says on the way. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function optionsIn(args: string[]) {
  try {
    const options = { output: { type: "string" }, "from-state": { type: "boolean" }, help: { type: "boolean" } } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

/** The output `inventory` of the stack, as Terraform knows it. */
function outputOf(folder: string, env: Environment): string {
  if (!existsSync(join(folder, "cdk.tf.json"))) fail(`${folder} is not there. Run \`npm run synth\` and deploy the stack first.`);
  const terraform = env["TERRAFORM_BINARY_NAME"] ?? "terraform";
  const run = (...args: string[]) => spawnSync(terraform, args, { cwd: folder, encoding: "utf8", env });
  const initialized = run("init", "-input=false");
  if (initialized.error)
    fail(`${terraform} cannot be run (${initialized.error.message}). Install it, or set TERRAFORM_BINARY_NAME.`);
  // Not -raw: for a state without outputs that succeeds, and prints a warning in place of the value.
  const read = initialized.status === 0 ? run("output", "-json", "-no-color") : initialized;
  const outputs = read.status === 0 ? (JSON.parse(read.stdout) as { inventory?: { value: string } }) : {};
  if (!outputs.inventory) {
    fail(`Terraform has no inventory for ${folder}.\n${read.stderr}Deploy the stack first: npx cdktf deploy containers`);
  }
  return outputs.inventory.value;
}

/** The inventory in the state, if it is that of this lab: the output may be another lab's, or older than an edit. */
function fromState(
  folder: string,
  file: string,
  names: readonly string[],
  env: Environment,
): { text: string; waiting: string[] } {
  const text = outputOf(folder, env);
  const { hosts } = (parse(text) as Inventory).ollama_containers;
  const missing = names.filter((name) => !Object.hasOwn(hosts, name));
  const others = Object.keys(hosts).filter((name) => !names.includes(name));
  if (missing.length > 0 || others.length > 0) {
    const differences = [
      ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
      ...(others.length > 0 ? [`it has ${others.join(", ")} besides`] : []),
    ];
    fail(
      `The state of ${folder} is not that of ${file}: ${differences.join(", and ")}.\n` +
        `Synthesize and deploy that lab first: LAB=${file} npx cdktf deploy containers`,
    );
  }
  return { text, waiting: Object.keys(hosts).filter((name) => hosts[name]?.ansible_host === null) };
}

function write(args: string[], env: Environment): Omit<Answer, "status"> {
  const { output = "inventory.yml", "from-state": wantsState = false, help = false } = optionsIn(args);
  if (help) return { stdout: USAGE, stderr: "" };
  const file = env["LAB"] ?? "lab.yaml";
  const { lab, problems } = readLab(file);
  if (!lab) fail(report(problems, file));
  const containers = Object.values(lab.containers ?? {});
  if (containers.length === 0) fail(`${file} has no containers, so there is nothing for an inventory.`);
  const fromLab = !wantsState && containers.every((container) => staticAddress(container) !== null);
  const folder = join(env["CDKTF_OUTDIR"] ?? "cdktf.out", "stacks/containers");
  const names = containers.map(({ name }) => name);
  const { text, waiting } = fromLab
    ? { text: formatInventory(inventory(lab, (_, spec) => staticAddress(spec))), waiting: [] }
    : fromState(folder, file, names, env);
  writeFileSync(`${output}.part`, text);
  renameSync(`${output}.part`, output);
  const stdout = [
    `${output}: ${count(containers.length, "container")}, from ${fromLab ? file : "the state"}.`,
    `Next: ansible-playbook -i ${output} ansible/provision.yml`,
  ].join("\n");
  const stderr =
    waiting.length > 0
      ? `No address is known yet of ${waiting.join(", ")}; Ansible cannot reach it. ` +
        "Once it has its lease: npx cdktf deploy containers, and npm run inventory again."
      : "";
  return { stdout, stderr };
}

/** `npm run inventory`, as a function: nothing is printed, and nothing half written. */
export function inventoryCommand(args: string[], env: Environment): Answer {
  try {
    return { status: 0, ...write(args, env) };
  } catch (error) {
    if (error instanceof Refusal) return { status: 1, stdout: "", stderr: error.message };
    throw error;
  }
}

if (require.main === module) {
  const { status, stdout, stderr } = inventoryCommand(process.argv.slice(2), process.env);
  if (stderr) console.error(stderr);
  if (stdout) console.log(stdout);
  process.exitCode = status;
}
