// A test's side of the simulated Proxmox (fake_pve.py): starts it, asks it, changes it behind Terraform's back, makes it fail.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";

/** A guest as the simulation keeps it. */
export interface SimulatedGuest {
  readonly kind: "lxc" | "qemu";
  readonly node: string;
  readonly running: boolean;
  /** Proxmox's own keys and property strings. */
  readonly config: Readonly<Record<string, string>>;
  readonly pool: string;
  readonly firewall: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly rules: readonly Readonly<Record<string, unknown>>[];
  };
}

export interface SimulatedState {
  readonly guests: Readonly<Record<string, SimulatedGuest>>;
  /** By NODE/VOLID. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly pools: Readonly<Record<string, { readonly vms: readonly number[] }>>;
  readonly mappings: { readonly pci: Readonly<Record<string, unknown>> };
}

/** One request that was answered. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly user?: string;
  readonly message?: string;
  readonly task?: string;
}

export interface SimulationOptions {
  /** @default pve1 and pve2 */
  readonly nodes?: readonly string[];
  /** Further storages, as NAME:TYPE:CONTENT. */
  readonly storages?: readonly string[];
  /** What the token may do, as PATH=PRIVILEGE,PRIVILEGE. @default everything */
  readonly acl?: readonly string[];
  /** The same, for the path alone and none below it. @default nothing */
  readonly aclHere?: readonly string[];
  /** @default 9.1.4 */
  readonly version?: string;
  /** Memory of each node. @default 128 */
  readonly memoryGiB?: number;
}

const STARTS_WITHIN_MS = 30_000;
/** The simulation's own: it knows no other root. */
const ROOT = { username: "root@pam", password: "fake-root-password" };

export class Simulation {
  /** Of root@pam, for PROXMOX_VE_PASSWORD. */
  readonly rootPassword = ROOT.password;
  private ticket?: { ticket: string; CSRFPreventionToken: string };

  private constructor(
    readonly endpoint: string,
    /** For PROXMOX_VE_API_TOKEN. */
    readonly token: string,
    /** The datastores' files: snippets are real ones. */
    readonly files: string,
    readonly nodes: readonly string[],
    private readonly log: string,
    private readonly kill: () => void,
  ) {}

  /** Starts one in `folder`, which it fills. */
  static async start(folder: string, options: SimulationOptions = {}): Promise<Simulation> {
    const { nodes = ["pve1", "pve2"], storages = [], acl = [], aclHere = [], version, memoryGiB } = options;
    const [ready, log, files] = [join(folder, "ready.json"), join(folder, "requests.jsonl"), join(folder, "files")];
    const several = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
    const args = [
      ...["--port", "0", "--log", log, "--ready-file", ready, "--files", files, "--nodes", nodes.join(",")],
      ...several("--storage", storages),
      ...several("--acl", acl),
      ...several("--acl-here", aclHere),
      ...(version ? ["--pve-version", version] : []),
      ...(memoryGiB ? ["--memory", String(memoryGiB)] : []),
    ];
    const server = spawn("python3", [join(__dirname, "fake_pve.py"), ...args], { stdio: ["ignore", "ignore", "inherit"] });
    const deadline = Date.now() + STARTS_WITHIN_MS;
    while (!existsSync(ready) || readFileSync(ready, "utf8") === "") {
      if (Date.now() > deadline || server.exitCode !== null) throw new Error("The simulated Proxmox did not start.");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const { endpoint, api_token } = JSON.parse(readFileSync(ready, "utf8")) as { endpoint: string; api_token: string };
    return new Simulation(endpoint, api_token, files, nodes, log, () => server.kill());
  }

  stop(): void {
    this.kill();
  }

  /** A call as root@pam: what a person does by hand in Proxmox. Throws with Proxmox's words where it is refused. */
  async byHand(method: "GET" | "POST" | "PUT" | "DELETE", path: string, params: Record<string, string> = {}): Promise<unknown> {
    this.ticket ??= (await this.call("POST", "/access/ticket", ROOT)) as { ticket: string; CSRFPreventionToken: string };
    return this.call(method, path, params, {
      Cookie: `PVEAuthCookie=${encodeURIComponent(this.ticket.ticket)}`,
      CSRFPreventionToken: this.ticket.CSRFPreventionToken,
    });
  }

  async state(): Promise<SimulatedState> {
    return (await this.call("GET", "/_fake/state")) as SimulatedState;
  }

  /** The guest with this VMID; throws when there is none. */
  async guest(vmId: number): Promise<SimulatedGuest> {
    const guest = (await this.state()).guests[String(vmId)];
    if (!guest) throw new Error(`Proxmox has no guest ${vmId}`);
    return guest;
  }

  /** A fresh cluster: no guests, no files, no faults. */
  async reset(): Promise<void> {
    await this.call("POST", "/_fake/reset");
    delete this.ticket;
  }

  /** The next requests that match fail: `POST /nodes/pve1/lxc$=500:2:got timeout`. */
  async failRequests(rule: string): Promise<void> {
    await this.call("POST", "/_fake/fail", { rule });
  }

  /** Takes back every fault that has not come yet. */
  async clearFaults(): Promise<void> {
    await this.call("POST", "/_fake/no-faults");
  }

  /** The next task that matches fails: `vzstart:201=no`. */
  async failTask(rule: string): Promise<void> {
    await this.call("POST", "/_fake/fail-task", { rule });
  }

  /** What Proxmox itself does to a guest: another node, a lease, a stop. */
  async changeGuest(vmId: number, params: Record<string, string>): Promise<void> {
    await this.call("POST", `/_fake/guest/${vmId}`, params);
  }

  /** What the token may do from now on, in the forms of the options `acl` and `aclHere`. */
  async grant({ acl = [], aclHere = [] }: Pick<SimulationOptions, "acl" | "aclHere">): Promise<void> {
    await this.call("POST", "/_fake/acl", { acl: acl.join("\n"), acl_here: aclHere.join("\n") });
  }

  async setOnline(node: string, online: boolean): Promise<void> {
    await this.call("POST", `/_fake/node/${node}`, { online: online ? "1" : "0" });
  }

  /** Puts the cards that the lab describes into its nodes. */
  async plugIn(lab: LabInput): Promise<void> {
    for (const [node, { gpus = {} }] of Object.entries(lab.proxmox?.nodes ?? {})) {
      for (const { path, id, subsystemId, iommuGroup } of Object.values(gpus)) {
        if (!path) continue;
        const device = [node, /\.\d$/.test(path) ? path : `${path}.0`, id, subsystemId, iommuGroup].join(",");
        await this.call("POST", "/_fake/pci", { device });
      }
    }
  }

  /** A guest of somebody else. */
  async addStranger(vmId: number, name: string, node = "pve1", kind: "lxc" | "qemu" = "qemu"): Promise<void> {
    if (kind === "qemu") {
      await this.byHand("POST", `/nodes/${node}/qemu`, { vmid: String(vmId), name, memory: "512" });
      return;
    }
    const template = "local:vztmpl/strangers.tar.zst";
    await this.call("POST", "/_fake/volume", { node, volid: template });
    await this.byHand("POST", `/nodes/${node}/lxc`, {
      vmid: String(vmId),
      hostname: name,
      ostemplate: template,
      rootfs: "local-lvm:4",
    });
  }

  /** Everything that was asked so far. */
  requests(): LoggedRequest[] {
    return readFileSync(this.log, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LoggedRequest);
  }

  private call(
    method: string,
    path: string,
    params: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const body = new URLSearchParams(params).toString();
    const url = new URL(path.startsWith("/_fake") ? path : `/api2/json${path}`, this.endpoint);
    const options = {
      method,
      // The certificate is the simulation's own, made a moment ago.
      rejectUnauthorized: false,
      agent: false as const,
      headers: { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body), ...headers },
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) resolve((JSON.parse(text) as { data: unknown }).data);
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}
