import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { arch } from "node:os";
import { join } from "node:path";
import { CADDY_OLDEST, DOOR_USER } from "../../../catalog/caddy";
import { type HostVariables, type PlaybookRun, Workbench } from "./playbook";

/** The token of the lab, the release of Caddy that its mirror has, and the processor that it is for. */
export const TOKEN = "hunter2-hunter2-hunter2";
export const VERSION = "2.99.0";
export const ARCHITECTURE = arch() === "arm64" ? "arm64" : "amd64";

/** Variables of a door with a certificate of the operator's, and of one with a certificate by ACME. */
export const FILES = {
  ollama_https_certificate: "files",
  ollama_https_certificate_file: "certificate.pem",
  ollama_https_key_file: "key.pem",
};
export const ACME = {
  ollama_https_certificate: "acme",
  ollama_https_email: "operator@lab.example",
  ollama_https_acme_server: "https://ca.lab.example/directory",
};

/** What a client sends that logs in with a password. */
export const basic = (password: string) => `Basic ${Buffer.from(`${DOOR_USER}:${password}`).toString("base64")}`;

/** A bench with a mirror of Caddy's releases, and files of a lab. */
export class DoorBench extends Workbench {
  readonly downloads: string[] = [];
  readonly lab = join(this.folder, "lab");
  private archive = Buffer.alloc(0);
  private readonly mirror = createServer((incoming, response) => {
    this.downloads.push(incoming.url ?? "");
    response.end(this.archive);
  });

  async open(program: string | Buffer): Promise<void> {
    mkdirSync(this.lab);
    writeFileSync(join(this.lab, "ollama-token"), `${TOKEN}\n`);
    const pack = join(this.folder, "pack");
    mkdirSync(pack);
    writeFileSync(join(pack, "caddy"), program, { mode: 0o755 });
    writeFileSync(join(pack, "LICENSE"), "");
    const packed = spawnSync("tar", ["-czf", join(this.folder, "caddy.tar.gz"), "-C", pack, "."]);
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
    this.archive = readFileSync(join(this.folder, "caddy.tar.gz"));
    await new Promise<void>((done) => this.mirror.listen(0, "127.0.0.1", done));
  }

  close(): void {
    this.mirror.close();
    this.remove();
  }

  /** A certificate for a name, with its key. */
  certificate(name: string): { key: string; cert: string } {
    const [key, cert] = [join(this.lab, "key.pem"), join(this.lab, "certificate.pem")];
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
    const files = ["-keyout", key, "-out", cert];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files]);
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  }

  /** A host with a door at a port, before the Ollama at another. */
  withDoor(name: string, ollama: number, port: number, more: HostVariables = {}): HostVariables {
    const sha512 = createHash("sha512").update(this.archive).digest("hex");
    const host = this.host(name, ollama, {
      lab_folder: this.lab,
      ollama_https_port: port,
      ollama_https_names: ["ollama.lab.example", "192.0.2.21"],
      ollama_https_user: DOOR_USER,
      ollama_https_token_file: "ollama-token",
      ollama_https_certificate: "internal",
      ollama_https_caddy_oldest: CADDY_OLDEST,
      ollama_https_caddy_version: VERSION,
      ollama_https_caddy_sha512: { [ARCHITECTURE]: sha512 },
      ollama_https_caddy_url: `http://127.0.0.1:${(this.mirror.address() as AddressInfo).port}/mirror/`,
      https_door_timeout: 3,
      https_door_interval: 1,
      ...more,
    });
    // A distribution without a Caddy, as Ubuntu 22.04.
    this.command(name, "apt-cache", "");
    return host;
  }

  file(host: string, path: string): string {
    return readFileSync(join(this.root(host), path), "utf8");
  }

  /** The role alone, or one of its task files, after what every playbook reads of a host. */
  role(tasksFrom = "main"): string {
    const path = this.playbook("https_door", tasksFrom);
    const [play] = JSON.parse(readFileSync(path, "utf8")) as [{ tasks: object[] }];
    play.tasks.unshift({ "ansible.builtin.setup": { gather_subset: ["min"] } });
    writeFileSync(path, JSON.stringify([play]));
    return path;
  }

  /** The plan's words, with everything that it may tell: values, differences, results of modules. */
  apply(hosts: Record<string, HostVariables>, ...more: string[]): Promise<PlaybookRun> {
    return this.run(this.role(), "all", hosts, "--diff", "-vvv", ...more);
  }
}
