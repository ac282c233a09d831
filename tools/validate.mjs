// `npm run validate`: init and validate of every synthesized stack with the real providers. Needs `npm run synth` before it,
// terraform or tofu, and the registry; no credential, since the backend and the providers' APIs are left alone.
//
//   npm run validate -- [--tofu] [--output FOLDER] [STACK...]
//
// The providers are downloaded once into one plugin cache (TF_PLUGIN_CACHE_DIR, default node_modules/.cache/terraform-plugins),
// and what was downloaded is remembered in one dependency lock file there: without an entry in it, terraform downloads a
// provider again although it is in the cache. Terraform's plugin cache is not safe for two inits at a time, so each takes a
// lock on the cache; several runs of this script may share it.
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK_FILE = ".terraform.lock.hcl";

/** How terraform and tofu word it that a registry, or what it points to, does not answer. */
const UNREACHABLE =
  /Failed to query available provider packages|Failed to install provider|could not connect|no such host|i\/o timeout|connection refused/i;

const INSTALL = {
  terraform: "https://developer.hashicorp.com/terraform/install",
  tofu: "https://opentofu.org/docs/intro/install/",
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The output's stacks with their folders, each after those it depends on. */
function stacksInOrder(output) {
  const file = join(output, "manifest.json");
  if (!existsSync(file)) {
    fail(
      `${file} is missing, so there is nothing to validate. Run \`npm run synth\` first, or name another folder with --output.`,
    );
  }
  const { stacks } = JSON.parse(readFileSync(file, "utf8"));
  const order = new Set();
  const visit = (name) => {
    (stacks[name]?.dependencies ?? []).forEach(visit);
    order.add(name);
  };
  Object.keys(stacks).forEach(visit);
  return [...order].map((name) => ({ name, folder: join(output, stacks[name].workingDirectory) }));
}

/** The `provider` blocks of a dependency lock file, by provider and version. */
function lockedProviders(file) {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return [...text.matchAll(/^provider "([^"]+)" \{\n\s+version\s+= "([^"]+)"\n[\s\S]*?^\}\n/gm)].map(
    ([block, address, version]) => ({ block, address, version }),
  );
}

/** What a stack pins, so that a lock file of other versions never reaches it: terraform would refuse to go on. */
function isPinnedBy(stackFolder) {
  const { terraform } = JSON.parse(readFileSync(join(stackFolder, "cdk.tf.json"), "utf8"));
  const pins = Object.values(terraform?.required_providers ?? {});
  return ({ address, version }) => pins.some((pin) => address.endsWith(`/${pin.source}`) && version === pin.version);
}

function sameProvider(one, other) {
  return one.address === other.address && one.version === other.version;
}

/** Both lists; of a provider that is in both, the first's block. */
function merged(first, second) {
  return [...first, ...second.filter((one) => !first.some((other) => sameProvider(one, other)))];
}

function writeLockFile(file, providers) {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, providers.map(({ block }) => block).join("\n"));
  renameSync(unfinished, file);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function holderOf(lock) {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    // Released meanwhile.
    return undefined;
  }
}

/** Runs `work` while no other run of this script has an init under way in the same cache. */
async function alone(cache, work) {
  const lock = join(cache, ".init.lock");
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    // A link, since it appears with its content: a lock without its holder's id could never be taken over.
    while (!linked(mine, lock)) {
      const holder = holderOf(lock);
      if (holder !== undefined && !isRunning(holder)) {
        // Left behind by a run that was killed.
        rmSync(lock, { force: true });
      } else {
        await sleep(100);
      }
    }
    return work();
  } finally {
    rmSync(mine);
    if (holderOf(lock) === process.pid) {
      rmSync(lock);
    }
  }
}

function linked(existing, path) {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

function runIn(folder, binary, args, env) {
  const run = spawnSync(binary, args, { cwd: folder, encoding: "utf8", env: { ...process.env, ...env }, maxBuffer: 2 ** 28 });
  if (run.error?.code === "ENOENT") {
    fail(`${binary} is not on PATH: ${INSTALL[binary]}`);
  }
  return { succeeded: run.status === 0, text: `${run.stdout ?? ""}${run.stderr ?? ""}${run.error?.message ?? ""}`.trim() };
}

/** Init with the shared cache and its dependency lock file; then what is new in the stack's lock file is shared. */
function init({ folder }, binary, cache, env) {
  const shared = join(cache, LOCK_FILE);
  const own = join(folder, LOCK_FILE);
  const known = lockedProviders(shared);
  writeLockFile(own, merged(lockedProviders(own), known).filter(isPinnedBy(folder)));
  const run = runIn(folder, binary, ["init", "-backend=false", "-input=false", "-no-color"], env);
  if (run.succeeded) {
    writeLockFile(shared, merged(known, lockedProviders(own)));
  }
  return run;
}

async function validate(stack, binary, cache) {
  // Not the stack's own .terraform: that one knows the backend, and belongs to cdktf or to the pipeline.
  const data = mkdtempSync(join(tmpdir(), "validate-"));
  const env = { CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_PLUGIN_CACHE_DIR: cache, TF_DATA_DIR: data };
  try {
    const initialized = await alone(cache, () => init(stack, binary, cache, env));
    if (!initialized.succeeded) {
      const hint = UNREACHABLE.test(initialized.text)
        ? "\nThe provider registry could not be reached. Without a network, `npm test` checks the stacks against the provider schemas."
        : "";
      return { succeeded: false, text: `${binary} init failed:\n${initialized.text}${hint}` };
    }
    return runIn(stack.folder, binary, ["validate", "-no-color"], env);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

function readArguments() {
  try {
    return parseArgs({
      options: { tofu: { type: "boolean", default: false }, output: { type: "string", default: join(root, "cdktf.out") } },
      allowPositionals: true,
    });
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run validate -- [--tofu] [--output FOLDER] [STACK...]`);
  }
}

async function main() {
  const { values, positionals } = readArguments();
  const binary = values.tofu ? "tofu" : "terraform";
  const all = stacksInOrder(resolve(values.output));
  const unknown = positionals.filter((name) => !all.some((stack) => stack.name === name));
  if (unknown.length > 0) {
    fail(`The output has no stack ${unknown.join(", ")}. It has: ${all.map(({ name }) => name).join(", ")}.`);
  }
  const cache = resolve(process.env.TF_PLUGIN_CACHE_DIR ?? join(root, "node_modules/.cache/terraform-plugins"));
  mkdirSync(cache, { recursive: true });
  for (const stack of all.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const { succeeded, text } = await validate(stack, binary, cache);
    console.log(`${stack.name}: ${succeeded ? "valid" : "not valid"}`);
    if (!succeeded) {
      console.error(text);
      process.exitCode = 1;
    }
  }
}

await main();
