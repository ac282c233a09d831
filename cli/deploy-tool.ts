import { createRequire } from "node:module";
import { join } from "node:path";
import { OLDEST_NODE_OF_CDKTN } from "../catalog/terraform";
import { OWN_LAB } from "../lab/default-lab";
import { shellWord } from "../lab/shell";

/** The command lines that drive this project's stacks: that of CDK for Terraform, which is archived, and that of its successor. */
export type DeployCli = "cdktf" | "cdktn";

/** What decides which command line works here. */
export interface Machine {
  /** The version of Node, such as "22.19.0". */
  readonly node: string;
  /** Whether npm installed the package. */
  readonly installed: (name: string) => boolean;
  /**
   * Whether the binary that lets cdktf-cli talk to Terraform can be loaded. There is one for Linux with glibc, macOS and Windows, each on
   * x64 and ARM; npm installs it on Alpine Linux too, where it cannot be loaded.
   */
  readonly hasTerminal: () => boolean;
}

/** How to deploy on a machine. */
export interface DeployTool {
  readonly cli: DeployCli;
  /** What to do before `cli` can be called. @default undefined: it works as it is */
  readonly install?: string;
}

function isAtLeast(version: string, oldest: string): boolean {
  // Not localeCompare with `numeric`, for which Node loads a part of its language data.
  const wanted = oldest.split(".").map(Number);
  const difference = version.split(".").map((part, i) => Number.parseInt(part, 10) - (wanted[i] ?? 0));
  return (difference.find((part) => part !== 0) ?? 0) >= 0;
}

/** The command lines that work on a machine, the better one first: cdktf up to Node 22, for which it was released, and cdktn on newer ones. */
export function workingClis({ node, installed, hasTerminal }: Machine): DeployCli[] {
  const works = {
    cdktf: () => installed("cdktf-cli") && hasTerminal(),
    cdktn: () => installed("cdktn-cli") && isAtLeast(node, OLDEST_NODE_OF_CDKTN),
  };
  const preferred: DeployCli[] = isAtLeast(node, "23") ? ["cdktn", "cdktf"] : ["cdktf", "cdktn"];
  return preferred.filter((cli) => works[cli]());
}

/** The command line to name on a machine, and how to get it where none works. */
export function deployToolOn(machine: Machine): DeployTool {
  const [cli] = workingClis(machine);
  if (cli !== undefined) return { cli };
  // npm leaves both out where it was told to: --omit=optional, or the same in a settings file.
  const install = "npm ci --include=optional";
  if (isAtLeast(machine.node, OLDEST_NODE_OF_CDKTN)) return { cli: "cdktn", install };
  if (!machine.installed("cdktf-cli")) return { cli: "cdktf", install };
  // A second installation would bring no other binary.
  return { cli: "cdktn", install: `Node ${OLDEST_NODE_OF_CDKTN} or newer, then npm ci` };
}

/** The machine that this process runs on, and the packages of this checkout. */
export function thisMachine(): Machine {
  const load = createRequire(join(__dirname, "../package.json"));
  const succeeds = (work: () => unknown) => {
    try {
      work();
      return true;
    } catch {
      return false;
    }
  };
  return {
    node: process.versions.node,
    installed: (name) => succeeds(() => load.resolve(`${name}/package.json`)),
    // Only the binary: what surrounds it takes ten times as long to load.
    hasTerminal: () => succeeds(() => load(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`)),
  };
}

let found: DeployTool | undefined;

/** The command line to call here. Every message that tells somebody to deploy names it. */
export function deployTool(): DeployTool {
  // Once: a process's machine does not change.
  found ??= deployToolOn(thisMachine());
  return found;
}

/** `LAB=FILE ` before a command that would take another lab without it; nothing for the lab that commands take anyway. */
export function labPrefix(lab: string): string {
  if (lab === OWN_LAB) return "";
  return `LAB=${shellWord(lab)} `;
}

/**
 * A command for the stacks of a lab, as somebody here types it: `LAB=examples/lxc.yaml npx cdktf deploy containers`.
 * @param words what follows the name of the command line, such as `deploy containers`
 * @param lab the lab file in use
 */
export function deployCommand(words: string, lab: string): string {
  const { cli, install } = deployTool();
  return `${labPrefix(lab)}npx ${cli} ${words}${install === undefined ? "" : ` (first install it: ${install})`}`;
}
