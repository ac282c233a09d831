import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exports as packageExports } from "../../package.json";
import { apiPage, ENTRIES, exportedBy } from "../../tools/api-page";

const ROOT = join(__dirname, "../..");
const page = apiPage();
const entries = Object.keys(ENTRIES).map((entry) => ({ entry, exported: exportedBy(entry) }));

test("docs/api.md is what the doc comments say; npm run docs writes it", () => {
  expect(readFileSync(join(ROOT, "docs/api.md"), "utf8")).toBe(page);
});
test("it describes every entry of package.json", () => {
  const names = Object.keys(packageExports).filter((name) => name !== "./package.json");
  expect(Object.keys(ENTRIES)).toEqual(names.map((name) => name.replace(".", "ollama-lab")));
});
test.each(entries)("$entry exports nothing without a doc comment", ({ exported }) => {
  expect(exported.length).toBeGreaterThan(5);
  expect(exported.filter(({ comment }) => comment === "").map(({ name }) => name)).toEqual([]);
});
test.each(entries)("$entry exports nothing with a member that has no doc comment", ({ exported }) => {
  const members = exported.flatMap(({ name, members: all }) =>
    all.map((member) => ({ place: `${name}.${member.name}`, ...member })),
  );
  expect(members.filter(({ comment }) => comment === "").map(({ place }) => place)).toEqual([]);
});
test.each([
  ["a prop with its type, its default and its meaning", /\| `diskGiB` \| `number` \| 50 \| Size of the root disk in GiB\./],
  ["a prop within another", /\| `network\.mac` \| `string` \| one that Proxmox picks \|/],
  ["what a class is made with", /^new OllamaContainer\(scope: Construct, id: string, props: OllamaContainerProps\)$/m],
  ["what an interface takes from others", /^interface OllamaReleaseProps extends ChartChoice$/m],
])("it shows %s", (_, text) => expect(page).toMatch(text));
