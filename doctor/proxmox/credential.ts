import { readFileSync } from "node:fs";
import type { Finding } from "../finding";
import type { Credential } from "./api";

/** Variables of the environment that the doctor reads, as Terraform's provider does. */
export type DoctorEnvironment = Readonly<Record<string, string | undefined>>;

/** How a lab logs in: `proxmox.auth`. */
export type Auth = "apiToken" | "rootPassword";

/** The credential in the environment, by the way that the lab's `auth` says; or what to set. */
export function credentialIn(auth: Auth, env: DoctorEnvironment): Credential | Finding {
  const missing = (variable: string, value: string): Finding => ({
    code: "credential-missing",
    severity: "error",
    path: ["proxmox", "auth"],
    message: `the lab logs in with ${auth}, but ${variable} is not set`,
    remedy: `Set it: export ${variable}=${value}`,
  });
  if (auth === "rootPassword") {
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
export function trustedBy(env: DoctorEnvironment): string | undefined | Finding {
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
