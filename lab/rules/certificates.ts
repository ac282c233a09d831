import { CERT_MANAGER_NAMESPACE, DNS01_SOLVERS, PUBLIC_ACME_HOSTS } from "../../catalog/cert-manager";
import { TRAEFIK_API_VERSION } from "../../catalog/traefik";
import { nearest } from "../../grammar/nearest";
import { type Finding, finder } from "../finding";
import type { Path } from "../problem";
import { rule } from "./rule";

const kinds = {
  "http01-private-host": {
    severity: "warning",
    stacks: ["platform", "ollama"],
    meaning:
      "The certificate authority checks a host by HTTP-01, from the internet, but the internet does not reach this host. No certificate would be issued.",
    example: `
      kubernetes:
        certManager: { email: operator@lab.example } # and no dns01
      ollama:
        releases:
          ollama: { host: ollama.lab.example }
      network:
        clients: [10.0.0.0/8]
    `,
    remedy: "Set kubernetes.certManager.dns01, which needs no way in from the internet.",
  },
  "no-public-name": {
    severity: "warning",
    stacks: ["platform", "ollama"],
    meaning:
      "A public certificate authority gives certificates for names in the public DNS only, whichever way it checks them. This name is for private networks (RFC 6762, RFC 8375) or in no public zone, so no certificate would be issued.",
    example: `
      kubernetes:
        certManager: { email: operator@lab.example } # at Let's Encrypt
      ollama:
        releases:
          ollama: { host: ollama.home.arpa }
    `,
    remedy:
      "Choose a host below a domain that you own, or set kubernetes.certManager.server to an ACME server of your own, such as step-ca.",
  },
  "credential-in-solver": {
    severity: "error",
    stacks: ["platform"],
    meaning: "A credential of a DNS-01 solver is in the lab. Everything in the lab is written to the output.",
    example: `
      kubernetes:
        certManager:
          email: operator@lab.example
          dns01: { cloudflare: { apiToken: not-a-real-token } }
    `,
    remedy: `Put it into a Secret in the namespace ${CERT_MANAGER_NAMESPACE}, and name the Secret in the field that ends in SecretRef. Make a new one in its place, because this one may be in git.`,
  },
  "unknown-solver": {
    severity: "error",
    stacks: ["platform"],
    meaning: "cert-manager does not have this DNS-01 solver. Its API drops it silently, and no certificate is ever issued.",
    example: `
      kubernetes:
        certManager:
          email: operator@lab.example
          dns01: { cloudfare: {} }
    `,
    remedy: "Write the name of a solver that cert-manager has.",
  },
  "one-solver": {
    severity: "error",
    stacks: ["platform"],
    meaning: "`dns01` names no solver or several, but cert-manager takes exactly one.",
    example: `
      kubernetes:
        certManager:
          email: operator@lab.example
          dns01: { cloudflare: {}, route53: {} }
    `,
    remedy: "Name one, such as cloudflare.",
  },
  "issuer-missing": {
    severity: "warning",
    stacks: ["ollama"],
    meaning: "A host needs a certificate, but nothing in this lab creates the ClusterIssuer in the new cluster.",
    example: `
      ollama:
        releases:
          ollama: { host: ollama.home.example } # and no kubernetes.certManager
    `,
    remedy: "Set kubernetes.certManager, or install cert-manager and the issuer before you deploy the stack ollama.",
  },
  "no-traefik": {
    severity: "warning",
    stacks: ["cluster", "ollama"],
    meaning: "Traefik serves the hosts of the releases, but the cluster is created without Traefik.",
    example: `
      cluster:
        disable: [traefik]
      ollama:
        releases:
          ollama: { host: ollama.home.example }
    `,
    remedy: `Remove traefik from cluster.disable, or install a Traefik of version ${TRAEFIK_API_VERSION} or later yourself.`,
  },
} as const;
const found = finder(kinds);
type Found = Finding<keyof typeof kinds>;

/** Names that no public DNS has, or that mean a private network. */
const PRIVATE_NAME = /(^|\.)(local|lan|home|internal|intranet|localdomain|home\.arpa|private|corp|test)$/;
/** The beginning of an address in a private network (RFC 1918) or behind carrier-grade NAT (RFC 6598). */
const PRIVATE_NETWORK = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

/** Whether an ACME server is a public certificate authority's. */
export function isPublicAuthority(server: string): boolean {
  return PUBLIC_ACME_HOSTS.some((host) => host === new URL(server).hostname);
}

/** Whether no public DNS has this name. */
export function isPrivateName(host: string): boolean {
  return PRIVATE_NAME.test(host);
}

/** Whether only addresses of private networks are in these networks. */
export function areAllPrivate(networks: readonly string[]): boolean {
  return networks.length > 0 && networks.every((network) => PRIVATE_NETWORK.test(network));
}

/** A public certificate authority knows public names only, whichever way it checks them. */
const publicNames = rule(["ollama", "kubernetes"], function* ({ ollama, kubernetes }) {
  const { certManager } = kubernetes;
  if (!certManager || !isPublicAuthority(certManager.server)) return;
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    if (!host || !isPrivateName(host)) continue;
    yield found(
      "no-public-name",
      ["ollama", "releases", key, "host"],
      `${host} is a name of a private network, but ${new URL(certManager.server).hostname} issues certificates for public names only`,
    );
  }
});

/** A certificate authority that checks by HTTP-01 must reach the host from the internet. */
const reachableForHttp01 = rule(["ollama", "kubernetes"], function* ({ ollama, kubernetes, network }) {
  const { certManager } = kubernetes;
  if (!certManager || certManager.dns01 || !isPublicAuthority(certManager.server)) return;
  const closed = areAllPrivate(network?.clients ?? []);
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    if (!host || !closed || isPrivateName(host)) continue;
    yield found(
      "http01-private-host",
      ["ollama", "releases", key, "host"],
      `the certificate authority checks ${host} from the internet (HTTP-01), but network.clients lets only private networks in`,
    );
  }
});

/** Finds the fields of a solver that are credentials. Fields below `…Ref` name a Secret and are none. */
function* literalSecrets(value: unknown, path: Path): Iterable<Found> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const secret = /(token|secret|password|secretaccesskey|apikey|key)$/i.test(key) && !/Ref$/.test(String(path.at(-1)));
    if (typeof item === "string" && secret) {
      yield found(
        "credential-in-solver",
        [...path, key],
        `${key} is a credential, but everything in the lab is written to the output`,
      );
    } else yield* literalSecrets(item, [...path, key]);
  }
}

const SOLVER_PATH = ["kubernetes", "certManager", "dns01"] as const;

/** The secrets of a solver are in Secrets of the cluster, not in the lab. */
const secretsOfSolver = rule(["kubernetes"], function* ({ kubernetes }) {
  yield* literalSecrets(kubernetes.certManager?.dns01, SOLVER_PATH);
});

/** The lab names one solver, and cert-manager has it. Its API drops an unknown solver silently. */
const knownSolver = rule(["kubernetes"], function* ({ kubernetes }) {
  const { dns01 } = kubernetes.certManager ?? {};
  if (!dns01) return;
  const given = Object.keys(dns01).filter((key) => key !== "cnameStrategy");
  for (const key of given) {
    if (DNS01_SOLVERS.some((solver) => solver === key)) continue;
    const meant = nearest(key, DNS01_SOLVERS);
    yield found(
      "unknown-solver",
      [...SOLVER_PATH, key],
      `cert-manager has no DNS-01 solver ${key}, and would ignore it silently`,
      {
        remedy: meant ? `Did you mean ${meant}?` : `It has ${DNS01_SOLVERS.join(", ")}.`,
      },
    );
  }
  if (given.length === 1) return;
  const names = given.length === 0 ? "no solver" : given.join(" and ");
  yield found("one-solver", SOLVER_PATH, `dns01 names ${names}, but cert-manager takes exactly one`);
});

/** In a cluster that the lab creates, the issuer exists only when the lab creates it too. */
const issuer = rule(["ollama", "kubernetes", "cluster"], function* ({ ollama, kubernetes }) {
  const hosts = Object.values(ollama.releases).flatMap(({ host }) => host ?? []);
  if (hosts.length === 0 || kubernetes.certManager) return;
  yield found(
    "issuer-missing",
    ["kubernetes", "certManager"],
    `the certificate of ${hosts.join(", ")} comes from the ClusterIssuer ${kubernetes.issuer}, but nothing in this lab creates it in the new cluster`,
  );
});

/** Traefik serves the hosts, so the cluster must have it. */
const traefik = rule(["ollama", "cluster"], function* ({ ollama, cluster }) {
  const hosts = Object.values(ollama.releases).flatMap(({ host }) => host ?? []);
  if (hosts.length === 0 || !cluster.disable.includes("traefik")) return;
  yield found("no-traefik", ["cluster", "disable"], `Traefik serves ${hosts.join(", ")}, but the cluster is created without it`);
});

export const certificates = {
  title: "Certificates and hosts",
  kinds,
  rules: [publicNames, reachableForHttp01, secretsOfSolver, knownSolver, issuer, traefik],
};
