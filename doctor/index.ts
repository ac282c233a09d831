import type { Lab } from "../lab/lab";
import type { Finding } from "./finding";
import { type DoctorEnvironment, examineProxmox } from "./proxmox";
import { examineTools } from "./tools";

export type { Finding } from "./finding";
export { type Grantee, grantCommands, mappingCommands, type Release, type Right, rightsOf } from "./rights";

/** Everything that can be found out about a lab before it is applied, by questions alone. */
export async function examine(lab: Lab, env: DoctorEnvironment): Promise<readonly Finding[]> {
  const [tools, proxmox] = await Promise.all([examineTools(lab, env), examineProxmox(lab, env)]);
  return [...tools, ...proxmox];
}
