// The small changes that `npm run test:mutation` makes to shell scripts and to the YAML of Ansible roles. They are changes of the text, line by line.

/** One change of a source. */
export interface Mutation {
  /** The kind of change, such as "condition negated". */
  readonly kind: string;
  /** Where the changed text begins and ends in the source. */
  readonly start: number;
  readonly end: number;
  /** What stands there instead. */
  readonly replacement: string;
}

/** What each kind of change puts in the place of what a pattern finds. A pattern is global; its whole match is replaced. */
type Swaps = readonly (readonly [kind: string, pattern: RegExp, replacement: (...match: string[]) => string])[];

const swapOf = (pairs: Readonly<Record<string, string>>) => (found: string) => pairs[found] ?? found;

const SHELL: Swaps = [
  ["condition negated", /(?<=^\s*(?:el)?if )(?=\S)/g, () => "! "],
  ["condition negated", /(?<=^\s*)(?:while|until)(?= (?!.*\bread\b))/g, swapOf({ while: "until", until: "while" })],
  [
    "comparison swapped",
    /(?<= )-(?:eq|ne|gt|le|lt|ge)(?= )/g,
    swapOf({ "-eq": "-ne", "-ne": "-eq", "-gt": "-le", "-le": "-gt", "-lt": "-ge", "-ge": "-lt" }),
  ],
  ["comparison swapped", /(?<=\[{1,2} .*) !?={1,2} (?=.*\])/g, (found) => (found.includes("!") ? " = " : " != ")],
  ["comparison swapped", /(?<=\[{1,2} (?:! )?|(?:&&|\|\|) )-[nz](?= )/g, swapOf({ "-n": "-z", "-z": "-n" })],
  ["comparison swapped", /(?<=\[{1,2} )-[defrsxL](?= )/g, (found) => `! ${found}`],
  ["&& and || swapped", /(?<= )(?:&&|\|\|)(?= |$)/g, swapOf({ "&&": "||", "||": "&&" })],
  ["number plus 1", /(?<=[\s=(])\d+(?=[\s;)]|$)/g, (found) => String(Number(found) + 1)],
  // A test of a text for being none is the same without its -n.
  ["option removed", /(?<=\w.*)(?<!(?:\[|&&|\|\||!)(?= -n )) --?[a-zA-Z][\w-]*(?:=\S+)?(?=[ )]|$)/g, () => ""],
  ["string emptied", /(?<=[\s=])(?:'[^']+'|"[^"$`\\]+")(?=[\s;)]|$)/g, () => '""'],
];

const YAML: Swaps = [
  ["condition negated", /(?<=^\s*(?:- )?when: )(?=[^\s>|].*$)/g, () => "not "],
  ["comparison swapped", /(?<= )[!=]=(?= )/g, swapOf({ "==": "!=", "!=": "==" })],
  ["&& and || swapped", /(?<= )(?:and|or)(?= [^"]*$)/g, swapOf({ and: "or", or: "and" })],
  ["number plus 1", /(?<=: ['"]?)\d+(?=['"]?$)/g, (found) => (/^0\d/.test(found) ? "0000" : String(Number(found) + 1))],
  ["value swapped", /(?<=^(?!\s*quiet:).*: )(?:true|false)$/g, swapOf({ true: "false", false: "true" })],
  ["filter removed", / \| \w+(?:\([^()]*\))?(?= |$)/g, () => ""],
];

/** A line of shell that is a command as a whole, so that a script without it still is one. */
const COMMAND =
  /^\s*(?!(?:if|elif|else|fi|for|while|until|do|done|case|esac|then|function)\b|[}{)(]|.*(?:;;|[{(|\\]|&&|\|\||\bthen|\bdo)$|[^'"]*\(\)|\S+\)(?: |$))\S.*$/;

/** A line of YAML that is a key with its value on the same line. The name of a task says nothing to Ansible, nor how much of it is printed. */
const SETTING = /^\s+(?!name:|quiet:)[\w.]+: [^\s>|&#].*$/;

/** A line of YAML that holds a text for people, or begins one that goes on in deeper lines. */
const TEXT = /^\s*(?:- )?(?:name|msg|fail_msg): /;

/** Which of these lines of YAML are texts for people: another word in them is not another program. */
function textsOf(lines: readonly string[]): Set<string> {
  const texts = new Set<string>();
  let depth = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    // The dash of a list stands where its keys stand, too.
    const indent = line.search(/[^\s-]|$/);
    if (TEXT.test(line)) depth = indent;
    else if (indent <= depth) depth = Number.POSITIVE_INFINITY;
    if (depth < Number.POSITIVE_INFINITY) texts.add(line);
  }
  return texts;
}

/** The lines that say something: no comment, and none of a text that a here-document holds. */
function* linesOf(text: string): Iterable<{ readonly line: string; readonly start: number; readonly continues: boolean }> {
  let start = 0;
  let end: string | undefined;
  let before = "";
  for (const line of text.split("\n")) {
    if (end === undefined && !/^\s*(?:#|---|$)/.test(line)) yield { line, start, continues: before.endsWith("\\") };
    if (end === undefined) end = /<<-?\s*['"]?(\w+)/.exec(line)?.[1];
    else if (line.trim() === end) end = undefined;
    before = line;
    start += line.length + 1;
  }
}

/** Every change that the tool knows of a shell script or of the YAML of a role, in the order of the text. Some leave a text that is none. */
export function scriptMutationsOf(text: string, language: "shell" | "yaml"): Mutation[] {
  const found: Mutation[] = [];
  const texts = language === "yaml" ? textsOf(text.split("\n")) : new Set();
  for (const { line, start, continues } of linesOf(text)) {
    for (const [kind, pattern, replacement] of language === "shell" ? SHELL : YAML) {
      if (kind === "&& and || swapped" && texts.has(line)) continue;
      for (const match of line.matchAll(pattern)) {
        const changed = replacement(...match);
        if (changed !== match[0])
          found.push({ kind, start: start + match.index, end: start + match.index + match[0].length, replacement: changed });
      }
    }
    const whole = language === "shell" ? COMMAND.test(line) && !continues : SETTING.test(line);
    const indent = line.length - line.trimStart().length;
    // The colon is the command that does nothing. A key is left out with its line.
    if (whole)
      found.push({
        kind: "line removed",
        start: start + indent,
        end: start + line.length,
        replacement: language === "shell" ? ":" : "",
      });
  }
  return found.sort((a, b) => a.start - b.start);
}
