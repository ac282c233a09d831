import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { CERT_MANAGER_API } from "../../catalog/cert-manager";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { TRAEFIK_API } from "../../catalog/traefik";
import { checkCidr } from "../../grammar/address";
import { checkDomainName } from "../../grammar/domain-name";
import { checkKubernetesName, checkObjectName, checkServiceName } from "../../grammar/kubernetes-name";
import { checkLabelValue } from "../../grammar/kubernetes-node";
import { checkWhole, PORT_BOUNDS } from "../../grammar/size";
import { recommendedLabels } from "../kubernetes/namespace";
import { type KubernetesObject, KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop, required } from "../props-error";

/** Name of the middleware that sends http to https. All routes of a namespace share it. */
export const HTTPS_REDIRECT = "https-redirect";

/** The Secret that cert-manager keeps a Service's certificate in. */
const tlsSecretOf = (service: string) => `${service}-tls`;

/** In the form in which the API stores durations. */
const CERTIFICATE_DURATION = "2160h0m0s";
const CERTIFICATE_RENEW_BEFORE = "720h0m0s";

/** The middleware that sends http to https, for Traefik. It must be in the namespace of the routes that use it. */
export function httpsRedirect(namespace: string, partOf?: string): KubernetesObject {
  return {
    apiVersion: TRAEFIK_API,
    kind: "Middleware",
    metadata: { name: HTTPS_REDIRECT, namespace, labels: recommendedLabels(HTTPS_REDIRECT, partOf) },
    spec: { redirectScheme: { scheme: "https", permanent: true } },
  };
}

/** One host, and the Service behind it. */
export interface HttpsRouteProps {
  /** Name of the Helm release, and of the resource in Terraform: at most 53 characters. Changing it replaces the release. */
  readonly name: string;
  /** Name of the Service. The names of the route's objects begin with it. */
  readonly service: string;
  /** Port of the Service, 1 to 65535. @default 11434: Ollama's */
  readonly port?: number;
  /** Namespace of the Service. Changing it replaces the release. */
  readonly namespace: string;
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** DNS name under which it is reached. */
  readonly host: string;
  /** ClusterIssuer of the certificate. */
  readonly issuer: string;
  /** Networks that may use the host. Ollama has no authentication. @default all */
  readonly allowFrom?: readonly string[];
  /**
   * Secret in the same namespace with the users who may use the host: one key with lines of an htpasswd file, or of the type
   * `kubernetes.io/basic-auth`. Traefik answers 404 while it is missing. With `allowFrom` both count. @default nobody is asked for a password
   */
  readonly authSecret?: string;
  /** The stack's local chart. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
  /** What must be there before. @default nothing */
  readonly dependsOn?: ITerraformDependable[];
}

/** HTTPS to a Service by Traefik: a certificate, a route for https, and one that sends http there. */
export class HttpsRoute extends Construct {
  /** The release that holds the objects. */
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: HttpsRouteProps) {
    super(scope, id);
    const { service, namespace, host, port = OLLAMA_PORT, allowFrom = [] } = props;
    checkProps(scope, id, [
      prop("service", service, checkServiceName),
      prop("port", port, checkWhole(PORT_BOUNDS)),
      prop("partOf", props.partOf, checkLabelValue),
      prop("host", host, checkDomainName),
      prop("issuer", props.issuer, checkKubernetesName),
      ...allowFrom.map((network) => prop("allowFrom", network, checkCidr)),
      prop("authSecret", props.authSecret, checkObjectName),
      required("authSecret", props.authSecret !== tlsSecretOf(service), {
        code: "secret-taken",
        message: `the users of ${host} come from the Secret ${props.authSecret}, but cert-manager keeps the host's certificate in it`,
        remedy: "Give the users a Secret of their own.",
      }),
    ]);
    const labels = { ...recommendedLabels("ollama", props.partOf), "app.kubernetes.io/instance": service };
    const secretName = tlsSecretOf(service);
    const middleware = (name: string, spec: object): KubernetesObject => ({
      apiVersion: TRAEFIK_API,
      kind: "Middleware",
      metadata: { name, namespace, labels },
      spec,
    });
    // In this order: an address that is not allowed is never asked for a password.
    const guards = [
      ...(allowFrom.length > 0 ? [middleware(`${service}-allow`, { ipAllowList: { sourceRange: [...allowFrom].sort() } })] : []),
      ...(props.authSecret
        ? [middleware(`${service}-auth`, { basicAuth: { secret: props.authSecret, removeHeader: true } })]
        : []),
    ];
    const route = (name: string, entryPoint: string, middlewares: readonly string[], tls?: object): KubernetesObject => ({
      apiVersion: TRAEFIK_API,
      kind: "IngressRoute",
      metadata: { name, namespace, labels },
      spec: {
        entryPoints: [entryPoint],
        routes: [
          {
            // Traefik 2 requires it, Traefik 3 does not.
            kind: "Rule",
            match: `Host(\`${host}\`)`,
            ...(middlewares.length > 0 && { middlewares: middlewares.map((name) => ({ name })) }),
            services: [{ name: service, port }],
          },
        ],
        ...(tls && { tls }),
      },
    });
    this.release = new KubernetesObjects(this, "release", {
      name: props.name,
      namespace,
      chart: props.objects,
      objects: [
        // An IngressRoute makes cert-manager do nothing by itself.
        {
          apiVersion: CERT_MANAGER_API,
          kind: "Certificate",
          metadata: { name: secretName, namespace, labels },
          spec: {
            secretName,
            dnsNames: [host],
            issuerRef: { kind: "ClusterIssuer", name: props.issuer },
            duration: CERTIFICATE_DURATION,
            renewBefore: CERTIFICATE_RENEW_BEFORE,
          },
        },
        ...guards,
        route(
          `${service}-ingress`,
          "websecure",
          guards.map(({ metadata }) => metadata.name),
          { secretName },
        ),
        route(`${service}-ingress-redirect`, "web", [HTTPS_REDIRECT]),
      ],
      dependsOn: props.dependsOn,
    });
  }
}
