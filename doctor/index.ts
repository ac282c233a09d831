import type { Lab } from "../lab/lab";
import { examineContainers } from "./containers";
import type { Finding } from "./finding";
import { examineHealth } from "./health";
import { examineKubernetes } from "./kubernetes";
import { programs, type Run } from "./program";
import { type DoctorEnvironment, examineProxmox, type GuestStatus, trustedBy } from "./proxmox";
import { examineSsh } from "./ssh";
import { examineTools } from "./tools";

export type { Finding } from "./finding";
export { type Grantee, grantCommands, mappingCommands, type Release, type Right, rightsOf } from "./rights";

/** How a lab is examined. */
export interface ExamineOptions {
  /** Let each Ollama that serves answer a prompt. It loads a model, and takes as long as that. @default false */
  readonly health?: boolean;
  /** Runs programs. @default those on this machine */
  readonly run?: Run;
}

/** Everything that was found out about a lab. */
export interface Examination {
  readonly findings: readonly Finding[];
  /** The guests of the lab as they are now; none where Proxmox could not be asked. */
  readonly guests: readonly GuestStatus[];
  /** The versions of the programs on this machine that the lab needs, by their names. */
  readonly tools: Readonly<Record<string, string>>;
}

/** Everything that can be found out about a lab, by questions alone: before it is applied, and while it serves. */
export async function examine(
  lab: Lab,
  env: DoctorEnvironment,
  { health = false, run = programsOf(env) }: ExamineOptions = {},
): Promise<Examination> {
  const proxmox = async () => {
    const examined = await examineProxmox(lab, env);
    const trusted = trustedBy(env);
    // A file of certificates that cannot be read is a finding of examineProxmox.
    const ca = typeof trusted === "string" ? trusted : undefined;
    const models = lab.proxmox && !health ? await examineContainers(lab, examined.guests, ca) : [];
    return { guests: examined.guests, findings: [...examined.findings, ...models] };
  };
  const [tools, { guests, findings }, ssh, { serving, kubeconfig, ...kubernetes }] = await Promise.all([
    examineTools(lab, env, run),
    proxmox(),
    lab.proxmox ? examineSsh(lab, env, run) : [],
    examineKubernetes(lab, env, run),
  ]);
  const unhealthy = health ? await examineHealth(lab, { guests, deployed: serving, kubeconfig }, run) : [];
  const all = [...tools.findings, ...findings, ...ssh, ...kubernetes.findings, ...unhealthy];
  return { findings: all, guests, tools: tools.versions };
}

function programsOf(env: DoctorEnvironment): Run {
  // Terraform would ask for a newer version of itself, and wait where there is no way out (developer.hashicorp.com/terraform/cli/commands).
  return programs({ ...env, CHECKPOINT_DISABLE: "1" });
}
