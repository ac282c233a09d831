// A place in which terraform runs synthesized output against replayed providers.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openWorld, type ReplayedWorld, runFolder } from "../provider-replay/client";
import type { Fixtures } from "../provider-replay/world";
import { keepStateInside, placeOutput, type Source, type TerraformJson, typesIn } from "./output";
import { StackRun, type Surroundings } from "./stack-run";

export interface WorkspaceOptions extends Omit<Fixtures, "typesFile"> {
  /** Terraform's input variables. They are given by the environment, as in a pipeline. Default: none. */
  variables?: Record<string, string>;
  /** Types of resources and data sources that Terraform may need although no configuration of the source has them. Default: none. */
  types?: readonly string[];
  /** Further environment. From the test run's own environment only PATH is kept. Default: none. */
  env?: Record<string, string>;
  /**
   * Shell scripts that come first on PATH under these names, for provisioners. Every call is recorded (`commandCalls`). An empty
   * script succeeds in silence. Default: none.
   */
  commands?: Record<string, string>;
  /**
   * Run the real providers, not the replay, with this further environment: where the providers are, and credentials. `guests` and `data` have
   * no effect then. Default: the replay.
   */
  realProviders?: Record<string, string>;
}

/** The file of a workspace that tells the replay which types Terraform may need (`Fixtures.typesFile`). */
const TYPES = ".types";

/**
 * A copy of a synthesized output, with a Proxmox and a cluster of its own to apply to. It is as deep in its folder as in a project, so that
 * relative paths work (`../../../state/NAME.tfstate`, `assets/...`). It is removed when the test run ends.
 */
export class Workspace implements Surroundings {
  private readonly stacks = new Map<string, StackRun>();
  /** The types of every configuration that was here, because the state may still have objects of a former one. */
  private readonly types = new Set<string>();

  private constructor(
    /** What the project's folder is in real use. */
    readonly root: string,
    private readonly replayed: ReplayedWorld | undefined,
    /** The whole environment in which terraform runs here. Another program, such as `cdktf deploy`, can run in it too. */
    readonly env: Readonly<Record<string, string>>,
  ) {}

  /** The guests of the replay. */
  get world(): ReplayedWorld {
    if (this.replayed === undefined) {
      throw new Error("This workspace runs real providers; there is no replayed world.");
    }
    return this.replayed;
  }

  /** Copies `source` and opens a world for it. Runs nothing yet. */
  static async open(source: Source, options: WorkspaceOptions = {}): Promise<Workspace> {
    const { variables = {}, types = [], commands = {}, env = {}, realProviders, ...fixtures } = options;
    const root = mkdtempSync(join(runFolder(), "workspace-"));
    const world = realProviders ? undefined : await openWorld({ ...fixtures, typesFile: join(root, TYPES) });
    const workspace = new Workspace(root, world, {
      PATH: `${join(root, ".bin")}:${process.env["PATH"]}`,
      // The results must not depend on credentials or settings of the person who runs the tests.
      HOME: root,
      CHECKPOINT_DISABLE: "1",
      TF_IN_AUTOMATION: "1",
      // Collecting garbage would take a quarter of a run's time, but a run ends before its garbage matters.
      GOGC: "off",
      TF_CLI_CONFIG_FILE: "/dev/null",
      ...(world && { TF_REATTACH_PROVIDERS: world.reattachProviders }),
      ...realProviders,
      ...env,
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value])),
    });
    for (const type of types) workspace.types.add(type);
    for (const folder of [".bin", ".plans", ".terraform-data"]) {
      mkdirSync(join(root, folder));
    }
    for (const [name, script] of Object.entries(commands)) {
      const record = `printf '%s\\n' "${name} $*" >> '${workspace.callRecord}'`;
      writeFileSync(join(root, ".bin", name), `#!/bin/sh\n${record}\n${script}\n`, { mode: 0o755 });
    }
    workspace.become(source);
    return workspace;
  }

  /** The stacks' names, in the order in which they are deployed. */
  get stackNames(): string[] {
    return [...this.stacks.keys()];
  }

  stack(name: string): StackRun {
    const stack = this.stacks.get(name);
    if (stack === undefined) {
      throw new Error(`The output has no stack ${name}. It has: ${this.stackNames.join(", ") || "none"}.`);
    }
    return stack;
  }

  /** Day two: another output takes the place of this one. States and guests stay, and a `StackRun` from before still works. */
  become(source: Source): void {
    const output = join(this.root, "cdktf.out");
    const before = new Map(this.stacks);
    // A synth keeps what `init` wrote beside the configuration. The providers of the replay do not need it.
    const locks = [...before.values()]
      .map(({ folder }) => join(folder, ".terraform.lock.hcl"))
      .filter((file) => existsSync(file))
      .map((file) => [file, readFileSync(file)] as const);
    rmSync(output, { recursive: true, force: true });
    this.stacks.clear();
    for (const [name, folder] of placeOutput(source, output)) {
      keepStateInside(this.root, name, folder);
      for (const type of typesIn(folder)) this.types.add(type);
      const env = { ...this.env, TF_DATA_DIR: join(this.root, ".terraform-data", name) };
      const known = before.get(name);
      for (const [file, text] of locks) {
        if (dirname(file) === folder) writeFileSync(file, text);
      }
      this.stacks.set(name, known?.folder === folder ? known : new StackRun(name, folder, this, env));
    }
    // With no type at all nobody knows yet what will be run here.
    if (this.types.size > 0) writeFileSync(join(this.root, TYPES), [...this.types].join("\n"));
  }

  /** The calls of the stubbed `commands` so far, each as the name and its arguments. */
  commandCalls(): string[] {
    return existsSync(this.callRecord) ? readFileSync(this.callRecord, "utf8").trimEnd().split("\n") : [];
  }

  private get callRecord(): string {
    return join(this.root, ".calls");
  }
}

/** A stack of hand-written Terraform JSON, alone in its workspace, under the name `stack`. */
export async function openStack(config: TerraformJson, options: WorkspaceOptions = {}): Promise<StackRun> {
  const workspace = await Workspace.open({ stack: config }, options);
  return workspace.stack("stack");
}
