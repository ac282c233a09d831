// One stack in a workspace: its folder, and what terraform does there.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ReplayedWorld, runFolder } from "../provider-replay/client";
import type { Source, TerraformJson } from "./output";
import {
  type Diagnostic,
  describeRun,
  diagnosticOf,
  messagesOf,
  type RawDiagnostic,
  type Run,
  runTerraform,
  terraformBinary,
  textOf,
} from "./process";

/** The workspace of a stack, without what only the workspace's own tests need. `Workspace` implements it. */
export interface Surroundings {
  /** What the project's folder is in real use. */
  readonly root: string;
  /** The guests there are. */
  readonly world: ReplayedWorld;
  /** Puts another output in the place of this one. States and guests stay. */
  become(source: Source): void;
  /** The calls of the stubbed commands so far, each as the name and its arguments. */
  commandCalls(): string[];
}

/** What a plan does with an object. `read` is a data source that can only be read while applying. */
export type Action = "create" | "update" | "delete" | "replace" | "read" | "move" | "remove" | "import";

export interface Plan extends Run {
  /** By address. Objects that do not change are left out. */
  changes: Record<string, Action>;
  /** By name. Outputs that do not change are left out. */
  outputs: Record<string, Action>;
  /** True when neither an object nor an output would change. */
  empty: boolean;
  /** The saved plan, for `apply`, `show` and `describe`. */
  file: string;
}

export interface Output {
  sensitive: boolean;
  value: unknown;
}

/** The parts of `terraform show -json PLAN` that tests read. */
export interface ShownPlan {
  resource_changes?: {
    address: string;
    type: string;
    change: { actions: string[]; before: unknown; after: unknown; after_unknown: unknown; replace_paths?: (string | number)[][] };
  }[];
  planned_values?: { outputs?: Record<string, { sensitive: boolean; value?: unknown }> };
}

const NOTHING_CHANGES = 0;
const SOMETHING_CHANGES = 2;

/** No lock is needed, because every run has a state of its own. */
const ALONE = ["-json", "-input=false", "-lock=false"];

function whatChanges(actions: (string | undefined)[][]): Record<string, Action> {
  return Object.fromEntries(actions.filter(([, action]) => action !== "noop")) as Record<string, Action>;
}

export class StackRun {
  private initializedFor = "";
  private plans = 0;

  constructor(
    readonly name: string,
    /** The folder in which terraform runs. */
    readonly folder: string,
    /** The copy of the whole output, with the stack's neighbours. */
    readonly workspace: Surroundings,
    private readonly env: Record<string, string>,
  ) {}

  /** The configuration in the workspace. */
  get config(): TerraformJson {
    return JSON.parse(readFileSync(join(this.folder, "cdk.tf.json"), "utf8")) as TerraformJson;
  }

  /** Runs `terraform ARGS` in the stack's folder, for what the other methods do not do. */
  async terraform(...args: string[]): Promise<Run & { status: number | null; stdout: string }> {
    const { status, stdout, stderr } = await runTerraform(args, this.folder, this.env);
    const messages = messagesOf(stdout);
    return {
      command: args.join(" "),
      status,
      stdout,
      succeeded: status === 0,
      diagnostics: messages.flatMap(({ diagnostic }): Diagnostic[] => (diagnostic ? [diagnosticOf(diagnostic)] : [])),
      text: messages.length > 0 ? textOf(messages, stderr) : `${stdout}${stderr}`,
    };
  }

  /**
   * `terraform init`, unless nothing that it depends on has changed since the last one here, or since one of a like stack in this test run: with the
   * replay it installs nothing, and only notes which backend there is.
   */
  async init(): Promise<Run> {
    const { terraform, module } = this.config;
    const wanted = JSON.stringify({ terraform, module });
    const done: Run = { command: "init", succeeded: true, diagnostics: [], text: "" };
    if (this.initializedFor === wanted) return done;
    const note = join(this.env["TF_DATA_DIR"] ?? "", "terraform.tfstate");
    const known = module === undefined && this.env["TF_REATTACH_PROVIDERS"] ? this.noteOfALikeStack(wanted) : undefined;
    if (known && existsSync(known)) {
      mkdirSync(dirname(note), { recursive: true });
      copyFileSync(known, note);
      this.initializedFor = wanted;
      return done;
    }
    const run = await this.terraform("init", "-json", "-input=false", "-reconfigure");
    this.initializedFor = run.succeeded ? wanted : "";
    if (run.succeeded && known && existsSync(note)) {
      // Other workers may look for it at any time.
      copyFileSync(note, `${known}.${process.pid}`);
      renameSync(`${known}.${process.pid}`, known);
    }
    return run;
  }

  /** Where the note about the backend is kept for stacks that want the same. */
  private noteOfALikeStack(wanted: string): string {
    const override = join(this.folder, "backend_override.tf.json");
    const backend = existsSync(override) ? readFileSync(override, "utf8") : "";
    const hash = createHash("sha256").update(`${terraformBinary()}\n${wanted}\n${backend}`).digest("hex");
    return join(runFolder(), `init-${hash}`);
  }

  /** `terraform validate`, after an init. */
  async validate(): Promise<Run> {
    const init = await this.init();
    if (!init.succeeded) {
      return init;
    }
    const run = await this.terraform("validate", "-json");
    const { diagnostics } = JSON.parse(run.stdout) as { diagnostics: RawDiagnostic[] };
    return { ...run, diagnostics: diagnostics.map(diagnosticOf) };
  }

  /** `terraform plan`, after an init. `flags` are further ones, such as `-destroy` or `-replace=ADDRESS`. */
  async plan(...flags: string[]): Promise<Plan> {
    this.plans += 1;
    const file = join(this.workspace.root, ".plans", `${this.name}-${this.plans}`);
    const init = await this.init();
    if (!init.succeeded) {
      return { ...init, changes: {}, outputs: {}, empty: false, file };
    }
    const run = await this.terraform("plan", ...ALONE, "-detailed-exitcode", `-out=${file}`, ...flags);
    const messages = messagesOf(run.stdout);
    const changes = messages.flatMap(({ type, change }) =>
      type === "planned_change" && change ? [[change.resource.addr, change.action]] : [],
    );
    const outputs = messages.flatMap(({ outputs = {} }) => Object.entries(outputs).map(([name, { action }]) => [name, action]));
    return {
      ...run,
      succeeded: run.status === NOTHING_CHANGES || run.status === SOMETHING_CHANGES,
      changes: whatChanges(changes),
      outputs: whatChanges(outputs),
      empty: run.status === NOTHING_CHANGES,
      file,
    };
  }

  /** Applies a saved plan. Without one it plans and applies in one run. */
  async apply(plan?: Plan): Promise<Run> {
    if (plan) return plan.succeeded ? this.terraform("apply", ...ALONE, plan.file) : plan;
    const init = await this.init();
    return init.succeeded ? this.terraform("apply", ...ALONE, "-auto-approve") : init;
  }

  /** Plans and applies, for tests that go on from there. Throws Terraform's diagnostics if either fails. */
  async deploy(): Promise<void> {
    const run = await this.apply();
    if (!run.succeeded) {
      throw new Error(`The stack ${this.name} could not be applied.\n${describeRun(run)}`);
    }
  }

  /** `terraform destroy` of everything in the state. `flags` are further ones, such as `-refresh=false`. */
  async destroy(...flags: string[]): Promise<Run> {
    const init = await this.init();
    return init.succeeded ? this.terraform("destroy", ...ALONE, "-auto-approve", ...flags) : init;
  }

  /** The outputs in the state, by name. */
  async outputs(): Promise<Record<string, Output>> {
    return JSON.parse((await this.read("output", "-json")).stdout) as Record<string, Output>;
  }

  /** The addresses of everything in the state, data sources included. */
  async addresses(): Promise<string[]> {
    return (await this.read("state", "list")).stdout.split("\n").filter((line) => line !== "");
  }

  /** A saved plan as data, with every planned value. */
  async show(plan: Plan): Promise<ShownPlan> {
    return JSON.parse((await this.read("show", "-json", plan.file)).stdout) as ShownPlan;
  }

  /** A saved plan as a user reads it. */
  async describe(plan: Plan): Promise<string> {
    return (await this.read("show", "-no-color", plan.file)).stdout;
  }

  private async read(...args: string[]): Promise<{ stdout: string }> {
    const run = await this.terraform(...args);
    if (!run.succeeded) {
      throw new Error(`terraform ${run.command} failed in the stack ${this.name}:\n${run.text}`);
    }
    return run;
  }
}
