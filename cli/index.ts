import { fstatSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { FLAGS } from "../doctor/init/flags";
import { OWN_LAB } from "../lab/default-lab";
import { version } from "../package.json";
import { type CheckOptions, check } from "./check";
import { type Environment, EXIT, type Outcome, Refusal } from "./command";
import type { DiagramOptions } from "./diagram";
import type { DiffOptions } from "./diff";
import type { DoctorOptions } from "./doctor";
import type { InitSwitches } from "./init";
import type { InventoryOptions } from "./inventory";
import { exampleStandsIn, labFile as namedLab, newLabFile, STANDS_IN } from "./lab-file";
import { asJson, asText, PLAIN, type Printed, type Style, styleFor } from "./print";
import type { RightsOptions } from "./rights";
import type { Ask, Terminal } from "./terminal";
import type { ValidateOptions } from "./validate";
import { systemCode } from "./written";

/** What a run of the program ends with, and what it prints. */
export interface Answer extends Printed {
  readonly exitCode: number;
}

const EXIT_CODES = `
Exit codes:
  0   done
  1   the lab has errors, or the command could not do its work; the message says which
  2   diff: a deploy changes something
  3   diff: a deploy destroys something, be it to make it anew
  64  the command line was not understood
  69  what was asked could not be found out: a program or a service is not there
  70  a defect of this program`;

/** The options of every command, and the outcome of its work as it is printed. */
type Work<Options> = (argument: string | undefined, options: Options) => Outcome | Promise<Outcome>;

const NO_LAB = "without it the variable LAB counts, then lab.yaml, then examples/default.yaml";
const LAB_ARGUMENT = ["[lab]", `the lab file; ${NO_LAB}`] as const;

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
    .helpCommand("help [command]", "print the help of a command")
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

  /** Adds a command that works on a lab. Its one argument is the lab, unless `argument` says what else. */
  const command = <Options extends object>(
    name: string,
    summary: string,
    options: readonly Option[],
    work: Work<Options>,
    argument: readonly [name: string, description: string] = LAB_ARGUMENT,
  ) => {
    const added = program
      .command(name)
      .summary(summary)
      .description(summary)
      .argument(...argument)
      .option("--json", "print one JSON document on stdout, and nothing else")
      .helpOption("-h, --help", "print this help")
      .action(async (given: string | undefined, chosen: Options & { json?: boolean }) => {
        const outcome = await outcomeOf(() => work(given, chosen));
        answer = {
          exitCode: outcome.exitCode,
          ...(chosen.json ? asJson(name, outcome) : asText({ preface, ...outcome }, style)),
        };
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

  command<CheckOptions>(
    "check",
    "check a lab: everything that is wrong with it, at once",
    [new Option("--strict", "take warnings for failures, and tell those about defaults that the lab does not choose")],
    (lab, options) => check(labFile(lab, env), options),
  );
  command("synth", "check a lab and write its stacks, as Terraform JSON", [], async (lab) => {
    const { synth } = await import("./synth");
    return synth(labFile(lab, env), env, style);
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

  command<ValidateOptions>(
    "validate",
    "let Terraform or OpenTofu check a lab's stacks with the real providers; needs their registry, but no credential",
    [new Option("--tofu", "ask OpenTofu, not Terraform")],
    async (lab, options) => {
      const { validate } = await import("./validate");
      return validate(labFile(lab, env), options, env);
    },
  );

  command<DoctorOptions>(
    "doctor",
    "ask Proxmox, Kubernetes and this machine, read-only: can a deploy work, and how is what is deployed?",
    [new Option("--health", "let each Ollama that serves answer a prompt, too; it loads a model")],
    async (lab, options) => {
      const { doctor } = await import("./doctor");
      return doctor(labFile(lab, env), env, options);
    },
  );
  command<RightsOptions>(
    "rights",
    "print the Proxmox rights that the lab needs, as commands, with the reason of each",
    [
      new Option("-r, --release <number>", "release of Proxmox VE").choices(["8", "9"]).default("9"),
      new Option("-u, --user <name>", "who gets the rights, with the realm").default("terraform@pve").argParser(userOption),
    ],
    async (lab, options) => {
      const { rights } = await import("./rights");
      return rights(labFile(lab, env), options);
    },
  );

  command<DiffOptions>(
    "diff",
    "say what a change of the lab does: what is destroyed, replaced, restarted, created, changed and kept",
    [
      new Option("-l, --lab <file>", `the lab file; ${NO_LAB}`),
      new Option("-f, --format <format>", "how the answer is written").choices(["text", "markdown"]).default("text"),
    ],
    async (base, options) => {
      const { diff } = await import("./diff");
      return diff(labFile(options.lab, env), base, options, env);
    },
    [
      "[base]",
      "an output folder, a lab file, or git: with a commit, such as git:main; the last synthesized output unless it is given",
    ],
  );
  command<DiagramOptions>(
    "diagram",
    "draw what a lab builds: nodes, guests, graphics cards, the cluster, routes and storage",
    [
      new Option("-f, --format <format>", "svg for an output that ends in .svg, else mermaid, unless it is given").choices([
        "mermaid",
        "svg",
      ]),
      new Option("-o, --output <file>", "the file to write; stdout unless it is given"),
    ],
    async (lab, options) => {
      const { diagram } = await import("./diagram");
      return diagram(labFile(lab, env), options);
    },
  );

  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // --help and --version end here too, with 0; whatever else commander refuses is the command line's fault.
    if (error.exitCode !== 0 && args.includes("--json")) {
      const [name = ""] = args.filter((arg) => !arg.startsWith("-"));
      return { exitCode: EXIT.usage, ...asJson(name, { exitCode: EXIT.usage, notice: written.stderr.trim() }) };
    }
    return { exitCode: error.exitCode === 0 ? EXIT.done : EXIT.usage, ...written };
  }
  return answer ?? { exitCode: EXIT.usage, ...written };
}

/** A user of Proxmox, as the printed commands name it. @throws InvalidArgumentError for what a shell or Proxmox reads otherwise */
function userOption(name: string): string {
  if (!/^[\w.+@-]+@[A-Za-z][\w.-]*$/.test(name))
    throw new InvalidArgumentError("A user has a name and a realm, such as terraform@pve.");
  return name;
}

/** What an error that no command foresaw is printed as. The stack says where it came from, for whoever mends it. */
function defect(error: unknown): Answer {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT.defect, stdout: "", stderr: `This is a defect of ollama-lab ${version}, please report it:\n${what}` };
}

/**
 * Writes a text to a stream of this process. Not by `process.stdout`, which takes longer to load than most labs take to check; only where a
 * pipe is full it has to wait.
 */
function print(stream: "stdout" | "stderr", text: string): void {
  const bytes = Buffer.from(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(stream === "stdout" ? 1 : 2, bytes, done);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EAGAIN") process[stream].write(bytes.subarray(done));
    // Whoever read the pipe has read enough.
    else if (code !== "EPIPE") {
      process.exitCode = EXIT.refused;
      if (stream === "stdout") print("stderr", `The answer cannot be written to stdout (${code}).`);
    }
  }
}

/** Whether a file descriptor is a terminal. Only a character device can be one; to ask further loads much of Node. */
function isTerminal(descriptor: number): boolean {
  return fstatSync(descriptor).isCharacterDevice() && isatty(descriptor);
}

/** Runs the process's own command line, prints the answer, and sets the exit code. */
export async function main(): Promise<void> {
  const style = styleFor(process.env, isTerminal(2), isTerminal(1) ? process.stdout.columns : undefined);
  const opened: { terminal?: Terminal } = {};
  // Most commands ask nothing, so the terminal is loaded with the first question.
  const ask: Ask = async (text) => {
    opened.terminal ??= new (await import("./terminal")).Terminal();
    return opened.terminal.ask(text);
  };
  const asking = isTerminal(0) && isTerminal(2) ? ask : undefined;
  const { exitCode, stdout, stderr } = await run(process.argv.slice(2), process.env, style, asking).catch(defect);
  opened.terminal?.close();
  process.exitCode = exitCode;
  print("stderr", stderr);
  print("stdout", stdout);
}
