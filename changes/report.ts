import { ACTIONS, type Action, type Change, type Reason } from "./compare";

/** What is said above the changes of an action, and in the line of numbers. */
const HEADINGS: Readonly<Record<Action, readonly [heading: string, number: string]>> = {
  destroyed: ["Destroyed", "destroyed"],
  replaced: ["Replaced: destroyed and made anew", "replaced"],
  refused: ["Refused: the deploy of this stack stops", "refused"],
  left: ["Left behind: no deploy touches it any more", "left behind"],
  restarted: ["Restarted", "restarted"],
  created: ["Created", "created"],
  changed: ["Changed in place", "changed in place"],
  kept: ["Kept as it is", "kept"],
};

/** What an effect of one reason is called beside a graver one. */
const EFFECTS: Readonly<Record<Reason["effect"], string>> = {
  replaces: "replaces it",
  refused: "refused",
  restarts: "restarts it",
  "in-place": "in place",
  ignored: "stays as it is",
};

/** The effects that give an action its name. */
const DECISIVE: Readonly<Record<Action, readonly Reason["effect"][]>> = {
  destroyed: [],
  replaced: ["replaces"],
  refused: ["refused", "replaces"],
  left: [],
  restarted: ["restarts"],
  created: [],
  changed: ["in-place"],
  kept: ["ignored"],
};

const VERBS: Readonly<Record<Action, string>> = {
  destroyed: "is destroyed",
  replaced: "is destroyed and made anew",
  refused: "stops the deploy",
  left: "is left behind",
  restarted: "restarts",
  created: "is created",
  changed: "changes",
  kept: "stays as it is",
};

const its = ({ what, change }: Reason) =>
  change === "made anew"
    ? `${what} is made anew`
    : `its ${what} ${/s$/.test(what) && !/(ss|address)$/.test(what) ? "change" : "changes"}: ${change}`;

/** The notes of reasons, each once. */
function notesOf({ reasons, note }: Change): string[] {
  return [...new Set([...reasons.flatMap((reason) => reason.note ?? []), ...(note ? [note] : [])])];
}

/** What happens to a thing, in its own words where it has some. */
function verbOf({ action, address }: Change): string {
  if (action === "changed" && address.startsWith("null_resource.")) return "runs again";
  return VERBS[action];
}

/** A change in words: one sentence where one reason is enough, else a line for each. */
export function sentences(change: Change): string[] {
  const { action, name, reasons } = change;
  const decisive = reasons.filter(({ effect }) => DECISIVE[action].includes(effect));
  const others = reasons
    .filter((reason) => !decisive.includes(reason))
    .map((reason) => `${its(reason)} (${EFFECTS[reason.effect]})`);
  const notes = notesOf(change);
  const because = action === "kept" ? "although" : "because";
  const [only] = decisive;
  if (only && decisive.length > 1) return [`${name} ${verbOf(change)} ${because}`, ...decisive.map(its), ...others, ...notes];
  const head = `${name} ${verbOf(change)}${only ? ` ${because} ${its(only)}` : ""}`;
  return [notes.length > 0 ? `${head}. ${notes.join(" ")}` : head, ...others];
}

/** How many changes there are of each action: "1 destroyed, 2 changed in place". */
export function numbers(changes: readonly Change[]): string {
  const of = (action: Action) => changes.filter((change) => change.action === action).length;
  const parts = ACTIONS.filter((action) => action !== "kept" && of(action) > 0).map(
    (action) => `${of(action)} ${HEADINGS[action][1]}`,
  );
  return parts.length > 0 ? parts.join(", ") : "nothing changes";
}

/** What is compared with what. */
export interface Sides {
  readonly base: string;
  readonly lab: string;
}

/** What no comparison of two outputs can tell. */
export const LIMITS =
  "This compares what is synthesized. What somebody changed by hand in Proxmox or in the cluster, what was never deployed, and what a provider " +
  "finds out by itself, only a plan knows.";

const byAction = (changes: readonly Change[]) =>
  ACTIONS.map((action) => ({ action, those: changes.filter((change) => change.action === action) })).filter(
    ({ those }) => those.length > 0,
  );

/** The changes as text for a terminal. */
export function asPlainText(changes: readonly Change[], { base, lab }: Sides): string {
  const blocks = byAction(changes).map(({ action, those }) => {
    const lines = those.flatMap((change) => {
      const [first = "", ...rest] = sentences(change);
      return [`  ${first}`, ...rest.map((line) => `      ${line}`)];
    });
    return [HEADINGS[action][0], ...lines].join("\n");
  });
  return [`${lab}, compared with ${base}: ${numbers(changes)}.`, ...blocks, LIMITS].join("\n\n");
}

/** A text in Markdown, in which nothing of it is markup, a mention or the end of a cell. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\r\n]+/g, " ")
    .replace(/[\\`*_{}[\]<>#|~&!]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/@/g, "&#64;")
    .replace(/:\/\//g, "&#58;//")
    .replace(/\bwww\./gi, "www&#46;");
}

/** How many things of an action the table shows; the details have all. */
const SHOWN = 8;

/** The changes as Markdown for a comment on a pull request: a table, and the details folded. A mark in it lets a pipeline find its comment again. */
export function asMarkdown(changes: readonly Change[], { base, lab }: Sides): string {
  const groups = byAction(changes);
  const effective = groups.filter(({ action }) => action !== "kept");
  const row = ({ action, those }: (typeof groups)[number]) => {
    const names = those.slice(0, SHOWN).map(({ name }) => escapeMarkdown(name));
    const rest = those.length - SHOWN;
    const isGrave = ["destroyed", "replaced", "refused"].includes(action);
    const title = isGrave ? `**${HEADINGS[action][0]}**` : HEADINGS[action][0];
    return `| ${title} | ${those.length} | ${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""} |`;
  };
  const details = groups.map(({ action, those }) =>
    [
      `**${HEADINGS[action][0]}**`,
      "",
      ...those.flatMap((change) => {
        const [first = "", ...rest] = sentences(change);
        return [`- ${escapeMarkdown(first)}`, ...rest.map((line) => `  - ${escapeMarkdown(line)}`)];
      }),
    ].join("\n"),
  );
  return [
    "<!-- ollama-lab diff -->",
    `### ${escapeMarkdown(lab)}: ${numbers(changes)}`,
    ...(effective.length > 0 ? [["| What a deploy does | | |", "|---|---|---|", ...effective.map(row)].join("\n")] : []),
    ...(details.length > 0 ? [`<details><summary>Each change, and why</summary>\n\n${details.join("\n\n")}\n\n</details>`] : []),
    `<sub>Compared with ${escapeMarkdown(base)}. ${LIMITS}</sub>`,
    "",
  ].join("\n\n");
}
