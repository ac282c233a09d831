import { DataKubernetesResources } from "@cdktf/provider-kubernetes/lib/data-kubernetes-resources";
import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import type { PersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/persistent-volume-claim-v1";
import { TerraformLocal, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { checkClaimPath } from "../../grammar/kubernetes-name";
import { checkProps, prop } from "../props-error";
import { TerraformData } from "../terraform-data";
import { terraformName } from "../terraform-text";
import { OllamaRelease } from "./ollama-release";

/** The label of a claim or a namespace that a state protects. Its value is an id that only this state has. */
const LABEL = "ollama-lab/protected-by";

/** A namespace with claims in it. */
export interface GuardedNamespace {
  /** Its name in Kubernetes. */
  readonly name: string;
  /** What makes it. */
  readonly resource: NamespaceV1;
  /** Whether a plan that would delete it stops. */
  readonly protect: boolean;
}

/** The claim of a release. */
export interface GuardedClaim {
  /** What makes it. @default none: the models are elsewhere */
  readonly claim?: PersistentVolumeClaimV1;
  /** Whether a plan that would delete it stops. */
  readonly protect: boolean;
}

export interface ClaimsGuardProps {
  /** The namespace of the releases. */
  readonly namespace: GuardedNamespace;
  /** The releases that the stack has, by their names. */
  readonly releases: Readonly<Record<string, GuardedClaim>>;
  /** Claims that stay in the cluster without a release, as NAMESPACE/NAME. Terraform forgets them and their namespaces. @default none */
  readonly kept?: readonly string[];
}

/**
 * Keeps Terraform from deleting protected claims whose releases have left the stack, or whose namespace is another now. Terraform's own protection
 * ends when a resource leaves the configuration. But the claim and the namespace are still in the cluster, and a label says that this state
 * protects them. The plan reads them there, and stops.
 *
 * The label has an id that is made at the first apply and kept in the state. So the first plan reads nothing, and needs no cluster; and a state
 * never finds what another state protects.
 */
export class ClaimsGuard extends Construct {
  /** Its id is the label's value. */
  readonly state: TerraformData;
  /** What this state protects in its namespace. */
  readonly claims: DataKubernetesResources;
  /** The namespaces that this state protects. */
  readonly namespaces: DataKubernetesResources;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ClaimsGuardProps,
  ) {
    super(scope, id);
    const { namespace, releases, kept = [] } = props;
    checkProps(scope, id, [...kept.map((claim) => prop("kept", claim, checkClaimPath))]);
    this.state = new TerraformData(this, "state");
    this.state.overrideLogicalId("claims_guard");
    const mark = (resource: NamespaceV1 | PersistentVolumeClaimV1) =>
      resource.addOverride(`metadata.labels.${LABEL}`, `\${${this.state.fqn}.id}`);
    if (namespace.protect) mark(namespace.resource);
    for (const { claim, protect } of Object.values(releases)) if (claim && protect) mark(claim);

    // The provider lists one namespace at a time. Without a name it lists `default` (kubernetes 2.38.0).
    this.claims = this.list("protected_claims", "PersistentVolumeClaim", namespace.name);
    this.namespaces = this.list("protected_namespaces", "Namespace");
    const here = `${namespace.name}/`;
    const keptHere = kept.flatMap((claim) => (claim.startsWith(here) ? claim.slice(here.length) : []));
    const claims = this.left(this.claims, [...Object.keys(releases), ...keptHere]);
    const namespaces = this.left(this.namespaces, [namespace.name, ...this.keptNamespaces()]);
    namespace.resource.addOverride("lifecycle.precondition", [
      {
        condition: `\${length(${claims}) == 0}`,
        error_message: `\${join("\\n", [for name in ${claims} : "${this.releaseLeft()}"])}`,
      },
      {
        condition: `\${length(${namespaces}) == 0}`,
        error_message: `\${join("\\n", [for name in ${namespaces} : "${this.namespaceChanged()}"])}`,
      },
    ]);
    this.forget();
  }

  /** What this state protects of a kind. */
  private list(name: string, kind: string, namespace?: string): DataKubernetesResources {
    const labelSelector = `${LABEL}=\${${this.state.fqn}.id}`;
    const resources = new DataKubernetesResources(this, name, { apiVersion: "v1", kind, namespace, labelSelector });
    resources.overrideLogicalId(name);
    return resources;
  }

  /** The names in a list that the stack has no place for. */
  private left(resources: DataKubernetesResources, known: readonly string[]): string {
    const name = `${resources.friendlyUniqueId}_left`;
    const expression = `\${[for one in ${resources.fqn}.objects : one.metadata.name if !contains(${JSON.stringify(known)}, one.metadata.name)]}`;
    new TerraformLocal(this, name, expression).overrideLogicalId(name);
    return `local.${name}`;
  }

  /** The namespaces besides the stack's own in which a claim stays. */
  private keptNamespaces(): string[] {
    const { kept = [], namespace } = this.props;
    return [...new Set(kept.map((claim) => claim.slice(0, claim.indexOf("/"))))].filter((name) => name !== namespace.name);
  }

  /** Takes what stays out of the state, without deleting it. An address that is not in the state does no harm. */
  private forget(): void {
    const { releases, kept = [] } = this.props;
    // A release without a claim may have had one before: its models are on a share now. Deleting that claim would hang, because Terraform
    // deletes a claim before the pods that use it are gone.
    const names = [...Object.keys(releases), ...kept.map((claim) => claim.slice(claim.indexOf("/") + 1))];
    const addresses = [
      ...new Set(names.filter((name) => !releases[name]?.claim).map((name) => OllamaRelease.claimAddress(name))),
      ...this.keptNamespaces().map((name) => `${NamespaceV1.tfResourceType}.${terraformName(name)}`),
    ];
    if (addresses.length === 0) return;
    const removed = addresses.map((from) => ({ from, lifecycle: { destroy: false } }));
    TerraformStack.of(this).addOverride("removed", removed);
  }

  /** What the plan says of a claim whose release has left. It is a template of Terraform's, as is the other one. */
  private releaseLeft(): string {
    const here = this.props.namespace.name;
    return (
      `The claim ${here}/\${name} is protected, but the lab has no release \${name} any more. Terraform would delete the claim, and the models. To ` +
      `keep it in the cluster, write in the lab, and deploy: ollama: { keptClaims: [${here}/\${name}] }. To let it be deleted, run: ` +
      `kubectl -n ${here} label persistentvolumeclaim \${name} ${LABEL}-`
    );
  }

  /** What the plan says of a former namespace. */
  private namespaceChanged(): string {
    const { namespace, releases } = this.props;
    // Without claims of their own now, the releases may have left some there. With claims the same names would mean two claims each.
    const without = Object.keys(releases).filter((name) => !releases[name]?.claim);
    const kept = without.map((name) => `\${name}/${name}`).join(", ");
    return (
      "The namespace ${name} of this lab is protected, but the lab says " +
      `${namespace.name} now. Terraform would delete \${name}, and all claims and models in it. Write in the lab: ollama: { namespace: \${name} }. ` +
      (without.length > 0
        ? `Or go to ${namespace.name}, and keep \${name} with its claims in the cluster: ollama: { keptClaims: [${kept}] }. `
        : "") +
      `To let it be deleted, run: kubectl label namespace \${name} ${LABEL}-`
    );
  }
}
