import { HTTPS_PORT } from "../../catalog/caddy";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { finder } from "../finding";
import { areAllPrivate, isPrivateName, isPublicAuthority } from "./certificates";
import { rule } from "./rule";

const kinds = {
  "no-lock": {
    severity: "warning",
    stacks: ["ollama"],
    meaning:
      "A host has neither a password nor a list of networks. Ollama asks nobody who they are, so whoever reaches the host can use the models and delete them.",
    example: `
      ollama:
        releases:
          ollama: { host: ollama.home.example } # and neither auth nor allowFrom
    `,
    remedy:
      "Set auth: { secretName: … } (docs/kubernetes.md says how to make the Secret), or list the networks that may use it under allowFrom.",
  },
  "auth-without-host": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "A release asks for a password but has no host. Traefik asks for it, and inside the cluster Ollama is reached without Traefik.",
    example: `
      ollama:
        releases:
          ollama: { auth: { secretName: ollama-users } } # and no host
    `,
    remedy: "Give the release a host, or remove auth; ollama.networkPolicy narrows who reaches it inside the cluster.",
  },
  "secret-taken": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "The Secret with the users of a host is one that cert-manager keeps a certificate in.",
    example: `
      ollama:
        releases:
          ollama: { host: ollama.home.example, auth: { secretName: ollama-tls } }
    `,
    remedy: "Give the users a Secret of their own, such as ollama-users.",
  },
  "door-without-name": {
    severity: "error",
    stacks: ["containers"],
    meaning: "The certificate of a container's HTTPS door is for a name or an address, but neither is known before the deploy.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: dhcp, https: { tokenFile: ./ollama-token } } # and no https.host
    `,
    remedy: "Set https.host to the name that clients use.",
  },
  "acme-without-host": {
    severity: "error",
    stacks: ["containers"],
    meaning: "A certificate by ACME is for a name in the DNS. The door has none, but the address of its container alone.",
    example: `
      containers:
        ollama-1:
          vmId: 201
          address: 192.0.2.21
          https: { tokenFile: ./ollama-token, certificate: { type: acme, email: operator@lab.example } }
    `,
    remedy: "Set https.host, or take certificate: { type: internal }.",
  },
  "acme-port": {
    severity: "error",
    stacks: ["containers"],
    meaning:
      "The certificate authority checks the door at port 443 (TLS-ALPN-01), but the door is at another, and the firewall opens that one alone.",
    example: `
      containers:
        ollama-1:
          vmId: 201
          address: 192.0.2.21
          https:
            host: ollama.lab.example
            port: 8443
            tokenFile: ./ollama-token
            certificate: { type: acme, email: operator@lab.example }
    `,
    remedy: "Remove https.port, or give the door a certificate of another type.",
  },
  "door-port-taken": {
    severity: "error",
    stacks: ["containers"],
    meaning: "A container's HTTPS door has the port of another service in the container.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, https: { port: 11434, tokenFile: ./ollama-token } }
    `,
    remedy: `Choose another port; the default is ${HTTPS_PORT}.`,
  },
  "acme-unreachable": {
    severity: "warning",
    stacks: ["containers"],
    meaning:
      "A public certificate authority checks the door from the internet, but the name is for private networks, or the firewall lets only private networks in. No certificate would be issued, so the door would stay shut.",
    example: `
      network:
        clients: [10.0.0.0/8]
      containers:
        ollama-1:
          vmId: 201
          address: 192.0.2.21
          https:
            host: ollama.lab.example
            tokenFile: ./ollama-token
            certificate: { type: acme, email: operator@lab.example }
    `,
    remedy:
      "Take certificate: { type: internal } or { type: files }, or set certificate.server to an ACME server of your own that reaches the container.",
  },
} as const;
const found = finder(kinds);

/** Ollama has no lock of its own, so a host needs one. */
const lockOfHost = rule(["ollama"], function* ({ ollama }, { declared }) {
  for (const [key, { host }] of Object.entries(ollama.releases)) {
    const path = ["ollama", "releases", key];
    if (!host || declared([...path, "auth"]) || declared([...path, "allowFrom", 0])) continue;
    yield found(
      "no-lock",
      [...path, "host"],
      `whoever reaches ${host} can use, pull and delete models: ${key} has neither auth nor allowFrom`,
    );
  }
});

/** Traefik asks for the password, and only who comes by the host meets Traefik. */
const hostOfLock = rule(["ollama"], function* ({ ollama }, { declared }) {
  for (const [key, { host, auth }] of Object.entries(ollama.releases)) {
    if (!auth || host || declared(["ollama", "releases", key, "host"])) continue;
    yield found(
      "auth-without-host",
      ["ollama", "releases", key, "auth"],
      `${key} asks for the passwords in ${auth.secretName}, but it has no host, and only a host is asked`,
    );
  }
});

/** cert-manager writes the Secrets of the certificates. */
const secretOfUsers = rule(["ollama"], function* ({ ollama }) {
  const hosts = Object.entries(ollama.releases).filter(([, { host }]) => host);
  for (const [key, { auth }] of Object.entries(ollama.releases)) {
    const owner = hosts.find(([other]) => auth?.secretName === `${other}-tls`);
    if (!auth || !owner) continue;
    yield found(
      "secret-taken",
      ["ollama", "releases", key, "auth", "secretName"],
      `the users of ${key} come from the Secret ${auth.secretName}, but cert-manager keeps the certificate of ${owner[1].host} in it`,
    );
  }
});

/** The certificate of a door is for a name that is known, at a port that is free. */
const doors = rule(["containers"], function* ({ containers }, { declared }) {
  for (const [key, { https, address }] of Object.entries(containers)) {
    const path = ["containers", key, "https"];
    if (!https) continue;
    const { host, port, certificate } = https;
    const named = host !== undefined || declared([...path, "host"]);
    if (!named && certificate.type === "acme") {
      yield found(
        "acme-without-host",
        path,
        `the certificate of ${key} comes by ACME, but https.host does not say for which name`,
      );
    } else if (!named && address === "dhcp") {
      yield found("door-without-name", path, `${key} has neither https.host nor a static address for its certificate`);
    }
    if (certificate.type === "acme" && port !== HTTPS_PORT) {
      yield found(
        "acme-port",
        [...path, "port"],
        `the certificate authority checks ${host ?? key} at port ${HTTPS_PORT}, but its door is at ${port}`,
      );
    }
    const owner = TAKEN_PORTS[port];
    if (owner)
      yield found("door-port-taken", [...path, "port"], `the door of ${key} is at port ${port}, but ${owner} has that port`);
  }
});

/** The ports of a container that are not free. */
const TAKEN_PORTS: Readonly<Record<number, string>> = { 22: "SSH", [OLLAMA_PORT]: "Ollama itself" };

/** A public certificate authority has to reach the door, by a public name. */
const doorsByAcme = rule(["containers", "network"], function* ({ containers, network }) {
  for (const [key, { https }] of Object.entries(containers)) {
    const { host, certificate } = https ?? {};
    if (!host || certificate?.type !== "acme" || !isPublicAuthority(certificate.server)) continue;
    const why =
      (isPrivateName(host) && `${host} is a name of a private network`) ||
      (areAllPrivate(network.clients) && "network.clients lets only private networks in") ||
      undefined;
    if (!why) continue;
    yield found(
      "acme-unreachable",
      ["containers", key, "https", "certificate"],
      `${new URL(certificate.server).hostname} checks ${host} from the internet, but ${why}`,
    );
  }
});

export const locks = { title: "Locks", kinds, rules: [lockOfHost, hostOfLock, secretOfUsers, doors, doorsByAcme] };
