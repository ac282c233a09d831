import { Construct } from "constructs";
import { ACME_SERVER, CERT_MANAGER_API, CERT_MANAGER_CHART, CERT_MANAGER_NAMESPACE } from "../../catalog/cert-manager";
import { K3S_INGRESS_CLASS } from "../../catalog/k3s";
import { checkEmail } from "../../grammar/email";
import type { Fault } from "../../grammar/fault";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkHttpUrl } from "../../grammar/url";
import { checkProps, prop, required } from "../props-error";
import { type ChartChoice, HelmChart } from "./helm-chart";
import { Namespace } from "./namespace";
import { KubernetesObjects, type ObjectsChart } from "./objects";

/** The ClusterIssuer, and how its certificate authority is asked. */
export interface CertManagerProps extends ChartChoice {
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** Name of the ClusterIssuer. Changing it replaces the ClusterIssuer, and certificates that name the old one are not renewed. */
  readonly issuer: string;
  /** E-mail address that the certificate authority writes to. */
  readonly email: string;
  /** URL of the ACME server. @default Let's Encrypt, for real certificates */
  readonly server?: string;
  /** How the certificate authority sees that a host is ours. @default HTTP-01 by the Traefik that K3s brings */
  readonly solver?:
    | {
        /** A DNS-01 solver, as cert-manager takes it. It reads its secrets from Secrets. */
        readonly dns01: Readonly<Record<string, unknown>>;
      }
    | {
        /** Ingress class that answers HTTP-01 challenges. */
        readonly ingressClass: string;
      };
  /** The stack's local chart, for the ClusterIssuer. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
}

/** The providers that a DNS-01 solver names. `cnameStrategy` stands beside them in cert-manager's API. */
function providersOf(dns01: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(dns01).filter((key) => key !== "cnameStrategy");
}

const ONE_SOLVER: Fault = {
  code: "one-dns-solver",
  message: "a DNS-01 solver has exactly one provider, such as cloudflare",
  remedy: "Name one.",
};

/** cert-manager and a ClusterIssuer for an ACME server. */
export class CertManager extends Construct {
  /** The namespace of cert-manager. */
  readonly namespace: Namespace;
  /** cert-manager itself. */
  readonly chart: HelmChart;
  /** The ClusterIssuer. */
  readonly issuer: KubernetesObjects;

  constructor(scope: Construct, id: string, props: CertManagerProps) {
    super(scope, id);
    const { solver = { ingressClass: K3S_INGRESS_CLASS }, server = ACME_SERVER } = props;
    checkProps(scope, id, [
      prop("issuer", props.issuer, checkKubernetesName),
      prop("email", props.email, checkEmail),
      prop("server", server, checkHttpUrl),
      ...("ingressClass" in solver
        ? [prop("solver.ingressClass", solver.ingressClass, checkKubernetesName)]
        : [required("solver.dns01", providersOf(solver.dns01).length === 1, ONE_SOLVER)]),
    ]);
    this.namespace = new Namespace(this, "namespace", { name: CERT_MANAGER_NAMESPACE, partOf: props.partOf });
    this.chart = new HelmChart(this, "chart", {
      name: "cert-manager",
      namespace: CERT_MANAGER_NAMESPACE,
      chart: CERT_MANAGER_CHART.name,
      source: props.source,
      version: props.version,
      // The definitions stay when the release goes. Without them every certificate of the cluster would go, too.
      values: { crds: { enabled: true, keep: true } },
      moreValues: props.moreValues,
      dependsOn: [this.namespace.resource],
    });
    // The chart's start-up check ends when the webhook answers, so the issuer can follow at once.
    this.issuer = new KubernetesObjects(this, "issuer", {
      name: props.issuer,
      namespace: CERT_MANAGER_NAMESPACE,
      chart: props.objects,
      objects: [
        {
          apiVersion: CERT_MANAGER_API,
          kind: "ClusterIssuer",
          metadata: { name: props.issuer },
          spec: {
            acme: {
              email: props.email,
              server,
              privateKeySecretRef: { name: `${props.issuer}-account-key` },
              solvers: [
                "dns01" in solver ? { dns01: solver.dns01 } : { http01: { ingress: { ingressClassName: solver.ingressClass } } },
              ],
            },
          },
        },
      ],
      dependsOn: [this.chart.resource],
    });
  }
}
