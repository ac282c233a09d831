// A lab deployed by the real provider to a simulated Proxmox.
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { labWith } from "../lab";
import { runFolder } from "../provider-replay/client";
import { output } from "../terraform/lab-workspace";
import type { Source } from "../terraform/output";
import type { StackRun, Surroundings } from "../terraform/stack-run";
import { Workspace } from "../terraform/workspace";
import { providerEnvironment } from "./providers";
import { Simulation, type SimulationOptions } from "./simulation";
import { nodeAddress, type SshServer, startSshServer } from "./ssh-server";

export interface RigOptions extends SimulationOptions {
  /** Stubs on PATH for the provisioners, by name. */
  readonly commands?: Readonly<Record<string, string>>;
  /** Terraform's input variables. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A simulated Proxmox with its SSH server, and labs that are deployed to it. */
export class ProxmoxRig {
  private constructor(
    readonly proxmox: Simulation,
    readonly ssh: SshServer,
    private readonly options: RigOptions,
  ) {}

  static async start(options: RigOptions = {}): Promise<ProxmoxRig> {
    const folder = mkdtempSync(join(runFolder(), "proxmox-"));
    mkdirSync(join(folder, "ssh"));
    const proxmox = await Simulation.start(folder, options);
    const ssh = await startSshServer(join(folder, "ssh"), proxmox.nodes);
    return new ProxmoxRig(proxmox, ssh, options);
  }

  stop(): void {
    this.proxmox.stop();
    this.ssh.stop();
  }

  /** The lab with this Proxmox in the place of its own: endpoint, the nodes' addresses, SSH. Its state is a local file. */
  here(lab: LabInput): LabInput {
    const known = Object.keys(lab.proxmox?.nodes ?? {});
    const nodes = Object.fromEntries(
      known.map((name) => [name, { address: nodeAddress(this.proxmox.nodes.indexOf(name)) }] as const),
    );
    return labWith(
      {
        proxmox: {
          endpoint: this.proxmox.endpoint,
          insecure: true,
          ...(lab.proxmox?.ssh && { ssh: { username: this.ssh.username, port: this.ssh.port, agent: false } }),
          nodes,
        },
        state: lab.state?.split && { split: lab.state.split },
      },
      lab,
    );
  }

  /** A project folder with this lab's output. Runs nothing yet. */
  open(lab: LabInput): Promise<Workspace> {
    return this.openOutput(output(this.here(lab)), lab.proxmox?.auth);
  }

  /** A project folder with an output that was synthesized before. */
  openOutput(source: Source, auth: "apiToken" | "rootPassword" = "apiToken"): Promise<Workspace> {
    return Workspace.open(source, {
      commands: { ...this.options.commands },
      variables: { ...this.options.variables },
      realProviders: {
        ...providerEnvironment(),
        ...(auth === "apiToken"
          ? { PROXMOX_VE_API_TOKEN: this.proxmox.token }
          : { PROXMOX_VE_PASSWORD: this.proxmox.rootPassword }),
        PROXMOX_VE_SSH_PRIVATE_KEY: this.ssh.privateKey,
      },
    });
  }

  /** Day two: the lab was edited and synthesized anew; states stay. */
  edit(workspace: Surroundings, lab: LabInput): void {
    workspace.become(output(this.here(lab)));
  }

  /** A lab's stack, deployed. */
  async deployed(lab: LabInput, stack: "containers" | "cluster"): Promise<StackRun> {
    const run = (await this.open(lab)).stack(stack);
    await run.deploy();
    return run;
  }
}
