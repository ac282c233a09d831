import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AIR_GAP_EDITS,
  CLUSTER_EDITS,
  CONTAINER_EDITS,
  type EditCost,
  KUBERNETES_EDITS,
  SOFTWARE_EDITS,
  VM_EDITS,
} from "../lab/edit-costs";

const DOCS = join(__dirname, "../docs");

/** The tables: the page of each, the name in its marks, and its rows. */
export const EDIT_TABLES = [
  { page: "proxmox.md", name: "edits of a container", rows: Object.values<EditCost>(CONTAINER_EDITS) },
  { page: "cluster.md", name: "edits of a VM", rows: Object.values<EditCost>(VM_EDITS) },
  { page: "containers.md", name: "edits of containers", rows: Object.values<EditCost>(SOFTWARE_EDITS) },
  { page: "upgrades.md", name: "edits of a cluster", rows: Object.values<EditCost>(CLUSTER_EDITS) },
  { page: "kubernetes.md", name: "edits of the Kubernetes side", rows: Object.values<EditCost>(KUBERNETES_EDITS) },
  { page: "air-gap.md", name: "edits of an air-gapped lab", rows: Object.values<EditCost>(AIR_GAP_EDITS) },
] as const;

const mark = (name: string) => `<!-- ${name}: npm run docs writes this table from lab/edit-costs.ts -->`;
const END = "<!-- end -->";

/** A table in Markdown. */
function table(rows: readonly EditCost[]): string {
  const bold = ({ effect }: EditCost) => (["replaces", "restarts", "removes"].includes(effect) ? `**${effect}**` : effect);
  return [
    "| Edit | Effect | |",
    "|---|---|---|",
    ...rows.map((row) => `| ${row.edit} | ${bold(row)} | ${row.says ?? ""} |`),
  ].join("\n");
}

/** A page with its table as the code has it. @throws where the page has no marks for it */
export function withTable(text: string, name: string, rows: readonly EditCost[]): string {
  const start = text.indexOf(mark(name));
  const end = text.indexOf(END, start);
  if (start < 0 || end < 0) throw new Error(`The page has no marks for the table "${name}": ${mark(name)} … ${END}`);
  return `${text.slice(0, start)}${mark(name)}\n\n${table(rows)}\n\n${text.slice(end)}`;
}

if (require.main === module) {
  for (const { page, name, rows } of EDIT_TABLES) {
    const file = join(DOCS, page);
    writeFileSync(file, withTable(readFileSync(file, "utf8"), name, rows));
  }
}
