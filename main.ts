import { relative } from "node:path";
import { artifactsOf, wayOf } from "./lab/artifacts";
import type { Lab } from "./lab/lab";
import { count, report } from "./lab/problem";
import { readLab } from "./lab/read";
import type { StackSummary } from "./stacks/synthesize";

/** The summary that a synthesis ends with: what was written where, and what to type next. */
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

/** In an air-gapped lab: everything that production fetches, and how it gets there. */
function airGapReport(lab: Lab): string {
  if (!lab.airGapped) return "";
  const rows = [...artifactsOf(lab)].map((artifact) => {
    const way = wayOf(artifact, lab);
    return `  ${artifact.kind.padEnd(8)} ${artifact.name} (${artifact.host}) ← ${way === "reachable" ? "declared reachable" : way}`;
  });
  return `Production fetches:\n${[...new Set(rows)].join("\n")}\n\n`;
}

/** What to know and to type next. */
function next(stacks: readonly StackSummary[]): string {
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
    `  ${`npx cdktf diff ${stacks[0]?.id ?? "STACK"}`.padEnd(28)}see what would be done`,
    `  ${"npx cdktf deploy '*'".padEnd(28)}do it, stack after stack`,
  ].join("\n");
}

async function main(): Promise<number> {
  const file = process.env["LAB"] ?? "lab.yaml";
  const { lab, problems } = readLab(file);
  if (problems.length > 0) console.error(`${report(problems, file)}\n`);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const verdict = `${count(errors, "error")}, ${count(problems.length - errors, "warning")}`;
  if (!lab) {
    console.error(`${file}: ${verdict}. Nothing was written.`);
    return 1;
  }
  if (process.argv.includes("--check")) {
    console.log(`${airGapReport(lab)}${file}: ${verdict}.`);
    return 0;
  }
  // Not before: a check needs none of cdktf, and loading it takes longer than checking.
  const { synthesize } = await import("./stacks/synthesize");
  const stacks = synthesize(lab, problems, process.env["CDKTF_OUTDIR"] ?? "cdktf.out");
  console.log(`${summary(stacks, file)}\n\n${verdict}.\n${next(stacks)}`);
  return 0;
}

main().then((code) => {
  process.exitCode = code;
});
