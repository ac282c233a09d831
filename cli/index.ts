import { Command, CommanderError, Option } from "commander";
import { FLAGS } from "../doctor/init/flags";
import { OWN_LAB } from "../lab/default-lab";
import { version } from "../package.json";
import { check } from "./check";
import { type Environment, EXIT, type Outcome, Refusal } from "./command";
import type { InitSwitches } from "./init";
import type { InventoryOptions } from "./inventory";
import { exampleStandsIn, labFile as namedLab, newLabFile, STANDS_IN } from "./lab-file";
import { asJson, asText, PLAIN, type Printed, type Style, styleFor } from "./print";
import type { RightsOptions } from "./rights";
import { type Ask, Terminal } from "./terminal";

/** What a run of the program ends with, and what it prints. */
export interface Answer extends Printed {
  readonly exitCode: number;
}

const EXIT_CODES = `
Exit codes:
  0   done
  1   the lab has errors, or the command could not do its work; the message says which
  64  the command line was not understood
  70  a defect of this program`;

/** The options of every command, and the outcome of its work as it is printed. */
type Work<Options> = (lab: string | undefined, options: Options) => Outcome | Promise<Outcome>;

/** Runs a command's work; a refusal becomes an outcome too. */
async function outcomeOf(work: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { exitCode: EXIT.refused, notice: error.message };
    throw error;
  }
}

/**
 * Runs one command line. Prints nothing itself, so that tests need no process. Each command imports what it needs when it runs: a check
 * loads none of cdktf.
 * @param args what was typed after the program's name
 * @param style how text is shown. Default: plain
 * @param ask asks a person. Default: there is no terminal
 */
export async function run(args: readonly string[], env: Environment, style: Style = PLAIN, ask?: Ask): Promise<Answer> {
  let answer: Answer | undefined;
  let preface = "";
  const written = { stdout: "", stderr: "" };
  const program = new Command("ollama-lab")
    .description("From one checked lab.yaml to Terraform JSON: Ollama on Proxmox, in containers and on a GPU K3s cluster.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .addHelpText("after", EXIT_CODES)
    .showHelpAfterError("(--help lists what there is)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        written.stdout += text;
      },
      writeErr: (text) => {
        written.stderr += text;
      },
    });

  /** The lab file that a command works on. When it is the default example, the command says so first. */
  const labFile = (argument: string | undefined, from: Environment) => {
    if (exampleStandsIn(argument, from)) preface = STANDS_IN;
    return namedLab(argument, from);
  };

  /** Adds a command that works on a lab. */
  const command = <Options extends object>(name: string, summary: string, options: readonly Option[], work: Work<Options>) => {
    const added = program
      .command(name)
      .summary(summary)
      .description(summary)
      .argument("[lab]", "the lab file; without it the variable LAB counts, then lab.yaml, then examples/default.yaml")
      .option("--json", "print one JSON document on stdout, and nothing else")
      .helpOption("-h, --help", "print this help")
      .action(async (lab: string | undefined, given: Options & { json?: boolean }) => {
        const outcome = await outcomeOf(() => work(lab, given));
        answer = { exitCode: outcome.exitCode, ...(given.json ? asJson(name, outcome) : asText({ preface, ...outcome }, style)) };
      });
    for (const option of options) added.addOption(option);
  };

  // Added by itself: it takes no lab, but makes one.
  const initCommand = program
    .command("init")
    .summary("write a lab of your own, from what your Proxmox answers")
    .description(
      "Writes a commented lab: asks Proxmox, read-only, with the credential in the environment, and you for what is open. Each flag answers one question.",
    )
    .argument("[file]", `the lab to write; without it the variable LAB counts, then ${OWN_LAB}. It is never overwritten`)
    .option("--offline", "ask no Proxmox: everything comes from answers")
    .option("--insecure", "accept a certificate that cannot be verified, now and in the lab")
    .option("-y, --yes", "take what is suggested, and ask only for what is not")
    .option("--json", "print one JSON document on stdout, and nothing else")
    .helpOption("-h, --help", "print this help")
    .action(async (file: string | undefined, options: InitSwitches & Readonly<Record<string, unknown>> & { json?: boolean }) => {
      const outcome = await outcomeOf(async () => {
        const { givenIn, init } = await import("./init");
        return init(newLabFile(file, env), givenIn(options), options, env, ask);
      });
      answer = { exitCode: outcome.exitCode, ...(options.json ? asJson("init", outcome) : asText(outcome, style)) };
    });
  for (const [flag, { value, meaning }] of Object.entries(FLAGS)) initCommand.option(`--${flag} <${value}>`, meaning);

  command("check", "check a lab: everything that is wrong with it, at once", [], (lab) => check(labFile(lab, env)));
  command("synth", "check a lab and write its stacks, as Terraform JSON", [], async (lab) => {
    const { synth } = await import("./synth");
    return synth(labFile(lab, env), env);
  });
  command<InventoryOptions>(
    "inventory",
    "write the Ansible inventory of a lab's containers",
    [
      new Option("-o, --output <file>", "the file to write; inventory-NAME.yml with the lab's name unless it is given"),
      new Option("--from-state", "ask Terraform's state for every address, not only for leased ones"),
    ],
    async (lab, options) => {
      const { writeInventory } = await import("./inventory");
      return writeInventory(labFile(lab, env), options, env);
    },
  );

  command("doctor", "ask Proxmox and this machine, read-only, whether a deploy of the lab can work", [], async (lab) => {
    const { doctor } = await import("./doctor");
    return doctor(labFile(lab, env), env);
  });
  command<RightsOptions>(
    "rights",
    "print the Proxmox rights that the lab needs, as commands, with the reason of each",
    [
      new Option("-r, --release <number>", "release of Proxmox VE").choices(["8", "9"]).default("9"),
      new Option("-u, --user <name>", "who gets the rights, with the realm").default("terraform@pve"),
    ],
    async (lab, options) => {
      const { rights } = await import("./rights");
      return rights(labFile(lab, env), options);
    },
  );

  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // --help and --version end here too, with 0; whatever else commander refuses is the command line's fault.
    return { exitCode: error.exitCode === 0 ? EXIT.done : EXIT.usage, ...written };
  }
  return answer ?? { exitCode: EXIT.usage, ...written };
}

/** What an error that no command foresaw is printed as. The stack says where it came from, for whoever mends it. */
function defect(error: unknown): Answer {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT.defect, stdout: "", stderr: `This is a defect of ollama-lab ${version}, please report it:\n${what}` };
}

/** Runs the process's own command line, prints the answer, and sets the exit code. */
export async function main(): Promise<void> {
  const style = styleFor(process.env, process.stderr.isTTY === true);
  const terminal = process.stdin.isTTY && process.stderr.isTTY ? new Terminal() : undefined;
  const { exitCode, stdout, stderr } = await run(process.argv.slice(2), process.env, style, terminal?.ask).catch(defect);
  terminal?.close();
  const line = (text: string) => (text === "" || text.endsWith("\n") ? text : `${text}\n`);
  process.stderr.write(line(stderr));
  process.stdout.write(line(stdout));
  process.exitCode = exitCode;
}
