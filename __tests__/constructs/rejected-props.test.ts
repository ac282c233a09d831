import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const CONSTRUCTS = join(ROOT, "constructs");

/** Files with checks that constructs of other files make, and where the tables of those are. */
const MADE_BY: Readonly<Record<string, string>> = {
  "proxmox/guest.ts": "testing/guest-props.ts",
  "k3s/k3s-cluster-props.ts": "__tests__/constructs/k3s/k3s-cluster.test.ts",
  "ollama/shared-models.ts": "__tests__/constructs/ollama/model-staging.test.ts",
};

const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** The props that a file checks, by the names that its checks have. */
function checkedProps(source: string): string[] {
  return [...new Set([...source.matchAll(/\b(?:prop|required)\(\s*"([^"]+)"/g)].map(([, name]) => name ?? ""))];
}

/** The table of a file's checks. */
function tableOf(file: string): string {
  return read(join(ROOT, MADE_BY[file] ?? join("__tests__/constructs", file.replace(/\.ts$/, ".test.ts"))));
}

/** The props of a file whose table has no row in which the prop is at fault. */
function withoutRow(source: string, table: string): string[] {
  return checkedProps(source).filter((name) => !table.includes(`"${name}: `));
}

const files = readdirSync(CONSTRUCTS, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && file !== "props-error.ts")
  .map((file) => ({ file, source: read(join(CONSTRUCTS, file)) }))
  .filter(({ source }) => /\b(checkProps|prop|required)\(/.test(source));

test.each(files)("$file: each prop that is checked has a row in a table of rejected props", ({ file, source }) => {
  expect(withoutRow(source, tableOf(file))).toEqual([]);
});

test("a check gives its prop's name as text, so that it can be found here", () => {
  const others = files.flatMap(({ file, source }) =>
    [...source.matchAll(/\b(?:prop|required)\((?!\s*")(.*)/g)].map(([, rest]) => `${file}: ${rest}`),
  );
  // The one name that is a variable: `key` is each of what nodes of a cluster may not share.
  expect(others).toEqual(["k3s/k3s-cluster-props.ts: key, false, {"]);
});

test("a prop without a row is found", () => {
  expect(withoutRow('checkProps(scope, id, [prop("size", props.size, checkSize)]);', '["nothing", {}, "name: wrong"]')).toEqual([
    "size",
  ]);
});
