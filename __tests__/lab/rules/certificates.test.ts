import { gpuLab } from "../../../testing/lab";
import { accepted, certManager, locked, RELEASE, refused, release, warned } from "./rejected";

refused(gpuLab, [
  {
    fact: "a secret of a DNS-01 solver in the lab",
    lab: certManager({ dns01: { cloudflare: { apiToken: "hunter2", apiTokenSecretRef: undefined } } }),
    code: "credential-in-solver",
    path: "kubernetes.certManager.dns01.cloudflare.apiToken",
    names: ["apiToken"],
  },
  {
    fact: "a solver that cert-manager does not have",
    lab: certManager({ dns01: { cloudflare: undefined, cloudfare: {} } }),
    code: "unknown-solver",
    path: "kubernetes.certManager.dns01.cloudfare",
    names: ["cloudfare"],
    remedy: "Did you mean cloudflare?",
  },
  {
    fact: "two DNS-01 solvers",
    lab: certManager({ dns01: { route53: { region: "eu-central-1" } } }),
    code: "one-solver",
    path: "kubernetes.certManager.dns01",
    names: ["cloudflare and route53"],
  },
  ...(
    [
      ["cert-manager", { certManager: { email: "a@lab.example" } }, "kubernetes.certManager"],
      [
        "csi-driver-nfs",
        { certManager: { email: "a@lab.example" }, nfs: { server: "192.0.2.5", path: "/k8s" } },
        "kubernetes.nfs",
      ],
      ["nvidia-device-plugin", { certManager: { email: "a@lab.example" }, devicePlugin: {} }, "the device plugin"],
      ["gpu-smoke-test", { certManager: { email: "a@lab.example" }, devicePlugin: { smokeTest: true } }, "the smoke test"],
    ] as const
  ).map(([issuer, parts, owner]) => ({
    fact: `an issuer with the name ${issuer}, which a release of the same stack has,`,
    lab: { kubernetes: { issuer, ...parts } },
    code: "issuer-name-taken" as const,
    path: "kubernetes.issuer",
    names: [issuer, owner],
  })),
]);

warned(gpuLab, [
  {
    fact: "HTTP-01 at Let's Encrypt for a host with a private name",
    lab: { ...certManager({ dns01: undefined }), ...release(locked("ollama.home.arpa")) },
    code: "no-public-name",
    stacks: ["platform", "ollama"],
    path: `${RELEASE}.host`,
    names: ["ollama.home.arpa", "acme-v02.api.letsencrypt.org", "public names only"],
  },
  ...["ollama.lan", "ollama.local", "ollama.internal", "ollama.home.arpa"].map((host) => ({
    fact: `DNS-01 at Let's Encrypt for ${host}`,
    lab: release(locked(host)),
    code: "no-public-name" as const,
    stacks: ["platform", "ollama"] as const,
    path: `${RELEASE}.host`,
    names: [host, "acme-v02.api.letsencrypt.org"],
    remedy:
      "Choose a host below a domain that you own, or set kubernetes.certManager.server to an ACME server of your own, such as step-ca.",
  })),
  {
    fact: "HTTP-01 for a host that only private networks reach",
    lab: {
      ...certManager({ dns01: undefined }),
      ...release(locked("ollama.home.example")),
      network: { clients: ["10.0.0.0/8", "100.64.0.0/10"] },
    },
    code: "http01-private-host",
    stacks: ["platform", "ollama"],
    path: `${RELEASE}.host`,
    names: ["ollama.home.example", "network.clients"],
  },
  {
    fact: "a host in a cluster without Traefik",
    lab: { cluster: { disable: ["traefik"] }, ...release(locked("ollama.home.example")) },
    code: "no-traefik",
    stacks: ["cluster", "ollama"],
    path: "cluster.disable",
    names: ["ollama.home.example", "without it"],
  },
  {
    fact: "an issuer that nothing creates in a new cluster",
    lab: { kubernetes: { certManager: undefined }, ...release(locked("ollama.home.example")) },
    code: "issuer-missing",
    stacks: ["ollama"],
    path: "kubernetes.certManager",
    names: ["ollama.home.example", "letsencrypt-prod"],
  },
]);

accepted(gpuLab, [
  [
    "a private name at an ACME server of one's own",
    { ...certManager({ dns01: undefined, server: "https://ca.lab.example/acme/directory" }), ...release(locked("ollama.lan")) },
  ],
  [
    "HTTP-01 for a host that the internet reaches",
    { ...certManager({ dns01: undefined }), ...release(locked("ollama.home.example")) },
  ],
]);

accepted(gpuLab, [
  [
    "HTTP-01 for a host that a public network reaches whose address has a private one's numbers further on",
    {
      ...certManager({ dns01: undefined }),
      ...release(locked("ollama.home.example")),
      network: { clients: ["8.8.10.0/24", "20.192.168.0/24"] },
    },
  ],
]);

refused(gpuLab, [
  {
    fact: "a DNS-01 solver that is like none of cert-manager's",
    lab: certManager({ dns01: { cloudflare: undefined, zzzzzzzzzz: {} } }),
    code: "unknown-solver",
    path: "kubernetes.certManager.dns01.zzzzzzzzzz",
    names: ["zzzzzzzzzz"],
    remedy: "It has acmeDNS, akamai, azureDNS, cloudDNS, cloudflare, digitalocean, rfc2136, route53, webhook.",
  },
]);
