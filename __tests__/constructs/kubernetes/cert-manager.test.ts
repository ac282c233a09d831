import { TerraformStack as Stack, type TerraformStack, Testing } from "cdktf";
import { CertManager, type CertManagerProps } from "../../../constructs/kubernetes/cert-manager";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { objectOf } from "../../../testing/kubernetes";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<CertManagerProps, "objects">;

const props: Props = { issuer: "letsencrypt-prod", email: "operator@lab.example" };
const make = (stack: TerraformStack, changed: Props) =>
  new CertManager(stack, "cm", { ...changed, objects: new ObjectsChart(stack) });

function issuer(changes: Partial<Props> = {}): unknown {
  const stack = new Stack(Testing.app({ stackTraces: false }), "stack");
  make(stack, { ...props, ...changes });
  return objectOf(JSON.parse(Testing.synth(stack)) as StackJson, "letsencrypt-prod", "ClusterIssuer").spec;
}

test("without a word it asks Let's Encrypt, by HTTP-01 and the Traefik that K3s brings", () => {
  expect(issuer()).toMatchObject({
    acme: {
      server: "https://acme-v02.api.letsencrypt.org/directory",
      solvers: [{ http01: { ingress: { ingressClassName: "traefik" } } }],
    },
  });
});
test("a strategy for CNAME records may stand beside the provider of a DNS-01 solver", () => {
  const dns01 = { cnameStrategy: "Follow", cloudflare: { apiTokenSecretRef: { name: "token", key: "token" } } };
  expect(issuer({ solver: { dns01 } })).toMatchObject({ acme: { solvers: [{ dns01 }] } });
});

test("a DNS-01 solver with two providers is told that it has one", () => {
  expect(() => issuer({ solver: { dns01: { cloudflare: {}, route53: {} } } })).toThrow(
    "a DNS-01 solver has exactly one provider, such as cloudflare",
  );
});

describe("rejected props", () => {
  testRejectedProps<Props>(props, make, [
    ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
    ["an issuer in capitals", { issuer: "letsencrypt-" }, "issuer: invalid-kubernetes-name"],
    ["an address without a domain", { email: "operator" }, "email: invalid-email"],
    ["a server that is no URL", { server: "acme.lab.example" }, "server: invalid-url"],
    ["an ingress class with a space", { solver: { ingressClass: "my traefik" } }, "solver.ingressClass: invalid-kubernetes-name"],
    ["a DNS-01 solver without a provider", { solver: { dns01: {} } }, "solver.dns01: one-dns-solver"],
    ["a DNS-01 solver with two", { solver: { dns01: { cloudflare: {}, route53: {} } } }, "solver.dns01: one-dns-solver"],
  ]);
});
