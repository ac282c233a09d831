import type { Lab } from "../../lab/lab";
import type { Finding } from "../finding";
import { proxmoxPlan } from "../plan";
import { ApiFault, ProxmoxApi, type Questions } from "./api";
import { findingsIn } from "./checks";
import { connectionFinding } from "./connection";
import { type Auth, credentialIn, type DoctorEnvironment, trustedBy } from "./credential";
import { askProxmox } from "./facts";
import { deployedGuests, type GuestStatus } from "./status";

export { type DoctorEnvironment, trustedBy } from "./credential";
export type { GuestStatus } from "./status";

/** Where Proxmox is, and how to log in there. */
export interface Connection {
  /** URL of the API. */
  readonly endpoint: string;
  /** Accept a certificate that cannot be verified. */
  readonly insecure: boolean;
  readonly auth: Auth;
}

/**
 * Connects to Proxmox with the credential in the environment, and asks once: a connection that fails would fail every question.
 * @param timeoutMs how long one answer may take, in milliseconds. @default 10 000
 * @returns the connection, or the one finding that says why there is none
 */
export async function connect(connection: Connection, env: DoctorEnvironment, timeoutMs?: number): Promise<Questions | Finding> {
  const { endpoint, insecure, auth } = connection;
  const credential = credentialIn(auth, env);
  if ("code" in credential) return credential;
  const ca = trustedBy(env);
  if (typeof ca === "object") return ca;
  const api = new ProxmoxApi({ endpoint, insecure, credential, timeoutMs, ca });
  try {
    await api.get("/version");
  } catch (error) {
    if (error instanceof ApiFault) return connectionFinding(error, endpoint);
    throw error;
  }
  return api;
}

/** What Proxmox has to say about a lab. */
export interface ProxmoxExamined {
  readonly findings: readonly Finding[];
  /** The guests of the lab as they are now; none where Proxmox could not be asked. */
  readonly guests: readonly GuestStatus[];
}

/** Everything that Proxmox has to say about a lab. Asks, and changes nothing. Nothing for a lab without guests on Proxmox. */
export async function examineProxmox(lab: Lab, env: DoctorEnvironment, timeoutMs?: number): Promise<ProxmoxExamined> {
  const plan = proxmoxPlan(lab);
  if (!plan || !lab.proxmox) return { findings: [], guests: [] };
  const api = await connect(lab.proxmox, env, timeoutMs);
  if ("code" in api) return { findings: [api], guests: [] };
  const facts = await askProxmox(api, plan);
  return { findings: findingsIn({ lab, plan, facts }), guests: deployedGuests(plan, facts) };
}
