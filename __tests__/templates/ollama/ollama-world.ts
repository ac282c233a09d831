// A temporary folder with a stub `ollama` on PATH, and the registry it pulls from.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { projectRoot } from "./run";

/** Where the stub can be made to misbehave; the text is sourced by it (sh). `$model` is the reference, `$models` the server's folder. */
export type Hook = "on-serve" | "on-pull" | "after-pull" | "on-list" | "on-rm";

/** A model of the registry, as its manifest names it. */
export interface RegistryModel {
  /** Below manifests/, such as `registry.ollama.ai/library/llama3/8b`. */
  path: string;
  /** File names of its blobs: the configuration first, then the layers. */
  blobs: string[];
}

/** Where a reference lies below manifests/. */
export function manifestPath(reference: string): string {
  const [, name = reference, tag = "latest"] = /^(.*):([^/:]+)$/.exec(reference) ?? [];
  const parts = name.split("/");
  if (parts.length === 1) parts.unshift("library");
  if (parts.length === 2) parts.unshift("registry.ollama.ai");
  return `${parts.join("/")}/${tag}`;
}

/** A folder with a stub `ollama`; `remove()` it after the test. */
export class OllamaWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "ollama-stub-"));

  constructor() {
    for (const name of ["bin", "registry", "registry-blobs", "home"]) mkdirSync(join(this.folder, name));
    symlinkSync(join(__dirname, "stub-ollama.sh"), join(this.folder, "bin", "ollama"));
    writeFileSync(join(this.folder, "calls"), "");
    writeFileSync(join(this.folder, "downloads"), "");
  }

  /** The environment that makes a script find the stub. */
  get env(): Record<string, string> {
    return {
      PATH: `${join(this.folder, "bin")}:${process.env["PATH"] ?? ""}`,
      OLLAMA_STUB: this.folder,
      HOME: join(this.folder, "home"),
    };
  }

  /** Puts a model into the registry; equal texts make equal blobs, which models then share. */
  register(reference: string, ...layers: string[]): RegistryModel {
    const path = manifestPath(reference);
    const part = (mediaType: string, text: string) => {
      const digest = createHash("sha256").update(text).digest("hex");
      writeFileSync(join(this.folder, "registry-blobs", `sha256-${digest}`), text);
      return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
    };
    const parts = layers.map((text, index) => part(`application/vnd.ollama.image.${index === 0 ? "model" : "license"}`, text));
    const configuration = { model_format: "gguf", name: reference, rootfs: { diff_ids: parts.map(({ digest }) => digest) } };
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: part("application/vnd.docker.container.image.v1+json", JSON.stringify(configuration)),
      layers: parts,
    };
    const file = join(this.folder, "registry", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(manifest));
    return { path, blobs: [manifest.config, ...manifest.layers].map(({ digest }) => digest.replace(":", "-")) };
  }

  /** Makes the stub misbehave. */
  hook(name: Hook, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Puts a model into the server's folder, as a pull does. @param as where its manifest lies; by default as the reference says */
  install(models: string, reference: string, as = manifestPath(reference)): void {
    const manifest = readFileSync(join(this.folder, "registry", manifestPath(reference)), "utf8");
    mkdirSync(join(models, "blobs"), { recursive: true });
    mkdirSync(join(models, "manifests", dirname(as)), { recursive: true });
    writeFileSync(join(models, "manifests", as), manifest);
    for (const [, digest = ""] of manifest.matchAll(/"sha256:([0-9a-f]{64})"/g)) {
      copyFileSync(join(this.folder, "registry-blobs", `sha256-${digest}`), join(models, "blobs", `sha256-${digest}`));
    }
  }

  /** Makes it behave again. */
  unhook(name: Hook): void {
    rmSync(join(this.folder, name), { force: true });
  }

  /** Copies scripts of templates/ into one folder, as a ConfigMap has them, and gives the first one's path. */
  scripts(...files: string[]): string {
    const folder = join(this.folder, "scripts");
    mkdirSync(folder, { recursive: true });
    for (const file of files) copyFileSync(join(projectRoot, "templates", file), join(folder, basename(file)));
    return join(folder, basename(files[0] ?? ""));
  }

  /** Puts another command before the real one on PATH. */
  command(name: string, text: string): void {
    writeFileSync(join(this.folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  /** Has something happen before another command does its work. The text may end with `exit`, so that it does none. */
  before(name: string, text: string): void {
    this.command(name, `${text}\nexec "$(command -pv ${name})" "$@"`);
  }

  /** Pretends that a server runs over this models folder, with this process as its process. */
  serve(models: string): void {
    mkdirSync(join(models, "blobs"), { recursive: true });
    mkdirSync(join(models, "manifests"), { recursive: true });
    writeFileSync(join(this.folder, "up"), `${process.pid} ${models}\n`);
  }

  /** What `ollama` was called with since the world began, but for `list`, which waiting loops call any number of times. */
  get calls(): string[] {
    return readFileSync(join(this.folder, "calls"), "utf8").split("\n").filter(Boolean);
  }

  /** The models that were pulled, in order. */
  get pulled(): string[] {
    return this.calls.filter((call) => call.startsWith("pull ")).map((call) => call.slice(5));
  }

  /** The blobs that came from the registry, in order. */
  get downloads(): string[] {
    return readFileSync(join(this.folder, "downloads"), "utf8").split("\n").filter(Boolean);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What is wrong with a models folder, checked without the scripts under test: [] when it is complete and intact. */
export function faultsOf(models: string): string[] {
  const faults: string[] = [];
  const named = new Set<string>();
  for (const file of filesBelow(join(models, "manifests"))) {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as { config: { digest: string }; layers: { digest: string }[] };
    for (const { digest } of [manifest.config, ...manifest.layers]) named.add(digest.replace(":", "-"));
  }
  if (named.size === 0) faults.push("no manifest");
  const blobs = filesBelow(join(models, "blobs"));
  for (const file of blobs) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    if (!named.delete(name)) faults.push(`${name} is named by no manifest`);
    if (`sha256-${createHash("sha256").update(readFileSync(file)).digest("hex")}` !== name) faults.push(`${name} is damaged`);
  }
  for (const name of named) faults.push(`${name} is missing`);
  return faults;
}
