import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labPage, sections } from "../../tools/lab-page";

const ROOT = join(__dirname, "../..");
const settings = sections().flatMap(({ head, settings: all }) => [head, ...all]);
const at = (path: string) => settings.find((setting) => setting.path === path);

test("docs/lab.md is what the schema and the examples say; npm run docs writes it", () => {
  expect(readFileSync(join(ROOT, "docs/lab.md"), "utf8")).toBe(labPage());
});
test("every setting says what it is", () => {
  expect(settings.filter(({ description }) => description === "").map(({ path }) => path)).toEqual([]);
});
test("every setting that holds a value shows one", () => {
  const values = settings.filter(({ type }) => !/group|map|any value/.test(type));
  expect(values.filter(({ example }) => example === "").map(({ path }) => path)).toEqual([]);
});
test("every setting is there once", () => {
  const paths = settings.map(({ path }) => path);
  expect(paths.filter((path, i) => paths.indexOf(path) !== i)).toEqual([]);
});
test.each([
  ["a bound", "containers.NAME.vmId", { type: "integer 100–999999999", fallback: "required", example: "201" }],
  ["a default", "network.bridge", { type: "string", fallback: "`vmbr0`", example: "vmbr0" }],
  ["a default in words", "containers.NAME.name", { fallback: "<lab>-<key>" }],
  ["a default of another section", "containers.NAME.cores", { fallback: "that of `defaults.container.cores`" }],
  ["a choice", "proxmox.auth", { type: "`apiToken`, `rootPassword`", fallback: "`apiToken`" }],
  ["a list of groups", "cluster.openBetweenNodes[].port", { fallback: "required" }],
  ["a choice between kinds", "containers.NAME.gpu.type", { type: "`nvidia`, `intel`, `amd`" }],
])("it shows %s", (_, path, expected) => expect(at(path)).toMatchObject(expected));
