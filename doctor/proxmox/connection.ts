import { OLDEST_PROXMOX } from "../../catalog/proxmox";
import type { DoctorCode } from "../codes";
import type { Finding } from "../finding";
import type { ApiFault, ApiFaultKind } from "./api";

/** What a failed first question means for a lab, by its kind. */
const MEANINGS: Readonly<Record<ApiFaultKind, { code: DoctorCode; field: string; remedy: string }>> = {
  unreachable: {
    code: "proxmox-unreachable",
    field: "endpoint",
    remedy: "Check the host and the port (8006), that it answers in a browser, and that no firewall is between.",
  },
  timeout: {
    code: "proxmox-slow",
    field: "endpoint",
    remedy: "Check that the host is not overloaded and that no firewall drops the packets, then run doctor again.",
  },
  "untrusted-certificate": {
    code: "certificate-untrusted",
    field: "endpoint",
    remedy:
      "Trust the cluster's own CA: copy /etc/pve/pve-root-ca.pem from a node, and set SSL_CERT_FILE to it for Terraform and doctor alike. Or accept any certificate with insecure: true.",
  },
  "expired-certificate": {
    code: "certificate-expired",
    field: "endpoint",
    remedy: "Renew it on the node with `pvecm updatecerts --force`, and check the clocks of both machines.",
  },
  "wrong-certificate-name": {
    code: "certificate-name",
    field: "endpoint",
    remedy: "Write the endpoint with a name that the certificate has, such as the node's own.",
  },
  "not-tls": { code: "proxmox-not-tls", field: "endpoint", remedy: "Check the port: Proxmox answers by HTTPS on 8006." },
  unauthorized: {
    code: "credential-refused",
    field: "auth",
    remedy:
      "Check PROXMOX_VE_API_TOKEN (USER@REALM!NAME=UUID) or PROXMOX_VE_PASSWORD. `pveum user token list USER` shows the tokens and when they expire.",
  },
  forbidden: { code: "credential-forbidden", field: "auth", remedy: "`ollama-lab rights` prints what the credential needs." },
  missing: {
    code: "proxmox-too-old",
    field: "endpoint",
    remedy: `Check that Proxmox VE ${OLDEST_PROXMOX} or later answers at this address.`,
  },
  redirect: {
    code: "proxmox-redirects",
    field: "endpoint",
    remedy: "Write the address that it redirects to, if that is your Proxmox. The credential was sent nowhere else.",
  },
  "not-proxmox": {
    code: "not-proxmox",
    field: "endpoint",
    remedy: "Check the address: a proxy or a login page may answer there.",
  },
  "cut-off": {
    code: "proxmox-cut-off",
    field: "endpoint",
    remedy: "Run doctor again. If it stays so, look at the proxy in between, or at pveproxy on the node.",
  },
  refused: { code: "proxmox-refuses", field: "endpoint", remedy: "Look at the node's log: journalctl -u pveproxy -u pvedaemon" },
};

/** A fault of the connection itself, as a finding: with it nothing else can be asked. */
export function connectionFinding(fault: ApiFault, endpoint: string): Finding {
  const { code, field, remedy } = MEANINGS[fault.kind];
  return {
    code,
    severity: "error",
    path: ["proxmox", field],
    message: `Proxmox at ${endpoint} cannot be asked: ${fault.message}`,
    remedy,
  };
}
