import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { readLab } from "../lab/read";
import { underCli } from "../stacks/under-cli";
import { type Environment, EXIT, type Outcome } from "./command";
import { outputFolder } from "./output-folder";
import { type Style, verdict } from "./print";
import { closedFolders } from "./state-folders";
import { guestsOf, modelsOf, urlsOf } from "./summary";
import { summary } from "./summary-text";
import { written } from "./written";

/** Whether one of these programs is on PATH; nothing is started for it. */
function isOnPath(env: Environment, ...names: readonly string[]): boolean {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.some((folder) =>
    names.some((name) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** `synth`: checks a lab and writes its stacks. A lab with an error writes nothing. */
export async function synth(file: string, env: Environment, style: Style): Promise<Outcome> {
  const { lab, problems } = readLab(file);
  if (!lab) {
    return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was written.` };
  }
  // Not before: a lab with errors needs none of cdktf, and loading it takes longer than checking.
  const { synthesize } = await import("../stacks/synthesize");
  const { unannotated } = await import("../stacks");
  const { stateFolders } = await import("../stacks/state");
  const folder = outputFolder(env);
  const stacks = written(folder, "Name another folder in CDKTF_OUTDIR.", () => synthesize(lab, problems, folder));
  const states = closedFolders(
    stateFolders(
      lab,
      stacks.map(({ id }) => id),
    ),
  );
  const result = { stacks, guests: guestsOf(lab), models: modelsOf(lab), urls: urlsOf(lab) };
  if (underCli(env)) {
    // The CLI prints the annotations of the stacks, and what comes next is its own.
    const text = `${file}: ${verdict(problems)}.`;
    return { exitCode: EXIT.done, lab: file, problems: unannotated(lab, problems), result, text };
  }
  const here = { env, states, hasOneOf: (...programs: readonly string[]) => isOnPath(env, ...programs) };
  return {
    exitCode: EXIT.done,
    lab: file,
    problems,
    result,
    text: `${summary(lab, file, stacks, here, style)}\n\n${verdict(problems)}.`,
  };
}
