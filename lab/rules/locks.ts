import { finder } from "../finding";
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

export const locks = { title: "Locks", kinds, rules: [lockOfHost, hostOfLock, secretOfUsers] };
