import type { TerraformStack } from "cdktf";
import { ObjectsChart } from "../../../constructs/kubernetes/objects";
import { HttpsRoute, type HttpsRouteProps } from "../../../constructs/ollama/https-route";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<HttpsRouteProps, "objects">;

const props: Props = {
  name: "ollama-route",
  service: "ollama",
  namespace: "ml",
  host: "ollama.lab.example",
  issuer: "letsencrypt-prod",
};
const make = (stack: TerraformStack, changed: Props) =>
  new HttpsRoute(stack, "route", { ...changed, objects: new ObjectsChart(stack) });

testRejectedProps<Props>(props, make, [
  ["a Service that begins with a digit", { service: "1st" }, "service: invalid-kubernetes-name"],
  ["port 0", { port: 0 }, "port: out-of-range"],
  ["a port above 65535", { port: 65_536 }, "port: out-of-range"],
  ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
  ["a host with its scheme", { host: "https://ollama.lab.example" }, "host: invalid-host"],
  ["an issuer with a space", { issuer: "lets encrypt" }, "issuer: invalid-kubernetes-name"],
  ["a Secret whose name begins with a dot", { authSecret: ".users" }, "authSecret: invalid-kubernetes-name"],
  ["the Secret of the certificate", { authSecret: "ollama-tls" }, "authSecret: secret-taken"],
  ["a network with host bits", { allowFrom: ["192.0.2.7/24"] }, "allowFrom: network-host-bits"],
]);
