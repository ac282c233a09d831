// A real sshd on loopback, which takes the provider's uploads of snippets for the simulated nodes.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";

/** Where Debian and others put the server; it wants to be called by its whole path. */
const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"].find((path) => existsSync(path));

/** What is missing for `startSshServer`, and how to get it; undefined when nothing is. */
export function missingForSsh(): string | undefined {
  return SSHD ? undefined : "sshd is not there (apt-get install openssh-server)";
}

/** The address of each simulated node: the server tells the nodes apart by the address that it was reached at. */
export function nodeAddress(index: number): string {
  return `127.0.0.${index + 1}`;
}

export interface SshServer {
  readonly port: number;
  /** Who may log in: whoever runs the tests. */
  readonly username: string;
  /** The key to log in with, as PROXMOX_VE_SSH_PRIVATE_KEY holds it. */
  readonly privateKey: string;
  stop(): void;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Starts the server for these nodes; its keys and settings lie in `folder`. */
export async function startSshServer(folder: string, nodes: readonly string[]): Promise<SshServer> {
  if (!SSHD) throw new Error(missingForSsh());
  const stubs = join(folder, "bin");
  mkdirSync(stubs, { recursive: true });
  copyFileSync(join(__dirname, "sudo.sh"), join(stubs, "sudo"));
  copyFileSync(join(__dirname, "node-shell.sh"), join(folder, "node-shell.sh"));
  for (const name of ["host_key", "user_key"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  }
  copyFileSync(join(folder, "user_key.pub"), join(folder, "authorized_keys"));
  const port = await freePort();
  const settings = [
    ...nodes.map((_, index) => `ListenAddress ${nodeAddress(index)}:${port}`),
    `HostKey ${join(folder, "host_key")}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    `PidFile ${join(folder, "sshd.pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "MaxStartups 200",
    "Subsystem sftp internal-sftp",
    ...nodes.flatMap((node, index) => [
      `Match LocalAddress ${nodeAddress(index)}`,
      `  ForceCommand ${join(folder, "node-shell.sh")} ${node} ${stubs}`,
    ]),
  ];
  writeFileSync(join(folder, "sshd_config"), `${settings.join("\n")}\n`);
  // Debian's sshd wants its folder for privilege separation, which only root can make and only root's sshd uses.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const server = spawn(SSHD, ["-D", "-e", "-f", join(folder, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    server.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.split("Server listening").length > nodes.length) resolve();
    });
    server.on("error", reject);
    server.on("exit", (status) => reject(new Error(`sshd ended with ${status}:\n${said}`)));
  });
  return {
    port,
    username: userInfo().username,
    privateKey: readFileSync(join(folder, "user_key"), "utf8"),
    stop: () => server.kill(),
  };
}
