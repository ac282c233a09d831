import type { Chart } from "./chart";
import keys1211 from "./chart-keys/cert-manager-1.21.1.json";

/** The parts of cert-manager that have an image of their own (the chart's values.yaml, `image.repository` of each part). */
const PARTS = ["controller", "webhook", "cainjector", "acmesolver", "startupapicheck"];

/** The chart cert-manager. Its versions begin with a `v` (cert-manager.io/docs/installation/helm). */
export const CERT_MANAGER_CHART = {
  name: "cert-manager",
  repository: "https://charts.jetstack.io",
  version: "v1.21.1",
  keys: { "1.21.1": keys1211 },
  images: (version) => PARTS.map((part) => `quay.io/jetstack/cert-manager-${part}:${version}`),
} as const satisfies Chart;

/** The API group of Certificate and ClusterIssuer (cert-manager.io/docs/reference/api-docs). */
export const CERT_MANAGER_GROUP = "cert-manager.io";

/** The API group and version of Certificate and ClusterIssuer (cert-manager.io/docs/reference/api-docs). */
export const CERT_MANAGER_API = `${CERT_MANAGER_GROUP}/v1`;

/** Namespace that cert-manager is installed in, as its own instructions do it. */
export const CERT_MANAGER_NAMESPACE = "cert-manager";

/** Let's Encrypt's ACME server for real certificates (letsencrypt.org/docs/acme-protocol-updates). */
export const ACME_SERVER = "https://acme-v02.api.letsencrypt.org/directory";

/**
 * Hosts of ACME servers whose certificates are for public names only: Let's Encrypt with its staging, ZeroSSL, Google Trust Services, SSL.com
 * (the directory URLs in their documentation).
 */
export const PUBLIC_ACME_HOSTS = [
  "acme-v02.api.letsencrypt.org",
  "acme-staging-v02.api.letsencrypt.org",
  "acme.zerossl.com",
  "dv.acme-v02.api.pki.goog",
  "acme.ssl.com",
] as const;

/** The page that says which Kubernetes versions each line of cert-manager was tested with. */
export const CERT_MANAGER_RELEASES = "cert-manager.io/docs/releases";

/** The oldest and the newest Kubernetes minor version that each line of cert-manager was tested with (`CERT_MANAGER_RELEASES`). */
export const CERT_MANAGER_KUBERNETES: Readonly<Record<string, readonly [oldest: number, newest: number]>> = {
  "1.18": [29, 33],
  "1.19": [31, 35],
  "1.20": [32, 35],
  "1.21": [33, 36],
};

/** The DNS-01 solvers that cert-manager has (its API, type ACMEChallengeSolverDNS01). */
export const DNS01_SOLVERS = [
  "acmeDNS",
  "akamai",
  "azureDNS",
  "cloudDNS",
  "cloudflare",
  "digitalocean",
  "rfc2136",
  "route53",
  "webhook",
] as const;
