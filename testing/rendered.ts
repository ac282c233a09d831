import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { StackJson } from "./lab";

/** A file of rendered user data. */
export interface RenderedFile {
  readonly path: string;
  readonly owner: string;
  readonly permissions: string;
  readonly content: string;
}

/** What cloud-init reads on a node, but with Terraform's expressions in place of their values. */
export interface UserData {
  readonly hostname: string;
  readonly users: readonly Record<string, unknown>[];
  readonly write_files: readonly RenderedFile[];
  readonly runcmd: readonly (readonly string[])[];
  readonly [key: string]: unknown;
}

/** A file of templates/k3s that Terraform puts into a text, indented. */
const FILE = /\$\{indent\((\d+), chomp\(file\("assets\/k3s\/[^/"]+\/([^/"]+)"\)\)\)\}/g;

/** The text that Terraform makes of a template: `$${` becomes `${`, and files are filled in. Other expressions stay as they are. */
export function textOf(template: string): string {
  const unescaped = template.replaceAll(/\$(\$\{)|%(%\{)/g, "$1$2");
  return unescaped.replaceAll(FILE, (_, spaces: string, script: string) =>
    readFileSync(join(__dirname, "../templates/k3s", script), "utf8")
      .replace(/\n$/, "")
      .replaceAll("\n", `\n${" ".repeat(Number(spaces))}`),
  );
}

/** The text of a snippet, such as `k3s-1_user-data`. */
export function snippetOf(stack: StackJson, name: string): string {
  const [raw] = [stack.resource["proxmox_virtual_environment_file"]?.[name]?.["source_raw"]].flat() as { data: string }[];
  if (!raw) throw new Error(`the stack has no snippet ${name}`);
  return raw.data;
}

/** The user data of a node. */
export function userDataOf(stack: StackJson, key: string): UserData {
  return parse(textOf(snippetOf(stack, `${key}_user-data`))) as UserData;
}

/** A file that cloud-init writes on a node. */
export function fileOn(stack: StackJson, key: string, path: string): RenderedFile | undefined {
  return userDataOf(stack, key).write_files.find((file) => file.path === path);
}
