import { relative } from "node:path";
import { count } from "../lab/problem";
import { readLab } from "../lab/read";
import type { StackSummary } from "../stacks/synthesize";
import { type Environment, EXIT, type Outcome } from "./command";
import { deployTool, labPrefix } from "./deploy-tool";
import { outputFolder } from "./output-folder";
import { verdict } from "./print";

/** What was written where. */
function summary(stacks: readonly StackSummary[], lab: string): string {
  const lines = stacks.flatMap(({ id, folder, resources, outputs }) => {
    const total = Object.values(resources).reduce((sum, number) => sum + number, 0);
    return [
      `${id}: ${count(total, "resource")}, ${count(outputs.length, "output")} → ${relative(process.cwd(), folder)}`,
      ...Object.entries(resources).map(([type, number]) => `  ${String(number).padStart(3)} ${type}`),
    ];
  });
  return [`Synthesized ${lab}:`, ...lines].join("\n");
}

/** What to know and to type next. */
function next(stacks: readonly StackSummary[], lab: string): string {
  const { cli, install } = deployTool();
  const npx = `${labPrefix(lab)}npx ${cli}`;
  const width = `${npx} diff model-staging`.length + 2;
  const guests = stacks.some(({ resources }) => resources["proxmox_virtual_environment_firewall_options"]);
  const variables = [...new Set(stacks.flatMap((stack) => stack.variables))].map((name) => `TF_VAR_${name}`);
  return [
    ...(guests
      ? [
          "The guests' firewall works only while the datacenter's is on (Datacenter → Firewall → Options); this project leaves it alone.",
          "",
        ]
      : []),
    ...(variables.length > 0
      ? [`Terraform will ask for ${variables.join(" and ")}: docs/cluster.md says how to make them.`, ""]
      : []),
    `Next${guests ? ", with a credential for Proxmox in the environment (docs/proxmox.md)" : ""}:`,
    ...(install === undefined
      ? []
      : [`  ${install.padEnd(width)}install ${cli}; with Terraform alone it works too (docs/pipelines.md)`]),
    `  ${`${npx} diff ${stacks[0]?.id ?? "STACK"}`.padEnd(width)}see what would be done`,
    `  ${`${npx} deploy '*'`.padEnd(width)}do it, stack after stack`,
  ].join("\n");
}

/** `synth`: checks a lab and writes its stacks. A lab with an error writes nothing. */
export async function synth(file: string, env: Environment): Promise<Outcome> {
  const { lab, problems } = readLab(file);
  if (!lab) {
    return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was written.` };
  }
  // Not before: a lab with errors needs none of cdktf, and loading it takes longer than checking.
  const { synthesize } = await import("../stacks/synthesize");
  const stacks = synthesize(lab, problems, outputFolder(env));
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result: { stacks },
    text: `${summary(stacks, file)}\n\n${verdict(problems)}.\n${next(stacks, file)}`,
  };
}
