import { readFileSync } from "node:fs";
import type { Lab } from "../../lab/lab";
import type { Finding } from "../finding";
import { proxmoxPlan } from "../plan";
import { ApiFault, type Credential, ProxmoxApi } from "./api";
import { cards } from "./checks/cards";
import type { Check } from "./checks/check";
import { datacenter } from "./checks/datacenter";
import { guests } from "./checks/guests";
import { network } from "./checks/network";
import { nodes } from "./checks/nodes";
import { rights } from "./checks/rights";
import { storages } from "./checks/storages";
import { connectionFinding } from "./connection";
import { askProxmox } from "./facts";

/** In the order in which a person mends things. */
const CHECKS: readonly Check[] = [rights, nodes, storages, network, guests, cards, datacenter];

/** Variables of the environment that the doctor reads, as Terraform's provider does. */
export type DoctorEnvironment = Readonly<Record<string, string | undefined>>;

/** The credential in the environment, by the way that the lab's `auth` says; or what to set. */
function credentialIn(lab: Lab, env: DoctorEnvironment): Credential | Finding {
  const missing = (variable: string, value: string): Finding => ({
    code: "credential-missing",
    severity: "error",
    path: ["proxmox", "auth"],
    message: `the lab logs in with ${lab.proxmox?.auth}, but ${variable} is not set`,
    remedy: `Set it: export ${variable}=${value}`,
  });
  if (lab.proxmox?.auth === "rootPassword") {
    const password = env["PROXMOX_VE_PASSWORD"];
    return password ? { kind: "password", user: "root@pam", password } : missing("PROXMOX_VE_PASSWORD", "…");
  }
  const token = env["PROXMOX_VE_API_TOKEN"];
  if (!token) return missing("PROXMOX_VE_API_TOKEN", "'USER@REALM!NAME=UUID'");
  if (!/^[^@\s]+@[^!\s]+![^=\s]+=[0-9a-fA-F-]{36}$/.test(token)) {
    return {
      code: "credential-malformed",
      severity: "error",
      path: ["proxmox", "auth"],
      message: "PROXMOX_VE_API_TOKEN has not the form USER@REALM!NAME=UUID",
      remedy: "Put it in single quotes, since a shell reads ! itself: export PROXMOX_VE_API_TOKEN='terraform@pve!lab=…'",
    };
  }
  return { kind: "token", value: token };
}

/** Everything that Proxmox has to say about a lab. Asks, and changes nothing. No finding for a lab without guests on Proxmox. */
export async function examineProxmox(lab: Lab, env: DoctorEnvironment, timeoutMs?: number): Promise<readonly Finding[]> {
  const plan = proxmoxPlan(lab);
  if (!plan || !lab.proxmox) return [];
  const credential = credentialIn(lab, env);
  if ("code" in credential) return [credential];
  const { endpoint, insecure } = lab.proxmox;
  const caFile = env["SSL_CERT_FILE"];
  const api = new ProxmoxApi({ endpoint, insecure, credential, timeoutMs, ...(caFile && { ca: readFileSync(caFile, "utf8") }) });
  try {
    // Once, before everything else: a connection that fails would fail every question.
    await api.get("/version");
  } catch (error) {
    if (error instanceof ApiFault) return [connectionFinding(error, endpoint)];
    throw error;
  }
  const facts = await askProxmox(api, plan);
  return CHECKS.flatMap((check) => [...check({ lab, plan, facts })]);
}
