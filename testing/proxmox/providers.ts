// Whether the real providers can be had here, as Terraform itself finds them: a registry, a mirror or a plugin cache.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { terraformBinary } from "../terraform/process";
import { missingForSsh } from "./ssh-server";

/** The stacks that ask Proxmox need these, in the versions that the stacks pin. */
const REQUIRED = {
  null: { source: "hashicorp/null", version: "3.2.4" },
  proxmox: { source: "bpg/proxmox", version: "0.111.1" },
};

/** What a run of Terraform with real providers takes over from whoever runs the tests: the way to the providers, and nothing of theirs. */
export function providerEnvironment(): Record<string, string> {
  const { env } = process;
  const handedOn = [
    "TF_CLI_CONFIG_FILE",
    "TF_PLUGIN_CACHE_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
  ];
  const own = Object.fromEntries(handedOn.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const settings = [".terraformrc", ".tofurc"].map((name) => join(homedir(), name)).find((path) => existsSync(path));
  const cache = resolve(__dirname, "../../node_modules/.cache/terraform-plugins");
  mkdirSync(cache, { recursive: true });
  return { TF_CLI_CONFIG_FILE: settings ?? "/dev/null", TF_PLUGIN_CACHE_DIR: cache, ...own };
}

let missing: string | undefined | false = false;

/** What is missing to run stacks with the real providers; undefined when nothing is. Asked once for each process. */
export function missingForProviders(): string | undefined {
  if (missing === false) missing = missingForSsh() ?? missingPlugins(REQUIRED);
  return missing;
}

/** What keeps Terraform from having these providers; undefined when nothing does. */
export function missingPlugins(
  required: Readonly<Record<string, { readonly source: string; readonly version: string }>>,
): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "providers-"));
  try {
    writeFileSync(join(folder, "main.tf.json"), JSON.stringify({ terraform: { required_providers: required } }));
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, CHECKPOINT_DISABLE: "1", ...providerEnvironment() };
    const run = spawnSync(terraformBinary(), ["init", "-input=false", "-no-color"], { cwd: folder, env, encoding: "utf8" });
    if (run.error) return `${terraformBinary()} does not run: ${run.error.message}`;
    if (run.status === 0) return undefined;
    return (
      `${Object.values(required)
        .map(({ source, version }) => `${source} ${version}`)
        .join(" and ")} can't be had: ` +
      "give a registry, or a mirror by TF_CLI_CONFIG_FILE (testing/proxmox/README.md). " +
      `${terraformBinary()} init says: ${`${run.stdout}${run.stderr}`.replace(/\s+/g, " ").trim().slice(-600)}`
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * `describe` for tests with the real providers. Where they can't be had the tests are skipped, and a line on stderr says what is missing;
 * with REQUIRE_PROVIDERS=1 in the environment one failing test takes their place instead.
 */
export function describeWithProviders(name: string, tests: () => void): void {
  describeUnless(missingForProviders(), name, tests);
}

/** `describe`, unless something is missing: skipped then, or one failing test where the variable `required` is 1. */
export function describeUnless(why: string | undefined, name: string, tests: () => void, required = "REQUIRE_PROVIDERS"): void {
  if (why === undefined) {
    describe(name, tests);
  } else if (process.env[required] === "1") {
    describe(name, () => {
      test("needs the real providers", () => {
        throw new Error(`${why}\n${required}=1 lets no test be skipped.`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED ${name}: ${why}\n`);
    describe.skip(name, tests);
  }
}
