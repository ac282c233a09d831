import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { GPU_SELECTOR, GPU_TOLERATION } from "../catalog/nvidia";
import { OLLAMA_PORT } from "../catalog/ollama";
import { Namespace } from "../constructs/kubernetes/namespace";
import { KubernetesObjects, ObjectsChart } from "../constructs/kubernetes/objects";
import { ApiNetworkPolicy } from "../constructs/ollama/api-network-policy";
import { ClaimsGuard } from "../constructs/ollama/claims-guard";
import { HTTPS_REDIRECT, HttpsRoute, httpsRedirect } from "../constructs/ollama/https-route";
import { ModelPull } from "../constructs/ollama/model-pull";
import { DEFAULT_ACCESS_MODE, type ModelClaim, OllamaRelease } from "../constructs/ollama/ollama-release";
import { StagedModelsMount } from "../constructs/ollama/staged-models";
import type { Lab, Ollama, Release } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { chartSource, clusterAccess } from "./kubernetes";
import { LabStack } from "./lab-stack";

/** The file with one user and its password that `scripts/ollama-health.sh` reads, where docs/kubernetes.md makes it. */
const CREDENTIALS_FILE = "ollama-credentials";

/** What an image's reference ends with: its tag, or its digest. */
function versionOf(image: string): string {
  return /[@:]((sha256:)?[^:@/]+)$/.exec(image)?.[1] ?? image;
}

/** Stack `ollama`: namespace, model storage, Ollama releases, their models, and the way in over HTTPS. */
export class OllamaStack extends LabStack {
  /** The namespace of the releases. */
  readonly namespace: Namespace;
  /** The releases by the keys of the lab. */
  readonly releases: Readonly<Record<string, OllamaRelease>>;
  private readonly objects: ObjectsChart;
  private readonly redirect?: KubernetesObjects;

  constructor(
    scope: Construct,
    lab: Lab,
    private readonly ollama: Ollama,
    warnings: readonly Problem[],
  ) {
    super(scope, "ollama", lab, warnings);
    clusterAccess(this, lab);
    this.objects = new ObjectsChart(this);
    const specs = Object.entries(ollama.releases);
    // A namespace takes all claims in it along, those included that Terraform does not know any more.
    const protect =
      specs.some(([, spec]) => spec.protect) || ollama.keptClaims.some((claim) => claim.startsWith(`${ollama.namespace}/`));
    this.namespace = new Namespace(this, "namespace", { name: ollama.namespace, partOf: lab.name, protect });
    if (specs.some(([, { host }]) => host)) {
      this.redirect = new KubernetesObjects(this, HTTPS_REDIRECT, {
        name: HTTPS_REDIRECT,
        namespace: ollama.namespace,
        chart: this.objects,
        objects: [httpsRedirect(ollama.namespace, lab.name)],
        dependsOn: [this.namespace.resource],
      });
    }
    if (ollama.networkPolicy) {
      new ApiNetworkPolicy(this, "network-policy", {
        ...ollama.networkPolicy,
        namespace: ollama.namespace,
        partOf: lab.name,
        dependsOn: [this.namespace.resource],
      });
    }
    this.releases = Object.fromEntries(specs.map(([key, spec]) => [key, this.release(key, spec)]));
    new ClaimsGuard(this, "claims", {
      namespace: { name: ollama.namespace, resource: this.namespace.resource, protect },
      releases: Object.fromEntries(
        specs.map(([key, spec]) => [key, { claim: this.releases[key]?.claim, protect: spec.protect }]),
      ),
      kept: ollama.keptClaims,
    });
    this.outputs(specs);
  }

  private release(key: string, spec: Release): OllamaRelease {
    const { lab, ollama } = this;
    const { namespace } = ollama;
    const staged = this.staged(key, spec);
    const release = new OllamaRelease(this, `release-${key}`, {
      name: key,
      namespace,
      partOf: lab.name,
      source: chartSource(this, lab, "ollama", ollama.chart),
      version: ollama.chart.version,
      models: staged ? { staged: staged.models } : { claim: this.claim(spec) },
      replicas: spec.replicas,
      gpus: spec.gpus,
      resources: spec.resources,
      nodeSelector: spec.nodeSelector,
      gpuNodeSelector: GPU_SELECTOR,
      tolerations: spec.tolerations,
      environment: {
        ...(spec.keepAlive && { OLLAMA_KEEP_ALIVE: spec.keepAlive }),
        ...(spec.contextLength && { OLLAMA_CONTEXT_LENGTH: String(spec.contextLength) }),
        ...spec.environment,
      },
      image: spec.image,
      timeoutSeconds: spec.timeoutMinutes * 60,
      moreValues: spec.values,
      dependsOn: [this.namespace.resource, ...(staged ? [staged.scripts.resource] : [])],
    });
    // Without a pod no server can pull, so the Job would fail. It is made again when there is a pod.
    if (!staged && spec.models.length > 0 && spec.replicas > 0) {
      new ModelPull(this, `release-${key}-models`, {
        name: `${key}-models`,
        namespace,
        partOf: lab.name,
        server: release.url,
        image: spec.clientImage,
        release: key,
        claim: { name: key, accessMode: spec.accessMode ?? DEFAULT_ACCESS_MODE },
        models: spec.models,
        removeUnlisted: spec.removeUnlistedModels,
        tolerations: [...spec.tolerations, ...(spec.gpus > 0 ? [{ ...GPU_TOLERATION }] : [])],
        timeoutSeconds: spec.pullTimeoutMinutes * 60,
        objects: this.objects,
        replacedWith: release.claim,
        dependsOn: [release.chart.resource],
      });
    }
    if (spec.host) {
      new HttpsRoute(this, `release-${key}-route`, {
        name: `${key}-route`,
        service: key,
        port: OLLAMA_PORT,
        namespace,
        partOf: lab.name,
        host: spec.host,
        issuer: lab.kubernetes.issuer,
        allowFrom: spec.allowFrom,
        authSecret: spec.auth?.secretName,
        objects: this.objects,
        dependsOn: [...(this.redirect ? [this.redirect.resource] : []), release.chart.resource],
      });
    }
    return release;
  }

  private claim(spec: Release): ModelClaim {
    const { storageClass, storageGi, accessMode, protect } = spec;
    return { storageClass, sizeGi: storageGi, accessMode, protect };
  }

  /** In an air-gapped lab: the release on the share, with the models of this Ollama in it. */
  private staged(key: string, spec: Release): StagedModelsMount | undefined {
    const { modelStaging } = this.lab;
    return (
      modelStaging &&
      new StagedModelsMount(this, `release-${key}-models`, {
        name: `${key}-models`,
        namespace: this.ollama.namespace,
        partOf: this.lab.name,
        share: modelStaging.share,
        releaseId: modelStaging.mounted,
        models: spec.models,
        image: spec.clientImage,
        objects: this.objects,
        dependsOn: [this.namespace.resource],
      })
    );
  }

  private outputs(specs: readonly [string, Release][]): void {
    const { chart, namespace } = this.ollama;
    const output = (name: string, value: unknown, description: string) => new TerraformOutput(this, name, { value, description });
    output(
      "internal_urls",
      Object.fromEntries(Object.entries(this.releases).map(([key, { url }]) => [key, url])),
      "URL of each Ollama inside the cluster.",
    );
    const { modelStaging } = this.lab;
    if (modelStaging) output("model_release", modelStaging.mounted, "The release on the share that is mounted.");
    const hosts = specs.filter(([, { host }]) => host);
    output(
      "external_urls",
      Object.fromEntries(hosts.map(([key, { host }]) => [key, `https://${host}`])),
      "URL of each Ollama from outside.",
    );
    output(
      "versions",
      { chart: chart.version, ollama: Object.fromEntries(specs.map(([key, spec]) => [key, versionOf(spec.clientImage)])) },
      "Versions of the chart and of Ollama.",
    );
    const { resource } = this.namespace;
    output(
      "import_commands",
      [
        `terraform import ${resource.terraformResourceType}.${resource.friendlyUniqueId} ${namespace}`,
        ...specs.flatMap(([key]) =>
          this.releases[key]?.claim ? [`terraform import ${OllamaRelease.claimAddress(key)} ${namespace}/${key}`] : [],
        ),
      ],
      'What takes over a namespace or a claim that was kept, when an apply says "already exists". In this stack\'s folder.',
    );
    output(
      "check_commands",
      Object.fromEntries(
        specs.map(([key, spec]) => [
          key,
          [
            `kubectl -n ${namespace} get deployment,pod,pvc -l app.kubernetes.io/instance=${key}`,
            [
              "scripts/ollama-health.sh",
              spec.host ? `--endpoint https://${spec.host}` : `--internal --namespace ${namespace} --service ${key}`,
              // The password stays with whoever runs the check.
              ...(spec.auth ? [`--credentials ${CREDENTIALS_FILE}`] : []),
              ...spec.models.map((model) => `--model ${model}`),
            ].join(" "),
          ],
        ]),
      ),
      "What shows that each Ollama works.",
    );
  }
}
