import { dirname, join, relative } from "node:path";
import { LocalBackend, TerraformBackend, type TerraformRemoteState, type TerraformStack } from "cdktf";
import { verbatim } from "../constructs/terraform-text";
import type { Lab } from "../lab/lab";
import { stackFolder } from "./stack-folder";

type Settings = Lab["state"]["settings"];

/** Any of Terraform's backends, with the settings as the lab gives them. */
class PassedBackend extends TerraformBackend {
  constructor(
    stack: TerraformStack,
    type: string,
    private readonly settings: Settings,
  ) {
    super(stack, "backend", type);
  }

  protected override synthesizeAttributes(): Settings {
    return this.settings;
  }

  protected override synthesizeHclAttributes(): Settings {
    return this.settings;
  }

  /** Refused: stacks have an order, but they do not read each other's states. */
  override getRemoteStateDataSource(): TerraformRemoteState {
    throw new Error("A stack of a lab does not read another's state; pass what it needs by the lab or by a variable.");
  }
}

/** One value of the settings. */
type Value = Settings[string];

/** The settings with {lab} and {stack} filled in, in every text. */
function filled(settings: Settings, lab: string, stack: string): Settings {
  const fill = (value: Value): Value => {
    if (typeof value === "string") return verbatim(value.replaceAll("{lab}", lab).replaceAll("{stack}", stack));
    if (Array.isArray(value)) return value.map(fill);
    return typeof value === "object" && value !== null ? filled(value, lab, stack) : value;
  };
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, fill(value)]));
}

/** The absolute path of the file that has the local state of a stack. */
export function localStateFile(lab: Lab, stack: string): string {
  const { path } = filled(lab.state.settings, lab.name, stack);
  return join(lab.directory, typeof path === "string" ? path : `state/${lab.name}/${stack}.tfstate`);
}

/** The folders in which Terraform keeps the states of these stacks; none where the backend is not a local one. */
export function stateFolders(lab: Lab, stacks: readonly string[]): string[] {
  return lab.state.type === "local" ? [...new Set(stacks.map((stack) => dirname(localStateFile(lab, stack))))] : [];
}

/**
 * The settings of the backend, other than those of local state, that name the state of a stack.
 */
export function settingsWithStack(lab: Lab, stack: string): [name: string, value: unknown][] {
  const own = Object.entries(lab.state.settings).filter(([, value]) => JSON.stringify(value).includes("{stack}"));
  return Object.entries(filled(Object.fromEntries(own), lab.name, stack));
}

/**
 * Gives a stack its state. Local state lies beside the lab file, outside the output, which may be deleted at any time.
 */
export function addState(stack: TerraformStack, lab: Lab): void {
  const { type } = lab.state;
  const settings = filled(lab.state.settings, lab.name, stack.node.id);
  if (type !== "local") {
    new PassedBackend(stack, type, settings);
    return;
  }
  const path = relative(stackFolder(stack), localStateFile(lab, stack.node.id));
  const workspaces = settings["workspace_dir"];
  new LocalBackend(stack, {
    path,
    ...(typeof workspaces === "string" && { workspaceDir: relative(stackFolder(stack), join(lab.directory, workspaces)) }),
  });
}
