import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const FOLDERS = ["templates/k3s", "templates/model-staging", "templates/ollama"];

/** The words of a head that stand for a default that is empty. */
const EMPTY = /^(none|empty)\b/;

/** Settings that another program gives its default: a script that this one runs or reads, or Ollama's client. */
const ELSEWHERE = [
  "templates/k3s/bootstrap-worker.sh GPU",
  "templates/ollama/models-present.sh RECORD",
  "templates/ollama/models-present.sh OLLAMA_HOST",
];

/** Each setting of a script whose head states its default: script, name, default. */
const stated = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder)).map((file) => `${folder}/${file}`))
  .filter((script) => script.endsWith(".sh"))
  .flatMap((script) => {
    const [head = ""] = readFileSync(join(ROOT, script), "utf8").split(/\n(?!#)/, 1);
    return [...head.matchAll(/^# {2,3}([A-Z][A-Z0-9_]+) +.*?(?:\(default ([^)]+)\)|\[([^\]]+)\]$)/gm)].map(
      ([, name = "", round, square]) => [script, name, (round ?? square ?? "").replaceAll('"', "")] as const,
    );
  })
  // What a head tells in words is proved by the script's own tests.
  .filter(([, , value]) => EMPTY.test(value) || /^[a-z0-9./:-]+( nfs4)?$/.test(value))
  .filter(([script, name, value]) => value !== "required" && !ELSEWHERE.includes(`${script} ${name}`));

test("the heads of the scripts state the defaults of most settings", () => {
  expect(stated.length).toBeGreaterThan(30);
});

test.each(stated)("%s: %s is %s when it is not set", (script, name, value) => {
  const text = readFileSync(join(ROOT, script), "utf8");
  const [, set] = new RegExp(`\\$\\{${name}:?[-=]([^}]*)\\}`).exec(text) ?? [];
  expect(set?.replaceAll('"', "")).toBe(EMPTY.test(value) ? "" : value);
});
