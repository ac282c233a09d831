import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OPENTOFU_INSTALL, TERRAFORM_INSTALL } from "../catalog/terraform";
import { readLab } from "../lab/read";
import { type Environment, EXIT, type Outcome } from "./command";
import { verdict } from "./print";
import { systemCode, written } from "./written";

const LOCK_FILE = ".terraform.lock.hcl";

/** Where the downloaded providers are kept between runs, unless TF_PLUGIN_CACHE_DIR names another folder. */
const CACHE = join(__dirname, "../node_modules/.cache/terraform-plugins");

function cacheOf(env: Environment): string {
  return resolve(env["TF_PLUGIN_CACHE_DIR"] || CACHE);
}

const INSTALL: Readonly<Record<string, string>> = {
  terraform: TERRAFORM_INSTALL,
  tofu: OPENTOFU_INSTALL,
};

/** How terraform and tofu word it that a provider cannot be had here, or that they are too old themselves: nothing was checked then. */
const UNCHECKED =
  /Failed to query available provider packages|Failed to install provider|Incompatible provider version|Unsupported (Terraform|OpenTofu) Core version|could not connect|no such host|i\/o timeout|connection refused/i;

/** How they word it that the registry did answer, but has no such version: the stack's pin is wrong. */
const NO_SUCH_VERSION = /no available releases match/i;

/** What came of one stack. `unchecked`: its providers could not be had, so nobody knows. */
export type Validity = "valid" | "invalid" | "unchecked";

/** One stack, as Terraform or OpenTofu found it. */
export interface ValidatedStack {
  readonly id: string;
  readonly validity: Validity;
  /** What Terraform said. Empty for a valid stack. */
  readonly text: string;
}

/** A `provider` block of a dependency lock file. */
interface LockedProvider {
  readonly block: string;
  readonly address: string;
  readonly version: string;
}

/** The `provider` blocks of a dependency lock file. */
function lockedProviders(file: string): LockedProvider[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return [...text.matchAll(/^provider "([^"]+)" \{\n\s+version\s+= "([^"]+)"\n[\s\S]*?^\}\n/gm)].map(
    ([block, address = "", version = ""]) => ({ block, address, version }),
  );
}

/** What a stack pins, so that a lock file of other versions never reaches it: terraform would refuse to go on. */
function isPinnedBy(folder: string): (provider: LockedProvider) => boolean {
  // as: cdktf has written this section.
  const { terraform } = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as {
    terraform?: { required_providers?: Record<string, { source: string; version?: string }> };
  };
  const pins = Object.values(terraform?.required_providers ?? {});
  return ({ address, version }) => pins.some((pin) => address.endsWith(`/${pin.source}`) && version === pin.version);
}

/** Both lists; of a provider that is in both, the first's block. */
function merged(first: readonly LockedProvider[], second: readonly LockedProvider[]): LockedProvider[] {
  const same = (one: LockedProvider, other: LockedProvider) => one.address === other.address && one.version === other.version;
  return [...first, ...second.filter((one) => !first.some((other) => same(one, other)))];
}

function writeLockFile(file: string, providers: readonly LockedProvider[]): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, providers.map(({ block }) => block).join("\n"));
  renameSync(unfinished, file);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

function holderOf(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    // Released meanwhile.
    return undefined;
  }
}

function linked(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Runs `work` while no other run has an init under way in the same cache: Terraform's plugin cache is not safe for two at a time. */
async function alone<T>(cache: string, work: () => T): Promise<T> {
  const lock = join(cache, ".init.lock");
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    // A link, since it appears with its content: a lock without its holder's id could never be taken over.
    while (!linked(mine, lock)) {
      const holder = holderOf(lock);
      // Left behind by a run that was killed.
      if (holder !== undefined && !isRunning(holder)) rmSync(lock, { force: true });
      else await sleep(100);
    }
    return work();
  } finally {
    rmSync(mine);
    if (holderOf(lock) === process.pid) rmSync(lock);
  }
}

/** What a run of the program said, and whether it went well. */
interface Run {
  readonly succeeded: boolean;
  readonly text: string;
}

function runIn(folder: string, binary: string, args: readonly string[], env: Environment): Run {
  const { status, stdout, stderr, error } = spawnSync(binary, args, { cwd: folder, encoding: "utf8", env, maxBuffer: 2 ** 28 });
  return { succeeded: status === 0, text: `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim() };
}

/**
 * Init with the shared cache and its dependency lock file; then what is new in the stack's lock file is shared. Without an entry in the lock
 * file, terraform downloads a provider again although it is in the cache.
 */
function init(folder: string, binary: string, cache: string, env: Environment): Run {
  const shared = join(cache, LOCK_FILE);
  const own = join(folder, LOCK_FILE);
  const known = lockedProviders(shared);
  writeLockFile(own, known.filter(isPinnedBy(folder)));
  const run = runIn(folder, binary, ["init", "-backend=false", "-input=false", "-no-color"], env);
  if (run.succeeded) writeLockFile(shared, merged(known, lockedProviders(own)));
  return run;
}

/**
 * Init and validate of one stack with its real providers. Its backend and the providers' APIs are left alone, so no credential is needed.
 * @param folder the stack's folder, with its cdk.tf.json
 * @param binary the program: terraform, tofu, or a path to one
 */
export async function validateStack(id: string, folder: string, binary: string, env: Environment): Promise<ValidatedStack> {
  const cache = cacheOf(env);
  mkdirSync(cache, { recursive: true });
  // Without the data folder of somebody's shell: each stack has its own.
  const own = { ...env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_PLUGIN_CACHE_DIR: cache, TF_DATA_DIR: undefined };
  const initialized = await alone(cache, () => init(folder, binary, cache, own));
  if (!initialized.succeeded) {
    const unchecked = UNCHECKED.test(initialized.text) && !NO_SUCH_VERSION.test(initialized.text);
    return {
      id,
      validity: unchecked ? "unchecked" : "invalid",
      text: `${binary} init failed:\n${initialized.text}`,
    };
  }
  const validated = runIn(folder, binary, ["validate", "-no-color"], own);
  return { id, validity: validated.succeeded ? "valid" : "invalid", text: validated.succeeded ? "" : validated.text };
}

/** What can be said on the command line about a validation. */
export interface ValidateOptions {
  /** OpenTofu in the place of Terraform. @default Terraform, or what TERRAFORM_BINARY_NAME names */
  readonly tofu?: boolean;
}

const WORDS: Readonly<Record<Validity, string>> = { valid: "valid", invalid: "not valid", unchecked: "not checked" };

/**
 * `validate`: synthesizes a lab into a folder of its own, and lets Terraform or OpenTofu check every stack with the real providers. Ends with
 * EXIT.unavailable when that could not be asked: no program, or no way to the providers.
 */
export async function validate(file: string, { tofu }: ValidateOptions, env: Environment): Promise<Outcome> {
  const { lab, problems } = readLab(file);
  if (!lab) {
    return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was validated.` };
  }
  const binary = tofu ? "tofu" : (env["TERRAFORM_BINARY_NAME"] ?? "terraform");
  const version = runIn(".", binary, ["version"], { ...env, CHECKPOINT_DISABLE: "1" });
  if (!version.succeeded) {
    const install = INSTALL[binary] ? ` Install it: ${INSTALL[binary]}.` : "";
    const why = version.text.endsWith(" ENOENT") ? "is not on PATH" : `cannot be run (${version.text})`;
    const notice = `Nothing was validated: ${binary} ${why}.${install}${tofu ? "" : " With --tofu it is OpenTofu that is asked."}`;
    return { exitCode: EXIT.unavailable, lab: file, problems, notice };
  }
  const cache = cacheOf(env);
  written(cache, "Name another folder in TF_PLUGIN_CACHE_DIR.", () => {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK | constants.X_OK);
  });
  const folder = written(tmpdir(), "Name another folder in TMPDIR.", () => mkdtempSync(join(tmpdir(), "validate-")));
  const stacks: ValidatedStack[] = [];
  try {
    const { synthesize } = await import("../stacks/synthesize");
    // Warnings stay out: cdktf would print them, and check is the command that tells them.
    for (const stack of synthesize(lab, [], join(folder, "cdktf.out"))) {
      stacks.push(await validateStack(stack.id, resolve(stack.folder), binary, env));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const failed = stacks.filter(({ validity }) => validity !== "valid");
  const invalid = failed.some(({ validity }) => validity === "invalid");
  const unchecked = failed.some(({ validity }) => validity === "unchecked");
  const hint = unchecked
    ? [
        "The providers could not be had, so these stacks were not checked. Without a network, `npm test` checks the examples by the providers' schemas.",
      ]
    : [];
  return {
    exitCode: invalid ? EXIT.refused : unchecked ? EXIT.unavailable : EXIT.done,
    lab: file,
    problems,
    result: { binary, stacks },
    text: stacks.map(({ id, validity }) => `${id}: ${WORDS[validity]}`).join("\n"),
    notice: [...failed.map(({ id, text }) => `${id}: ${text}`), ...hint].join("\n\n"),
  };
}
