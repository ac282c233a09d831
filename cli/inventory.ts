import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parse } from "yaml";
import type { Lab } from "../lab/lab";
import { count } from "../lab/problem";
import { readLab } from "../lab/read";
import {
  formatInventory,
  type Inventory,
  inventory,
  movedInventory,
  stacksOfContainers,
  staticAddress,
} from "../stacks/inventory";
import { originOf, otherLab } from "../stacks/publish";
import { type Environment, EXIT, type Outcome, refuse } from "./command";
import { deployCommand, labPrefix } from "./deploy-tool";
import { outputFolder } from "./output-folder";
import { verdict } from "./print";
import { writeOutput } from "./written";

/** What deploys the containers of a lab. */
function deployContainers({ state }: Pick<Lab, "state">, file: string): string {
  return deployCommand(state.split === "node" ? "deploy 'containers-*'" : "deploy containers", file);
}

/** The output `inventory` of the stack, as Terraform knows it. */
function outputOf(folder: string, file: string, deploy: string, env: Environment): string {
  if (!existsSync(join(folder, "cdk.tf.json")))
    refuse(`${folder} is not there. Run \`${labPrefix(file)}npm run synth\` and deploy the stack first.`);
  const terraform = env["TERRAFORM_BINARY_NAME"] ?? "terraform";
  const run = (...args: string[]) => spawnSync(terraform, args, { cwd: folder, encoding: "utf8", env });
  const initialized = run("init", "-input=false");
  if (initialized.error)
    refuse(`${terraform} cannot be run (${initialized.error.message}). Install it, or set TERRAFORM_BINARY_NAME.`);
  // Not -raw: for a state without outputs that succeeds, and prints a warning in place of the value.
  const read = initialized.status === 0 ? run("output", "-json", "-no-color") : initialized;
  const outputs = read.status === 0 ? (JSON.parse(read.stdout) as { inventory?: { value: string } }) : {};
  if (!outputs.inventory) {
    refuse(`Terraform has no inventory for ${folder}.\n${read.stderr}Deploy the stack first: ${deploy}`);
  }
  return outputs.inventory.value;
}

/** The inventory in the states, if it is that of this lab: an output may be another lab's, or older than an edit. */
function fromState(
  folders: readonly string[],
  file: string,
  names: readonly string[],
  deploy: string,
  env: Environment,
): { text: string; waiting: string[] } {
  const texts = folders.map((folder) => outputOf(folder, file, deploy, env));
  const groups = texts.map((text) => (parse(text) as Inventory).ollama_containers);
  const hosts = Object.assign({}, ...groups.map((group) => group.hosts)) as Inventory["ollama_containers"]["hosts"];
  const [vars = {}] = groups.map((group) => group.vars);
  const text = texts.length === 1 ? (texts[0] ?? "") : formatInventory({ ollama_containers: { hosts, vars } });
  const missing = names.filter((name) => !Object.hasOwn(hosts, name));
  const others = Object.keys(hosts).filter((name) => !names.includes(name));
  if (missing.length > 0 || others.length > 0) {
    const differences = [
      ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
      ...(others.length > 0 ? [`it has ${others.join(", ")} besides`] : []),
    ];
    refuse(
      `The state of ${folders.join(" and ")} is not that of ${file}: ${differences.join(", and ")}.\n` +
        `Synthesize and deploy that lab first: ${deploy}`,
    );
  }
  return { text, waiting: Object.keys(hosts).filter((name) => hosts[name]?.ansible_host === null) };
}

/** What can be said on the command line about the inventory. */
export interface InventoryOptions {
  /** The file to write. @default inventory-NAME.yml with the lab's name, so that two labs in one folder never take each other's */
  readonly output?: string;
  /** Ask the state for every address. @default only for leased ones */
  readonly fromState?: boolean;
}

/**
 * `inventory`: writes the Ansible inventory of a lab's containers, from the lab alone where every address is static, else from
 * Terraform's state. The file is there as a whole or not at all.
 * @throws Refusal when there is no container, no state, or the state is another lab's
 */
export function writeInventory(
  file: string,
  { output: named, fromState: wantsState }: InventoryOptions,
  env: Environment,
): Outcome {
  const { lab, problems } = readLab(file);
  if (!lab) return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was written.` };
  if (!lab.containers || Object.keys(lab.containers).length === 0)
    refuse(`${file} has no containers, so there is nothing for an inventory.`);
  const containers = Object.values(lab.containers);
  const output = named ?? `inventory-${lab.name}.yml`;
  const folder = relative(dirname(resolve(output)), lab.directory);
  const fromLab = !wantsState && containers.every((container) => staticAddress(container) !== null);
  const names = containers.map(({ name }) => name);
  const deploy = deployContainers(lab, file);
  const out = outputFolder(env);
  const other = fromLab ? undefined : otherLab(out, originOf(lab, out));
  if (other !== undefined) {
    refuse(
      `${out} is the output of the lab ${other}, so its state is not that of ${file}. ` +
        `Synthesize and deploy that lab first: ${deploy}`,
    );
  }
  const { text, waiting } = fromLab
    ? { text: formatInventory(inventory(lab, (_, spec) => staticAddress(spec), folder)), waiting: [] }
    : fromState(
        stacksOfContainers(lab).map(({ id }) => join(out, "stacks", id)),
        file,
        names,
        deploy,
        env,
      );
  writeOutput(output, fromLab ? text : movedInventory(text, folder), "Name another file with --output.");
  return {
    exitCode: EXIT.done,
    lab: file,
    result: { output, containers: names, from: fromLab ? "lab" : "state", waiting },
    text: [
      `${output}: ${count(containers.length, "container")}, from ${fromLab ? file : "the state"}.`,
      `Next: ansible-playbook -i ${output} ansible/provision.yml`,
    ].join("\n"),
    notice:
      waiting.length > 0
        ? `No address is known yet of ${waiting.join(", ")}; Ansible cannot reach it. ` +
          `Once it has its lease: ${deploy}, and then this command again.`
        : "",
  };
}
