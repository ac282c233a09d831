import * as fs from "node:fs";
import * as path from "node:path";

const FOLDER = path.join(__dirname, "../../../templates/k3s");
const scripts = fs.readdirSync(FOLDER).filter((file) => file.endsWith(".sh"));

test.each(scripts)("%s explains every exit code and parameter by its header", (script) => {
  const source = fs.readFileSync(path.join(FOLDER, script), "utf8");
  const header = source.slice(0, source.search(/^[^#]/m));
  const library = fs.readFileSync(path.join(FOLDER, "bootstrap-lib.sh"), "utf8").split("\n\n")[0] ?? "";
  const operator = fs.readFileSync(path.join(FOLDER, "operator-lib.sh"), "utf8").split("\n\n")[0] ?? "";
  const parameters = [...source.matchAll(/\$\{([A-Z][A-Z0-9_]+):?[=-]/g)].map((match) => match[1] ?? "");
  expect(parameters.filter((name) => !`${header}${library}${operator}`.includes(name))).toEqual([]);
});
