// Puts synthesized output into a workspace, at the depth it has in a project.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";

/** A Terraform configuration in JSON, as `Testing.synth` gives it (parsed) or a test writes it by hand. */
export type TerraformJson = Record<string, unknown>;

/** What a workspace runs: a cdktf output folder, a single folder with a cdk.tf.json, or configurations by stack name. */
export type Source = string | Record<string, TerraformJson>;

interface Manifest {
  stacks: Record<string, { workingDirectory: string; dependencies?: string[] }>;
}

/** The stacks of the manifest, each after the stacks that it depends on. */
function inOrder({ stacks }: Manifest): string[] {
  const order = new Set<string>();
  const visit = (name: string): void => {
    for (const dependency of stacks[name]?.dependencies ?? []) {
      visit(dependency);
    }
    order.add(name);
  };
  Object.keys(stacks).forEach(visit);
  return [...order];
}

function placeFolder(source: string, output: string): [string, string][] {
  if (existsSync(join(source, "manifest.json"))) {
    cpSync(source, output, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(output, "manifest.json"), "utf8")) as Manifest;
    return inOrder(manifest).map((name) => [name, join(output, manifest.stacks[name]?.workingDirectory ?? "")]);
  }
  if (existsSync(join(source, "cdk.tf.json"))) {
    const name = basename(source);
    cpSync(source, join(output, "stacks", name), { recursive: true });
    return [[name, join(output, "stacks", name)]];
  }
  throw new Error(`${source} has neither a manifest.json, as cdktf.out has, nor a cdk.tf.json, as a stack's folder has.`);
}

function placeConfigurations(source: Record<string, TerraformJson>, output: string): [string, string][] {
  return Object.entries(source).map(([name, config]) => {
    const folder = join(output, "stacks", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify(config, null, 2));
    return [name, folder];
  });
}

/** Puts `source` at `output`. Returns the stacks' names and folders, in the order in which they are deployed. */
export function placeOutput(source: Source, output: string): [name: string, folder: string][] {
  return typeof source === "string" ? placeFolder(source, output) : placeConfigurations(source, output);
}

/**
 * Keeps the state inside `root`. A backend that already does so stays as it is. Any other is replaced by a local one, with an override file
 * beside the configuration: s3, an absolute path, and no backend at all, because day two replaces the folder of the configuration.
 */
export function keepStateInside(root: string, name: string, folder: string): void {
  const { terraform } = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as {
    terraform?: { backend?: { local?: { path?: string } } };
  };
  const path = terraform?.backend?.local?.path;
  if (path !== undefined) {
    const fromRoot = relative(root, resolve(folder, path));
    if (!fromRoot.startsWith("..") && !fromRoot.startsWith("cdktf.out")) {
      return;
    }
  }
  const override = { terraform: { backend: { local: { path: relative(folder, join(root, "state", `${name}.tfstate`)) } } } };
  writeFileSync(join(folder, "backend_override.tf.json"), JSON.stringify(override));
}

/** The types of the resources and data sources of the configuration in a stack's folder. */
export function typesIn(folder: string): string[] {
  const { resource = {}, data = {} } = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as {
    resource?: object;
    data?: object;
  };
  return [...Object.keys(resource), ...Object.keys(data)];
}
