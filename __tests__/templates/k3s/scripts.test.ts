import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describeWithTool } from "../../../testing/external-tool";

const FOLDER = path.join(__dirname, "../../../templates/k3s");
const scripts = fs.readdirSync(FOLDER).filter((file) => file.endsWith(".sh"));

describeWithTool("shellcheck", "shellcheck", () => {
  test.each(scripts)("has nothing to say about %s", (script) => {
    const { stdout, stderr, status } = spawnSync("shellcheck", [script], { cwd: FOLDER, encoding: "utf8" });
    expect({ stdout, stderr, status }).toEqual({ stdout: "", stderr: "", status: 0 });
  });
});

test.each(scripts)("%s explains every exit code and parameter by its header", (script) => {
  const source = fs.readFileSync(path.join(FOLDER, script), "utf8");
  const header = source.slice(0, source.search(/^[^#]/m));
  const library = fs.readFileSync(path.join(FOLDER, "bootstrap-lib.sh"), "utf8").split("\n\n")[0] ?? "";
  const operator = fs.readFileSync(path.join(FOLDER, "operator-lib.sh"), "utf8").split("\n\n")[0] ?? "";
  const parameters = [...source.matchAll(/\$\{([A-Z][A-Z0-9_]+):?[=-]/g)].map((match) => match[1] ?? "");
  expect(parameters.filter((name) => !`${header}${library}${operator}`.includes(name))).toEqual([]);
});
