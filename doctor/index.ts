import type { Lab } from "../lab/lab";
import type { Finding } from "./finding";
import { examineKubernetes } from "./kubernetes";
import { programs, type Run } from "./program";
import { type DoctorEnvironment, examineProxmox } from "./proxmox";
import { examineTools } from "./tools";

export type { Finding } from "./finding";
export { type Grantee, grantCommands, mappingCommands, type Release, type Right, rightsOf } from "./rights";

/** Everything that can be found out about a lab before it is applied, by questions alone. */
export async function examine(lab: Lab, env: DoctorEnvironment, run: Run = programs(env)): Promise<readonly Finding[]> {
  const found = await Promise.all([examineTools(lab, env), examineProxmox(lab, env), examineKubernetes(lab, env, run)]);
  return found.flat();
}
