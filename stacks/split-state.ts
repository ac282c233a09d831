import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { ProxmoxLab } from "../lab/lab";
import { shellWord } from "../lab/shell";
import { stacksOfContainers } from "./inventory";
import { localStateFile, settingsWithStack } from "./state";

/** The file in a stack's folder that has the addresses of its resources, one on a line. It is there where a lab is split. */
export const ADDRESSES = "addresses.txt";

/** The folder that the commands make, beside where they run. */
const FOLDER = "state-split";

/** The stack that had all containers. */
const WHOLE = "containers";

/**
 * Whether the containers of a lab that is split by node seem to have one state still: its file is there, or for a state elsewhere the last
 * output in the folder was not split.
 */
export function isStillWhole(lab: ProxmoxLab, outdir: string): boolean {
  if (lab.state.split !== "node") return false;
  if (lab.state.type === "local") return existsSync(localStateFile(lab, WHOLE));
  return existsSync(join(outdir, "stacks", WHOLE, "cdk.tf.json"));
}

/**
 * The commands that divide one state of all containers into those of their nodes, to be run where the synthesis ran. Each new state begins as a
 * copy of the former one, from which the resources of the other nodes are removed: the mark of the former state, which every guest bears, has
 * to be in all of them. The last step of each stores the new values of the outputs, so that the next plan is empty.
 */
export function splitCommands(lab: ProxmoxLab, outdir: string): string[] {
  const stacks = stacksOfContainers(lab).map(({ id }) => id);
  const folder = (stack: string) => join(outdir, "stacks", stack);
  const first = folder(stacks[0] ?? WHOLE);
  const file = localStateFile(lab, WHOLE);
  const former: [string, unknown][] =
    lab.state.type === "local" ? [["path", relative(first, file)]] : settingsWithStack(lab, WHOLE);
  const flags = former.map(([name, value]) =>
    shellWord(`-backend-config=${name}=${typeof value === "string" ? value : JSON.stringify(value)}`),
  );
  const own = shellWord(outdir);
  return [
    "set -euo pipefail",
    `mkdir ${FOLDER}`,
    `terraform -chdir=${shellWord(first)} init -input=false -reconfigure ${flags.join(" ")}`,
    "# The backup: keep it until the next deploy has succeeded.",
    `terraform -chdir=${shellWord(first)} state pull > ${FOLDER}/${WHOLE}.tfstate`,
    `for stack in ${stacks.map(shellWord).join(" ")}; do`,
    `  cp ${FOLDER}/${WHOLE}.tfstate "${FOLDER}/$stack.tfstate"`,
    `  terraform -chdir=${FOLDER} state list -state="$stack.tfstate" | { grep -v '^data[.]' || true; } |`,
    `    { grep -vxF -f ${own}/stacks/"$stack"/${ADDRESSES} || true; } | xargs -r terraform -chdir=${FOLDER} state rm -state="$stack.tfstate"`,
    `  terraform -chdir=${own}/stacks/"$stack" init -input=false -reconfigure`,
    `  terraform -chdir=${own}/stacks/"$stack" state push "$PWD/${FOLDER}/$stack.tfstate"`,
    `  terraform -chdir=${own}/stacks/"$stack" apply -input=false -refresh-only -auto-approve`,
    "done",
    ...(lab.state.type === "local" ? [`mv ${shellWord(relative(process.cwd(), file))} ${FOLDER}/former.tfstate`] : []),
  ];
}
