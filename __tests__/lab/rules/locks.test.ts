import { baseLab, gpuLab, labWith, problemsOf } from "../../../testing/lab";
import { accepted, container, locked, RELEASE, refused, release, twoReleases, warned } from "./rejected";

const auth = { secretName: "ollama-users" };

refused(gpuLab, [
  {
    fact: "a password for a release without a host",
    lab: release({ auth }),
    code: "auth-without-host",
    path: `${RELEASE}.auth`,
    names: ["ollama", "ollama-users", "no host"],
  },
  {
    fact: "the Secret of the host's own certificate for its users",
    lab: release({ host: "ollama.home.example", auth: { secretName: "ollama-tls" } }),
    code: "secret-taken",
    path: `${RELEASE}.auth.secretName`,
    names: ["ollama-tls", "ollama.home.example"],
  },
  {
    fact: "the Secret of another host's certificate for the users",
    lab: {
      ollama: {
        releases: {
          ollama: { host: "ollama.home.example", auth: { secretName: "second-tls" } },
          second: { ...locked("second.home.example"), models: ["mistral"] },
        },
      },
    },
    code: "secret-taken",
    path: `${RELEASE}.auth.secretName`,
    names: ["second-tls", "second.home.example"],
  },
  {
    fact: "a name that is none for a Secret",
    lab: release({ host: "ollama.home.example", auth: { secretName: "Ollama Users" } }),
    code: "invalid-kubernetes-name",
    path: `${RELEASE}.auth.secretName`,
    names: ["Ollama Users"],
  },
]);

warned(gpuLab, [
  {
    fact: "a host without a password and without a list of networks",
    lab: release({ host: "ollama.home.example" }),
    code: "no-lock",
    stacks: ["ollama"],
    path: `${RELEASE}.host`,
    names: ["ollama.home.example", "neither auth nor allowFrom"],
  },
]);

accepted(gpuLab, [
  ["a host with a password", release(locked("ollama.home.example"))],
  ["a host with a list of networks", release({ host: "ollama.home.example", allowFrom: ["192.0.2.0/24"] })],
  ["a host with both", release({ ...locked("ollama.home.example"), allowFrom: ["192.0.2.0/24"] })],
  ["a second release with no host", twoReleases({ models: ["mistral"] })],
]);

const https = (changes: object = {}) => container({ https: { tokenFile: "./ollama-token", ...changes } });
const acme = { type: "acme", email: "operator@lab.example" };
const DOOR = "containers.ollama-1.https";

refused(baseLab, [
  {
    fact: "a door of a container with DHCP and without a name",
    lab: container({ address: "dhcp", https: { tokenFile: "./ollama-token" } }),
    code: "door-without-name",
    path: DOOR,
    names: ["ollama-1", "https.host", "static address"],
  },
  {
    fact: "a certificate by ACME without a name",
    lab: https({ certificate: acme }),
    code: "acme-without-host",
    path: DOOR,
    names: ["ollama-1", "ACME", "https.host"],
  },
  {
    fact: "a certificate by ACME at another port",
    lab: https({ host: "ollama.lab.example", port: 8443, certificate: { ...acme, server: "https://ca.lab.example/acme" } }),
    code: "acme-port",
    path: `${DOOR}.port`,
    names: ["ollama.lab.example", "443", "8443"],
  },
  ...[
    [22, "SSH"],
    [11434, "Ollama itself"],
  ].map(([port, owner]) => ({
    fact: `a door at port ${port}`,
    lab: https({ port }),
    code: "door-port-taken" as const,
    path: `${DOOR}.port`,
    names: [String(port), String(owner)],
  })),
  {
    fact: "a token in the place of its file",
    lab: https({ tokenFile: "$TOKEN" }),
    code: "invalid-file-path",
    path: `${DOOR}.tokenFile`,
    names: ["$TOKEN"],
  },
]);

warned(baseLab, [
  {
    fact: "a certificate of a public authority for a private name",
    lab: https({ host: "ollama.lan", certificate: acme }),
    code: "acme-unreachable",
    stacks: ["containers"],
    path: `${DOOR}.certificate`,
    names: ["ollama.lan", "acme-v02.api.letsencrypt.org"],
  },
  {
    fact: "a certificate of a public authority that the firewall keeps out",
    lab: { network: { clients: ["10.0.0.0/8"] }, ...https({ host: "ollama.lab.example", certificate: acme }) },
    code: "acme-unreachable",
    stacks: ["containers"],
    path: `${DOOR}.certificate`,
    names: ["ollama.lab.example", "network.clients"],
  },
]);

const everybody = { network: { clients: ["0.0.0.0/0"] } };

accepted(baseLab, [
  ["a door with a certificate of its own authority", https()],
  ["a door with DHCP and a name", container({ address: "dhcp", https: { tokenFile: "t", host: "ollama.lab.example" } })],
  ["a door with the operator's certificate", https({ certificate: { type: "files", certificate: "./c.pem", key: "./k.pem" } })],
  [
    "a certificate by ACME of one's own server",
    https({ host: "ollama.lan", certificate: { ...acme, server: "https://ca.lan/acme" } }),
  ],
  ["every client of a container with a door", { ...everybody, ...https() }],
]);

test("every client of two containers, of which one has a door, is a warning", () => {
  const second = { containers: { "ollama-2": { vmId: 202, address: "192.0.2.22" } } };
  const problems = problemsOf(labWith(second, labWith({ ...everybody, ...https() })));
  expect(problems.map(({ code }) => code)).toEqual(["open-to-all"]);
});

test("every client of a cluster whose hosts have locks is no warning, but without one it is", () => {
  const codes = (changes: object) => problemsOf(labWith({ ...everybody, ...changes }, gpuLab)).map(({ code }) => code);
  expect(codes(release(locked("ollama.home.example")))).toEqual([]);
  expect(codes({})).toEqual(["open-to-all"]);
});
