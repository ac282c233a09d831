import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLab } from "../../lab/read";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slip-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ALIKE = "Indent all settings of one map, and all entries of one list, by the same number of spaces.";

const slips: [fact: string, text: string, place: string, message: string, remedy: string][] = [
  [
    "a colon without a blank",
    "name: a\nnetwork:\n  bridge:vmbr0\n  cidr: x\n",
    "3:3",
    "bridge:vmbr0 has no blank after the colon",
    "Write bridge: vmbr0",
  ],
  [
    "a colon without a blank in each of the first two lines",
    "name:homelab\nconfigure:true\nproxmox:\n  a: 1\n",
    "1:1",
    "name:homelab has no blank after the colon",
    "Write name: homelab",
  ],
  [
    "a colon without a blank in the first line",
    "# my lab\nname:homelab # mine\nproxmox:\n  a: 1\n",
    "2:1",
    "name:homelab has no blank after the colon",
    "Write name: homelab",
  ],
  [
    "a list that is never closed",
    "a:\n  clients: [x/24 # who\n  management: [y]\n",
    "2:12",
    "the [ here is never closed",
    "Write the ] where the value ends.",
  ],
  [
    "a map that is never closed",
    "a:\n  b: { node: pve1\n  c: { node: pve1 }\n",
    "2:6",
    "the { here is never closed",
    "Write the } where the value ends.",
  ],
  [
    "a list in a map that is never closed",
    "c:\n  o: { vmId: 201, models: [a, b }\nd: 1\n",
    "2:27",
    "the [ here is never closed",
    "Write the ] where the value ends.",
  ],
  [
    "a quote that is never closed",
    'a: "mistral:7b\nb: 1\n',
    "1:4",
    'the " here is never closed',
    'Write the " where the value ends.',
  ],
  [
    "a single quote that is never closed",
    "a: 1\nb: 'x\n",
    "2:4",
    "the ' here is never closed",
    "Write the ' where the value ends.",
  ],
  [
    "a bracket that was never opened",
    "a: { b: 1 }}\n",
    "1:12",
    "nothing was opened that this } could close",
    "Remove it, or write what opens it.",
  ],
  [
    "text after a closing quote",
    'a: "x"y\n',
    "1:7",
    "y stands after the end of a value",
    "Put the whole value in quotes, or write a comma or a new line.",
  ],
  [
    "a line that is indented less",
    "network:\n   bridge: x\n  cidr: y\n",
    "3:1",
    "this line is indented otherwise than those that it belongs to",
    ALIKE,
  ],
  [
    "a line that is indented more",
    "network:\n  bridge: x\n   cidr: y\n",
    "3:4",
    "cidr: y is indented as if it were a part of the line before it",
    ALIKE,
  ],
  [
    "an entry of a list that is indented less",
    "keys:\n  - a\n - b\n",
    "3:2",
    "- b is indented as if it were a part of the line before it",
    ALIKE,
  ],
  ["a value that begins with @", "a: @x\n", "1:4", "a value that begins with @ needs quotes", 'Write "@x".'],
  [
    "a value with a colon in it",
    "a: b: c\n",
    "1:4",
    "b: c has a colon with a blank after it in a value",
    'Put the value in quotes: "b: c".',
  ],
  [
    "a Windows path in double quotes",
    'a: "C:\\path"\n',
    "1:7",
    "\\p means nothing in double quotes",
    "Write single quotes around the value.",
  ],
  [
    "a comma that is missing",
    "a: { b: 1 c: 2 }\n",
    "1:9",
    "a comma is missing before or after 1 c: 2 }",
    "Write a comma between two settings in { }.",
  ],
  [
    "a line without a colon",
    "name: a\nnetwork\nb: 1\n",
    "2:1",
    "network is no key with a value",
    "Write a key, a colon and a blank before the value, as in name: homelab.",
  ],
  [
    "a list that begins beside its key",
    "a: - b\n",
    "1:4",
    "an entry of a list begins on the line of its key",
    "Write each entry on a line of its own, below the key.",
  ],
  [
    "a place holder of a template",
    "name: {{ x }}\n",
    "1:8",
    "{ x }} stands where a key must be a word",
    "Write a word, or put the whole value in quotes.",
  ],
  [
    "a tab before a key",
    "a:\n\tb: 1\n\tc: 2\n",
    "2:1",
    "a tab stands before the key",
    "Replace the tab by spaces: YAML takes no tabs before a key.",
  ],
  ["a tag", "a: !env X\n", "1:4", "!env is a tag, but a lab takes none", "Remove the tag (!…)."],
  [
    "a second document",
    "a: 1\n---\nb: 2\n",
    "2:1",
    "a second document begins here, but a lab is one",
    "Keep one document in the file, and remove the line ---.",
  ],
  [
    "a key that is there twice",
    "a: 1\na: 2\n",
    "2:1",
    "the key a is here for the second time",
    "Keep one of the two; otherwise the other is lost silently.",
  ],
  [
    "a merge key without a map",
    "<<: 5\na: 1\n",
    "1:1",
    "<< takes over the settings of a map, but this is none",
    "Write the alias of a map, as in <<: *defaults.",
  ],
  [
    "a merge that is not finished",
    "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n",
    "2:1",
    "git left its mark <<<<<<< here, because a merge is not finished",
    "Keep one of the two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>.",
  ],
  [
    "brackets without end",
    `a: ${"[".repeat(3000)}`,
    "",
    "the brackets are nested too deeply to be read",
    "Close them, or write fewer.",
  ],
  [
    "a key of 1025 characters",
    `${"x".repeat(1025)}: 1\n`,
    "1:1",
    "this key has more than 1024 characters",
    "Correct the YAML at this place; indentation and unquoted : or # are the usual reasons.",
  ],
];

slips.push(
  [
    "a map that is never closed, with a list in it that is,",
    "a: { b: [x], c: 1\nd: 2\n",
    "1:4",
    "the { here is never closed",
    "Write the } where the value ends.",
  ],
  [
    "a long line without a colon",
    `name: a\n${"abcdefghij".repeat(5)}\nb: 1\n`,
    "2:1",
    `${"abcdefghij".repeat(4).slice(0, 39)}… is no key with a value`,
    "Write a key, a colon and a blank before the value, as in name: homelab.",
  ],
);
slips.push([
  "a quote that is the last character",
  'a: "',
  "1:4",
  'the " here is never closed',
  'Write the " where the value ends.',
]);

test.each(slips)("%s is one problem, at its place, in plain words", (_, text, place, message, remedy) => {
  const file = join(folder, "lab.yaml");
  writeFileSync(file, text);
  const { problems } = readLab(file);
  const found = problems.map(({ code, position, ...said }) => [
    code,
    `${position?.line}:${position?.column}`,
    said.message,
    said.remedy,
  ]);
  // How deep the parser comes depends on the stack that is left, and the place with it.
  expect(found).toEqual([["invalid-yaml", place || expect.any(String), message, remedy]]);
});
