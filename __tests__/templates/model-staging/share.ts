// A temporary folder that stands for the share, staged on by the real script with a stub `ollama`.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultsOf, manifestPath, OllamaWorld } from "../ollama/ollama-world";
import { projectRoot, type Running, start } from "../ollama/run";

/** The script under test. */
export const stageScript = `${projectRoot}/templates/model-staging/stage-models.sh`;
/** The one it calls. */
export const verifyScript = `${projectRoot}/templates/model-staging/verify-models.sh`;

/** A share and the world that fills it. */
export class Share {
  readonly world = new OllamaWorld();
  readonly root = join(this.world.folder, "nfs");
  private sequence = 0;
  readonly mountTable = join(this.world.folder, "mounts");

  constructor() {
    mkdirSync(this.root);
    this.mountedAs("nfs4");
  }

  /** Writes the mount table a pod would see: its own root, and the share with this file system type. */
  mountedAs(type: string): void {
    writeFileSync(this.mountTable, `overlay / overlay rw 0 0\n192.0.2.5:/export ${this.root} ${type} rw,relatime 0 0\n`);
  }

  /** Starts a staging run that hurries: no pause is longer than a few hundredths of a second. */
  start(id: string, models: string, env: Record<string, string> = {}): Running {
    return start("sh", stageScript, [], {
      ...this.world.env,
      NFS_ROOT: this.root,
      RELEASE_ID: id,
      MODELS: models,
      MOUNT_TABLE: this.mountTable,
      POD_NAME: "staging",
      PULL_ATTEMPTS: "2",
      RETRY_SECONDS: "0.02",
      WAIT_SECONDS: "10",
      POLL_SECONDS: "0.02",
      // Long, so that a busy machine does not make a living run seem dead.
      HEARTBEAT_SECONDS: "5",
      LOCK_STALE_SECONDS: "30",
      ...env,
    });
  }

  /** The same, to its end. */
  stage(id: string, models: string, env: Record<string, string> = {}) {
    return this.start(id, models, env).done;
  }

  /** Puts a release there as an earlier run published it, without a run. */
  publish(id: string, ...references: string[]): void {
    const models = join(this.root, "releases", id, "models");
    mkdirSync(join(models, "blobs"), { recursive: true });
    for (const reference of references) this.world.install(models, reference);
    const sums = references.map((reference) => {
      const path = manifestPath(reference);
      return `manifest=${createHash("sha256")
        .update(readFileSync(join(models, "manifests", path)))
        .digest("hex")} ${path}\n`;
    });
    const sequence = ++this.sequence;
    writeFileSync(
      join(this.root, "releases", id, "release.txt"),
      `id=${id}\nsequence=${sequence}\npublished=2026-01-06T18:26:21Z\nmodels=${references.join(" ")}\n${sums.join("")}`,
    );
  }

  /** Names below releases/, hidden ones included. */
  get releases(): string[] {
    const folder = join(this.root, "releases");
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  /** A file of a published release. */
  blob(id: string, name: string): string {
    return join(this.root, "releases", id, "models", "blobs", name);
  }

  /** Names of the blobs of a published release. */
  blobs(id: string): string[] {
    return readdirSync(join(this.root, "releases", id, "models", "blobs")).sort();
  }

  /** By release, what is wrong with what everyone can see; {} when every release is complete and intact. */
  get faults(): Record<string, string[]> {
    return Object.fromEntries(
      this.releases
        .map((id): [string, string[]] => {
          const folder = join(this.root, "releases", id);
          const record = existsSync(join(folder, "release.txt")) ? [] : ["no record"];
          return [id, [...record, ...faultsOf(join(folder, "models"))]];
        })
        .filter(([, faults]) => faults.length > 0),
    );
  }

  /** Every file and folder below releases/ with inode, mode, time and text: equal when nothing was touched. */
  get snapshot(): string[] {
    const folder = join(this.root, "releases");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .sort()
      .map((name) => {
        const file = join(folder, name);
        const { ino, mode, mtimeMs } = statSync(file);
        return `${name} ${ino} ${mode} ${mtimeMs} ${statSync(file).isFile() ? readFileSync(file, "utf8") : ""}`;
      });
  }

  /** Whether a lock is held, or was left behind. */
  get locked(): boolean {
    return existsSync(join(this.root, ".staging", "lock"));
  }

  /** Waits until the stub has made this file in the world's folder; rejects after 10 s. */
  async until(name: string): Promise<void> {
    for (let tries = 0; !existsSync(join(this.world.folder, name)); tries += 1) {
      if (tries === 1000) throw new Error(`the stub never made ${name}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  remove(): void {
    this.world.remove();
  }
}
