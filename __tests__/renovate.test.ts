import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CADDY_VERSION } from "../catalog/caddy";
import { CHARTS } from "../catalog/charts";
import { K3S_EXAMPLE } from "../catalog/k3s";
import { CUDA_IMAGE } from "../catalog/nvidia";
import { OLLAMA_VERSION } from "../catalog/ollama";
import { customManagers } from "../renovate.json";

const ROOT = join(__dirname, "..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
}).split("\n");

/** What a manager finds: in which file, and which version. */
interface Found {
  readonly file: string;
  readonly name: string;
  readonly version: string;
}

/** What Renovate does with a manager: its files by their patterns, which stand between slashes, and every match in them. */
function foundBy(manager: (typeof customManagers)[number]): Found[] {
  const patterns = manager.managerFilePatterns.map((pattern) => new RegExp(pattern.slice(1, -1)));
  return tracked
    .filter((file) => patterns.some((pattern) => pattern.test(file)))
    .flatMap((file) =>
      manager.matchStrings.flatMap((expression) =>
        [...readFileSync(join(ROOT, file), "utf8").matchAll(new RegExp(expression, "g"))].map(({ groups = {} }) => ({
          file,
          name: groups["depName"] ?? ("depNameTemplate" in manager ? (manager.depNameTemplate ?? "") : ""),
          version: groups["currentValue"] ?? "",
        })),
      ),
    );
}

const all = customManagers.flatMap(foundBy);

test.each(customManagers)("$description: there is a version to find, with its name", (manager) => {
  const found = foundBy(manager);
  expect(found).not.toEqual([]);
  expect(found.filter(({ name, version }) => name === "" || !/^v?\d/.test(version))).toEqual([]);
});
test.each(customManagers)("$description: each expression finds one", (manager) => {
  const silent = manager.matchStrings.filter((expression) => foundBy({ ...manager, matchStrings: [expression] }).length === 0);
  expect(silent).toEqual([]);
});
test("an expression has nothing that RE2 does not know: it looks neither ahead nor behind", () => {
  expect(customManagers.flatMap(({ matchStrings }) => matchStrings).filter((text) => /\(\?(<?[=!])/.test(text))).toEqual([]);
});
test.each(Object.values(CHARTS))("the version of the chart $name is found", ({ name, version }) => {
  expect(all).toContainEqual({ file: expect.stringMatching(/^catalog\//), name, version });
});
test.each([
  ["Ollama", "ollama/ollama", OLLAMA_VERSION],
  ["Caddy", "caddyserver/caddy", CADDY_VERSION],
  ["K3s", "k3s-io/k3s", K3S_EXAMPLE],
  ["the CUDA image", CUDA_IMAGE.split(":")[0], CUDA_IMAGE.split(":")[1]],
])("the version of %s is found in the catalog", (_, name, version) => {
  expect(all).toContainEqual({ file: expect.stringMatching(/^catalog\//), name, version });
});
test("K3s is found in every lab that has a cluster", () => {
  const labs = tracked.filter((file) => /^examples\/[^/]+\.yaml$/.test(file));
  const withCluster = labs.filter((file) => /^ {2}k3sVersion:/m.test(readFileSync(join(ROOT, file), "utf8")));
  const found = all.filter(({ name }) => name === "k3s-io/k3s").map(({ file }) => file);
  expect(withCluster.filter((file) => !found.includes(file))).toEqual([]);
});
