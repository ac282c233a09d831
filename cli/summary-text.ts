import picocolors from "picocolors";
import { DEFAULT_LAB, OWN_LAB } from "../lab/default-lab";
import type { Lab } from "../lab/lab";
import { count } from "../lab/problem";
import type { StackSummary } from "../stacks/synthesize";
import { deployTool, labPrefix } from "./deploy-tool";
import type { Style } from "./print";
import {
  deployMinutes,
  guestsOf,
  type Here,
  leftToDo,
  modelsOf,
  type SummarizedGuest,
  type SummarizedModels,
  shown,
  urlsOf,
} from "./summary";

/** Columns of text that goes to no terminal. */
const COLUMNS = 120;

/** How many rows of a kind a list shows whole. A longer one shows fewer, and says how many there are besides. */
const WHOLE = 12;
const SHORTENED = 8;

/** The first rows of a list, and a line that says how many more there are, of what. */
function shortened<T>(things: readonly T[], noun: string, row: (thing: T) => string[]): { rows: string[][]; rest: string[] } {
  const shown = things.length > WHOLE ? things.slice(0, SHORTENED) : things;
  const rest = things.length - shown.length;
  return { rows: shown.map(row), rest: rest > 0 ? [`  … and ${count(rest, `more ${noun}`)}`] : [] };
}

/** Rows with their columns aligned. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

/** A text in lines of at most so many columns, at spaces. A longer word has a line of its own, and a command in backticks is one word. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/[^\s`]*`[^`]*`\S*|\S+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** "4.5": one decimal at most. */
function short(number: number): string {
  return String(Math.round(number * 10) / 10);
}

const KINDS: readonly SummarizedGuest["kind"][] = ["container", "server", "worker"];

function guestTable(guests: readonly SummarizedGuest[]): string[] {
  if (guests.length === 0) return [];
  const head = ["Guest", "Where", "Address", "Cores", "Memory", "Disk", "GPU"];
  const parts = KINDS.map((kind) => {
    const ofKind = guests.filter((guest) => guest.kind === kind);
    return shortened(ofKind, kind, (guest) => [
      guest.name,
      guest.where,
      guest.address,
      String(guest.cores),
      `${short(guest.memoryGiB)} GiB`,
      `${guest.diskGiB} GiB`,
      guest.gpus.join(", "),
    ]);
  });
  const [first = "", ...lines] = table([head, ...parts.flatMap(({ rows }) => rows)]);
  let next = 0;
  const body = parts.flatMap(({ rows, rest }) => {
    next += rows.length;
    return [...lines.slice(next - rows.length, next), ...rest];
  });
  return [first, ...body, ""];
}

/** "4.5 of 50 GiB", and whether that is too much, or not all. */
function room({ knownGiB, unknown, roomGiB, models }: SummarizedModels): string {
  if (unknown === models.length) return `? of ${roomGiB} GiB`;
  const judged = knownGiB > roomGiB ? ", too large" : unknown > 0 ? `, ${unknown} unknown` : "";
  return `${short(knownGiB)} of ${roomGiB} GiB${judged}`;
}

/** The names of models, as many as there is room for. */
function namesIn(models: readonly string[], columns: number): string {
  const whole = models.join(", ");
  if (whole.length <= columns) return whole;
  for (let shown = models.length - 1; shown > 0; shown -= 1) {
    const text = `${models.slice(0, shown).join(", ")} and ${models.length - shown} more`;
    if (text.length <= columns || shown === 1) return text;
  }
  return whole;
}

function modelTable(models: readonly SummarizedModels[], columns: number): string[] {
  if (models.length === 0) return [];
  const { rows, rest } = shortened(models, "row", (one) => [one.of, room(one)]);
  const width = Math.max(...table(rows).map((line) => line.length));
  const named = rows.map((row, index) => [...row, namesIn(models[index]?.models ?? [], columns - width - 2)]);
  return ["Models", ...table(named), ...rest, ""];
}

/**
 * What a synthesis ends with: what the lab makes, whether the models fit, where it answers, what was written, what is left to do by hand, and
 * what to type next.
 */
export function summary(lab: Lab, file: string, stacks: readonly StackSummary[], here: Here, { answer }: Style): string {
  const columns = answer.columns ?? COLUMNS;
  const { bold } = picocolors.createColors(answer.colours);
  const urls = shortened(urlsOf(lab), "URL", ({ url, what }) => [url, what]);
  const todo = leftToDo(lab, file, stacks, here).flatMap((text) =>
    wrapped(text, columns - 4).map((line, index) => `${index === 0 ? "  - " : "    "}${line}`),
  );
  const { cli } = deployTool();
  const prefix = labPrefix(file);
  const next =
    file === DEFAULT_LAB
      ? [
          ["npx ollama-lab init", "a lab of your own: asks you and your Proxmox"],
          [`cp ${DEFAULT_LAB} ${OWN_LAB}`, "or this one, to edit"],
          ["npm run synth", "takes it from then on"],
        ]
      : [
          ...(lab.proxmox ? [[`${prefix}npx ollama-lab doctor`, "ask Proxmox whether it can work"]] : []),
          [`${prefix}npx ${cli} diff ${stacks[0]?.id ?? "STACK"}`, "see what would be done"],
          [`${prefix}npx ${cli} deploy '*'`, "do it, stack after stack"],
        ];
  const lines = [
    `Synthesized ${file}`,
    "",
    ...guestTable(guestsOf(lab)),
    ...modelTable(modelsOf(lab), columns),
    ...(urls.rows.length > 0 ? ["Answers after the deploy", ...table(urls.rows), ...urls.rest, ""] : []),
    "Written",
    ...table(
      stacks.map(({ id, folder, resources }) => [
        id,
        count(
          Object.values(resources).reduce((sum, number) => sum + number, 0),
          "resource",
        ),
        `→ ${shown(folder)}`,
      ]),
    ),
    ...here.states
      .filter(({ open }) => !open)
      .flatMap(({ folder }) =>
        wrapped(
          `Terraform keeps the states in ${shown(folder)}, which only you can read. They hold secrets in clear text.`,
          columns - 2,
        ),
      )
      .map((line) => `  ${line}`),
    "",
    ...(todo.length > 0 ? ["Left to do by hand", ...todo, ""] : []),
    `Next (a first deploy takes about ${deployMinutes(lab)} minutes, and the download of the models)`,
    ...table(next),
  ];
  return lines.map((line) => (line === "" || line.startsWith(" ") ? line : bold(line))).join("\n");
}
