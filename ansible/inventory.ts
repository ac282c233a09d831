import { spawnSync } from "node:child_process";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { count, report } from "../lab/problem";
import { readLab } from "../lab/read";
import { formatInventory, inventory, staticAddress } from "../stacks/inventory";

// Writes the Ansible inventory of a lab's containers: from the lab alone where every address is static, else from Terraform's state.

const USAGE = `Usage: npm run inventory [-- --output FILE] [-- --from-state]

Writes inventory.yml for the lab (LAB=…, default lab.yaml). Addresses that come by DHCP are asked of the state of the stack \`containers\`.`;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** The output `inventory` of the stack, as Terraform knows it. */
function fromState(outdir: string): string {
  const folder = join(outdir, "stacks/containers");
  if (!existsSync(join(folder, "cdk.tf.json"))) fail(`${folder} is not there. Run \`npm run synth\` and deploy the stack first.`);
  const terraform = process.env["TERRAFORM_BINARY_NAME"] ?? "terraform";
  const run = (...args: string[]) => spawnSync(terraform, args, { cwd: folder, encoding: "utf8" });
  const initialized = run("init", "-input=false");
  if (initialized.error)
    fail(`${terraform} cannot be run (${initialized.error.message}). Install it, or set TERRAFORM_BINARY_NAME.`);
  const output = initialized.status === 0 ? run("output", "-raw", "inventory") : initialized;
  if (output.status !== 0) {
    fail(`Terraform has no inventory for ${folder}:\n${output.stderr}\nDeploy the stack first: npx cdktf deploy containers`);
  }
  return output.stdout;
}

function main(args: readonly string[]): void {
  if (args.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const file = process.env["LAB"] ?? "lab.yaml";
  const { lab, problems } = readLab(file);
  if (!lab) fail(report(problems, file));
  const containers = Object.values(lab.containers ?? {});
  if (containers.length === 0) fail(`${file} has no containers, so there is nothing for an inventory.`);
  const leased = containers.filter((container) => staticAddress(container) === null);
  const fromLab = leased.length === 0 && !args.includes("--from-state");
  const text = fromLab
    ? formatInventory(inventory(lab, (_, spec) => staticAddress(spec)))
    : fromState(process.env["CDKTF_OUTDIR"] ?? "cdktf.out");
  const target = args[args.indexOf("--output") + 1] ?? "";
  const output = args.includes("--output") && target ? target : "inventory.yml";
  writeFileSync(`${output}.part`, text);
  renameSync(`${output}.part`, output);
  console.log(`${output}: ${count(containers.length, "container")}, from ${fromLab ? file : "the state"}.`);
  console.log(`Next: ansible-playbook -i ${output} ansible/provision.yml`);
}

main(process.argv.slice(2));
