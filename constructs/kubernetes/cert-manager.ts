import { Construct } from "constructs";
import { CERT_MANAGER_API, CERT_MANAGER_CHART, CERT_MANAGER_NAMESPACE } from "../../catalog/cert-manager";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkProps, prop } from "../props-error";
import { type ChartSource, HelmChart } from "./helm-chart";
import { Namespace } from "./namespace";
import { KubernetesObjects, type ObjectsChart } from "./objects";

export interface CertManagerProps {
  readonly partOf: string;
  readonly source: ChartSource;
  readonly version: string;
  /** Name of the ClusterIssuer. */
  readonly issuer: string;
  /** Where the certificate authority writes to. */
  readonly email: string;
  /** The ACME server. */
  readonly server: string;
  /** How the authority is shown that a host is ours: a DNS-01 solver as cert-manager takes it, or HTTP-01 by an ingress class. */
  readonly solver: { readonly dns01: Readonly<Record<string, unknown>> } | { readonly ingressClass: string };
  readonly objects: ObjectsChart;
  readonly moreValues?: Readonly<Record<string, unknown>>;
}

/** cert-manager and a ClusterIssuer for an ACME server. */
export class CertManager extends Construct {
  readonly namespace: Namespace;
  readonly chart: HelmChart;
  readonly issuer: KubernetesObjects;

  constructor(scope: Construct, id: string, props: CertManagerProps) {
    super(scope, id);
    checkProps(scope, id, [prop("issuer", props.issuer, checkKubernetesName)]);
    const { solver } = props;
    this.namespace = new Namespace(this, "namespace", { name: CERT_MANAGER_NAMESPACE, partOf: props.partOf });
    this.chart = new HelmChart(this, "chart", {
      name: "cert-manager",
      namespace: CERT_MANAGER_NAMESPACE,
      chart: CERT_MANAGER_CHART.name,
      source: props.source,
      version: props.version,
      // Kept when the release goes: with the definitions would go every certificate of the cluster.
      values: { crds: { enabled: true, keep: true } },
      moreValues: props.moreValues,
      dependsOn: [this.namespace.resource],
    });
    // The chart's start-up check ends when the webhook answers, so the issuer may follow at once.
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
              server: props.server,
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
