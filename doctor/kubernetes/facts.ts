import { z } from "zod";
import { CERT_MANAGER_GROUP } from "../../catalog/cert-manager";
import { DEVICE_PLUGIN_NAMESPACE } from "../../catalog/nvidia";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { TRAEFIK_API_GROUP } from "../../catalog/traefik";
import type { Lab } from "../../lab/lab";
import { type Known, known } from "../finding";
import { modelNames, tags } from "../ollama";
import type { Kubectl } from "./kubectl";

const metadata = z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) });
const named = z.object({ metadata });
const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
});
const conditions = z.array(condition).default([]);
const version = z.object({ serverVersion: z.object({ gitVersion: z.string() }) });
const node = z.object({
  metadata,
  status: z.object({ conditions, allocatable: z.record(z.string(), z.string()).default({}) }).prefault({}),
});
const issuer = z.object({ metadata, status: z.object({ conditions }).prefault({}) });
const claim = z.object({ metadata, status: z.object({ phase: z.string().default("") }).prefault({}) });
const workload = z.object({
  metadata,
  spec: z.object({ replicas: z.number().default(1) }).prefault({}),
  status: z.object({ readyReplicas: z.number().default(0) }).prefault({}),
});

/** A node of the Kubernetes cluster. */
export type KubernetesNode = z.infer<typeof node>;

/** The definitions that a host needs, by what brings them. */
export const DEFINITIONS = {
  traefik: [`ingressroutes.${TRAEFIK_API_GROUP}`, `middlewares.${TRAEFIK_API_GROUP}`],
  certManager: [`certificates.${CERT_MANAGER_GROUP}`, `clusterissuers.${CERT_MANAGER_GROUP}`],
} as const;

/** What the cluster said, or why it said nothing, to every question that a lab raises. */
export interface KubernetesFacts {
  /** As the API server names it, such as `v1.36.3+k3s1`. */
  readonly version: Known<string>;
  readonly nodes: Known<readonly KubernetesNode[]>;
  readonly storageClasses: Known<readonly string[]>;
  /** Those of `DEFINITIONS` that are there. */
  readonly definitions: Known<readonly string[]>;
  /** The lab's ClusterIssuer; none where it, or its definition, is not there. */
  readonly issuer: Known<z.infer<typeof issuer> | undefined>;
  readonly runtimeClasses: Known<readonly string[]>;
  /** Whether the lab's namespace is there. */
  readonly namespace: Known<boolean>;
  /** The claims in the lab's namespace. */
  readonly claims: Known<readonly z.infer<typeof claim>[]>;
  /** The deployments in the lab's namespace. */
  readonly deployments: Known<readonly z.infer<typeof workload>[]>;
  /** Whether a device plugin runs in the namespace that this project gives it. */
  readonly devicePlugin: Known<boolean>;
  /** By release that is deployed with pods: the models that its Ollama lists. */
  readonly models: ReadonlyMap<string, Known<readonly string[]>>;
}

/** Asks everything at once. Throws nothing: a fact that cannot be had says why. */
export async function askKubernetes(kubectl: Kubectl, lab: Lab): Promise<KubernetesFacts> {
  const names = async (...args: string[]): Promise<Known<string[]>> => {
    const found = await kubectl.list(named, ...args);
    return found.known ? known(found.value.map((object) => object.metadata.name)) : found;
  };
  const namespace = lab.ollama?.namespace;
  const inNamespace = namespace === undefined ? undefined : ["--namespace", namespace];
  const definitions = names("customresourcedefinitions", ...DEFINITIONS.traefik, ...DEFINITIONS.certManager);
  const [release, nodes, storageClasses, there, runtimeClasses, namespaces, claims, deployments, plugins, found] =
    await Promise.all([
      kubectl.ask(version, "version"),
      kubectl.list(node, "nodes"),
      names("storageclasses"),
      definitions,
      names("runtimeclasses"),
      namespace === undefined ? known([]) : names("namespaces", namespace),
      inNamespace ? kubectl.list(claim, "persistentvolumeclaims", ...inNamespace) : known([]),
      inNamespace ? kubectl.list(workload, "deployments", ...inNamespace) : known([]),
      names("daemonsets", "--namespace", DEVICE_PLUGIN_NAMESPACE),
      // Without its definition kubectl does not know the kind, and fails.
      definitions.then((defined) =>
        defined.known && !defined.value.includes(DEFINITIONS.certManager[1])
          ? known([])
          : kubectl.list(issuer, DEFINITIONS.certManager[1], lab.kubernetes.issuer),
      ),
    ]);
  const deployed = deployments.known ? deployments.value.filter(({ status }) => status.readyReplicas > 0) : [];
  const models = await Promise.all(
    Object.keys(lab.ollama?.releases ?? {})
      .filter((key) => deployed.some(({ metadata: { name } }) => name === key))
      .map(async (key) => {
        // Through the API server, so that neither a host nor a port-forward is needed. It takes names of services with their port.
        const path = `/api/v1/namespaces/${namespace}/services/${key}:${OLLAMA_PORT}/proxy/api/tags`;
        const listed = await kubectl.ask(tags, "get", "--raw", path);
        return [key, listed.known ? known(modelNames(listed.value)) : listed] as const;
      }),
  );
  return {
    version: release.known ? known(release.value.serverVersion.gitVersion) : release,
    nodes,
    storageClasses,
    definitions: there,
    issuer: found.known ? known(found.value[0]) : found,
    runtimeClasses,
    namespace: namespaces.known ? known(namespaces.value.length > 0) : namespaces,
    claims,
    deployments,
    devicePlugin: plugins.known ? known(plugins.value.length > 0) : plugins,
    models: new Map(models),
  };
}
