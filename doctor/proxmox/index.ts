import { readFileSync } from "node:fs";
import type { Lab } from "../../lab/lab";
import type { Finding } from "../finding";
import { proxmoxPlan } from "../plan";
import { ApiFault, type Credential, ProxmoxApi } from "./api";
import { findingsIn } from "./checks";
import { connectionFinding } from "./connection";
import { askProxmox } from "./facts";

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

/** The certificates that the environment says to trust, in PEM; a finding when its file cannot be read. */
function trustedBy(env: DoctorEnvironment): string | undefined | Finding {
  const file = env["SSL_CERT_FILE"];
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    return {
      code: "certificates-unreadable",
      severity: "error",
      path: ["proxmox", "endpoint"],
      message: `SSL_CERT_FILE names ${file}, but it cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      remedy: "Write the path of a file of certificates in PEM, or unset SSL_CERT_FILE.",
    };
  }
}

/** Everything that Proxmox has to say about a lab. Asks, and changes nothing. No finding for a lab without guests on Proxmox. */
export async function examineProxmox(lab: Lab, env: DoctorEnvironment, timeoutMs?: number): Promise<readonly Finding[]> {
  const plan = proxmoxPlan(lab);
  if (!plan || !lab.proxmox) return [];
  const credential = credentialIn(lab, env);
  if ("code" in credential) return [credential];
  const { endpoint, insecure } = lab.proxmox;
  const ca = trustedBy(env);
  if (typeof ca === "object") return [ca];
  const api = new ProxmoxApi({ endpoint, insecure, credential, timeoutMs, ca });
  try {
    // Once, before everything else: a connection that fails would fail every question.
    await api.get("/version");
  } catch (error) {
    if (error instanceof ApiFault) return [connectionFinding(error, endpoint)];
    throw error;
  }
  const facts = await askProxmox(api, plan);
  return findingsIn({ lab, plan, facts });
}
