// Every check of this room says what is wrong with a value, and what to write.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../../grammar/fault";

const FOLDER = join(__dirname, "../../grammar");

/** Texts that most kinds of values refuse, each for another reason. */
const TEXTS = [
  "",
  " ",
  "x y",
  "-",
  "%",
  "X",
  "x",
  "a/b",
  "/",
  "ssh-ed25519 AAAA",
  "-----BEGIN OPENSSH PRIVATE KEY-----",
  "http://x.example",
  "https://a:b@x.example/",
  "https://x.example/a/b?c",
  "OLLAMA_API_KEY",
  "OLLAMA_HOST",
  "192.0.2.300",
  "192.0.2.7/24",
  "01:00:5E:00:00:01",
  "bc:24:11:00:00:21",
  "0000:0A:00",
];

const checks = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => {
    const exported = require(join(FOLDER, file)) as Record<string, unknown>;
    // A check of a text has its form; others are made with bounds or other settings first.
    return Object.entries(exported).filter((entry): entry is [string, (text: string) => Fault | undefined] => {
      return typeof entry[1] === "function" && "form" in entry[1];
    });
  });

test("the room has checks of texts", () => expect(checks.length).toBeGreaterThan(30));

describe.each(checks)("%s", (_, check) => {
  const faults = TEXTS.flatMap((text) => check(text) ?? []);
  test("refuses something", () => expect(faults).not.toEqual([]));
  test("says what is wrong, without a gap", () => {
    expect(faults.map(({ message }) => message).filter((message) => !/^\S.*\S$/s.test(message) || / {2}/.test(message))).toEqual(
      [],
    );
  });
  test("says what to write, in a sentence", () => {
    expect(faults.map(({ remedy }) => remedy).filter((remedy) => !/^[A-Z].{10,}[.?]$|^[A-Z].+: .+$/s.test(remedy))).toEqual([]);
  });
});
