import { formatPath } from "../../lab/problem";
import type { LabInput } from "../../lab/schema";
import { type Changes, gpuLab, labWith, ollamaLab, problemsOf } from "../../testing/lab";

/** A lab that one rule rejects, and what the rule says of it. */
interface Rejected {
  readonly fact: string;
  /** Changes of the lab on a cluster that is there already, unless `base` says otherwise. */
  readonly lab: Changes;
  readonly base?: LabInput;
  readonly code: string;
  readonly path: string;
  /** Both sides, as the message must name them. */
  readonly names: readonly string[];
  readonly remedy?: string;
  /** Another rule has something to say as well: K3s this old is no longer maintained. */
  readonly beside?: "k3s-ended";
}

const release = (changes: Changes) => ({ ollama: { releases: { ollama: changes } } });
const values = (changes: Changes) => release({ values: changes });
const twoReleases = (changes: Changes) => ({ ollama: { releases: { second: changes } } });
const certManager = (changes: Changes) => ({ kubernetes: { certManager: changes } });
const RELEASE = "ollama.releases.ollama";
const VALUES = `${RELEASE}.values`;

/** A value that follows from the lab, and what it follows from. */
const taken = (fact: string, changes: Changes, key: string, reason: string, more: Changes = {}): Rejected => ({
  fact: `${fact} through values`,
  lab: release({ ...more, values: changes }),
  code: "chart-value-taken",
  path: `${VALUES}.${key}`,
  names: [key, reason],
});

const errors: Rejected[] = [
  {
    fact: "replicas that share a ReadWriteOnce claim",
    lab: release({ replicas: 2, accessMode: "ReadWriteOnce" }),
    code: "replicas-read-write-once",
    path: `${RELEASE}.accessMode`,
    names: ["2 replicas", "ReadWriteOnce"],
  },
  {
    fact: "replicas whose claim has no written mode, which must not follow from their number,",
    lab: release({ replicas: 2 }),
    code: "access-mode-missing",
    path: `${RELEASE}.replicas`,
    names: ["2 replicas", "ReadWriteOnce"],
    remedy: "Write accessMode: ReadWriteMany, and keep it when there are fewer pods.",
  },
  {
    fact: "replicas with a GPU",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", gpus: 1 }),
    code: "replicas-with-gpu",
    path: `${RELEASE}.replicas`,
    names: ["2 replicas", "GPU"],
  },
  {
    fact: "replicas of an Ollama whose start-up prunes a shared folder, by its chart,",
    lab: { ollama: { chart: { version: "1.36.0" }, releases: { ollama: { replicas: 2, accessMode: "ReadWriteMany" } } } },
    code: "replicas-prune",
    path: `${RELEASE}.replicas`,
    names: ["0.13.3", "0.21.0"],
  },
  {
    fact: "replicas of an Ollama whose start-up prunes a shared folder, by its image,",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", image: "ollama/ollama:0.20.9" }),
    code: "replicas-prune",
    path: `${RELEASE}.replicas`,
    names: ["0.20.9", "0.21.0"],
  },
  {
    fact: "pruning switched on for replicas",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", environment: { OLLAMA_NOPRUNE: "0" } }),
    code: "prune-shared-folder",
    path: `${RELEASE}.environment.OLLAMA_NOPRUNE`,
    names: ["OLLAMA_NOPRUNE is 0", "2 pods"],
  },
  {
    fact: "a GPU release in a lab whose cluster has no GPU worker",
    lab: { cluster: { workers: { "gpu-1": { gpus: [] } } } },
    base: gpuLab,
    code: "no-gpu-worker",
    path: `${RELEASE}.gpus`,
    names: ["1 GPU", "no worker"],
  },
  {
    fact: "more GPUs for one pod than a worker has",
    lab: release({ gpus: 2 }),
    base: gpuLab,
    code: "too-many-gpus",
    path: `${RELEASE}.gpus`,
    names: ["2 GPUs", "more than 1"],
  },
  {
    fact: "more GPUs for all releases than there are",
    lab: twoReleases({ gpus: 1 }),
    base: gpuLab,
    code: "gpus-overcommitted",
    path: "ollama.releases.second.gpus",
    names: ["2 GPUs together", "has 1"],
  },
  {
    fact: "several shares of a GPU for one pod",
    lab: { kubernetes: { devicePlugin: { timeSlicing: 4 } }, ...release({ gpus: 2 }) },
    code: "several-shares",
    path: `${RELEASE}.gpus`,
    names: ["2 GPUs", "timeSlicing: 4"],
  },
  {
    fact: "a taint on every node that a release does not tolerate",
    lab: { defaults: { server: { taints: ["dedicated=etcd:NoSchedule"] } }, ...release({ gpus: 0 }) },
    base: gpuLab,
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["dedicated=etcd:NoSchedule", "nvidia.com/gpu=present:NoSchedule"],
  },
  {
    fact: "a toleration of another value than the taint's",
    lab: {
      defaults: { worker: { taints: ["team=ml:NoSchedule"] } },
      ...release({ tolerations: [{ key: "team", operator: "Equal", value: "web" }] }),
    },
    base: gpuLab,
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["team=ml:NoSchedule"],
  },
  {
    fact: "a toleration of another effect than the taint's",
    lab: {
      defaults: { worker: { taints: ["team=ml:NoExecute"] } },
      ...release({ tolerations: [{ key: "team", operator: "Exists", effect: "NoSchedule" }] }),
    },
    base: gpuLab,
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["team=ml:NoExecute"],
  },
  {
    fact: "a taint of GPU nodes with another effect than the chart tolerates",
    lab: { cluster: { gpuTaint: false }, defaults: { worker: { taints: ["nvidia.com/gpu=present:NoExecute"] } } },
    base: gpuLab,
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["nvidia.com/gpu=present:NoExecute"],
  },
  {
    fact: "a node selector that no node of the lab's cluster fits",
    lab: release({ nodeSelector: { disk: "nvme" } }),
    base: gpuLab,
    code: "no-node-selected",
    path: `${RELEASE}.nodeSelector`,
    names: ["disk=nvme"],
  },
  {
    fact: "a CPU limit below the request",
    lab: release({ resources: { requests: { cpu: "2" }, limits: { cpu: "500m" } } }),
    code: "limit-below-request",
    path: `${RELEASE}.resources.limits.cpu`,
    names: ["500m", "2"],
  },
  {
    fact: "a memory limit below the default request",
    lab: release({ resources: { limits: { memory: "1Gi" } } }),
    code: "limit-below-request",
    path: `${RELEASE}.resources.limits.memory`,
    names: ["1Gi", "2Gi"],
  },
  {
    fact: "resources: null through values",
    lab: values({ resources: null }),
    code: "wrong-chart-type",
    path: `${VALUES}.resources`,
    names: ["null", "a map"],
  },
  {
    fact: "limits: null through values",
    lab: values({ resources: { limits: null } }),
    code: "wrong-chart-type",
    path: `${VALUES}.resources.limits`,
    names: ["null", "a map"],
  },
  {
    fact: "a mistyped chart key",
    lab: values({ persistence: { enabled: true } }),
    code: "unknown-chart-key",
    path: `${VALUES}.persistence`,
    names: ["persistence", "ollama"],
    remedy: "Did you mean persistentVolume?",
  },
  {
    fact: "a chart key that a later version has",
    lab: { ollama: { chart: { version: "1.36.0" }, releases: { ollama: { values: { podSchedulerName: "mine" } } } } },
    code: "unknown-chart-key",
    path: `${VALUES}.podSchedulerName`,
    names: ["podSchedulerName"],
  },
  {
    fact: "a chart value of another type than the chart looks for",
    lab: { kubernetes: { devicePlugin: { values: { gfd: { enabled: "true" } } } } },
    code: "wrong-chart-type",
    path: "kubernetes.devicePlugin.values.gfd.enabled",
    names: ['"true"', "true or false"],
  },
  taken("replicas", { replicaCount: 2 }, "replicaCount", "replicas"),
  taken("autoscaling", { autoscaling: { enabled: true } }, "autoscaling", "number of pods"),
  taken("the models", { ollama: { models: { pull: ["mistral"] } } }, "ollama.models", "fails silently"),
  taken("the volume", { persistentVolume: { size: "1Gi" } }, "persistentVolume", "storageGi"),
  taken("the image", { image: { tag: "latest" } }, "image.tag", "image"),
  taken("the name", { fullnameOverride: "chat" }, "fullnameOverride", "the key of the release"),
  taken("the port", { service: { port: 80 } }, "service.port", "11434"),
  taken("variables", { extraEnv: [{ name: "OLLAMA_DEBUG", value: "1" }] }, "extraEnv", "environment"),
  taken("tolerations", { tolerations: [] }, "tolerations", "tolerations"),
  taken("CPU", { resources: { limits: { cpu: "1" } } }, "resources.limits.cpu", "resources"),
  taken(
    "a rolling update over one ReadWriteOnce claim",
    { updateStrategy: { type: "RollingUpdate" } },
    "updateStrategy",
    "volume",
  ),
  {
    fact: "GPUs as a limit through values",
    lab: values({ resources: { limits: { "nvidia.com/gpu": 2 } } }),
    code: "chart-value-taken",
    path: `${VALUES}.resources.limits.nvidia.com/gpu`,
    names: ["nvidia.com/gpu", "gpus"],
  },
  {
    fact: "a configuration of the device plugin beside timeSlicing",
    lab: { kubernetes: { devicePlugin: { timeSlicing: 2, values: { config: { name: "mine" } } } } },
    code: "chart-value-taken",
    path: "kubernetes.devicePlugin.values.config",
    names: ["timeSlicing"],
  },
  {
    fact: "a host that is no DNS name",
    lab: release({ host: "https://ollama.home.example" }),
    code: "invalid-host",
    path: `${RELEASE}.host`,
    names: ["https://ollama.home.example"],
  },
  {
    fact: "one host for two releases",
    lab: { ollama: { releases: { ollama: { host: "a.home.example" }, second: { host: "a.home.example" } } } },
    code: "duplicate-host",
    path: "ollama.releases.second.host",
    names: ["a.home.example", "ollama", "second"],
  },
  ...["~> 1.36", "1.36", "latest"].map((version) => ({
    fact: `the chart version ${version}`,
    lab: { ollama: { chart: { version } } },
    code: "chart-version-not-exact",
    path: "ollama.chart.version",
    names: [version],
  })),
  {
    fact: "a chart whose Ollama is not known, without an image,",
    lab: { ollama: { chart: { version: "1.50.0" } } },
    code: "image-unknown",
    path: RELEASE,
    names: ["1.50.0"],
  },
  {
    fact: "the image latest",
    lab: release({ image: "ollama/ollama:latest" }),
    code: "invalid-image",
    path: `${RELEASE}.image`,
    names: ["latest"],
  },
  {
    fact: "a chart from two places",
    lab: { ollama: { chart: { oci: "oci://registry.lab.example/charts", file: "./ollama.tgz" } } },
    code: "two-chart-sources",
    path: "ollama.chart",
    names: ["oci", "file"],
  },
  {
    fact: "a model listed twice, in two spellings,",
    lab: release({ models: ["mistral", "mistral:latest"] }),
    code: "duplicate-entry",
    path: `${RELEASE}.models[1]`,
    names: ["mistral:latest", "mistral"],
  },
  {
    fact: "removal of unlisted models without a listed one",
    lab: release({ models: [], removeUnlistedModels: true }),
    code: "remove-without-models",
    path: `${RELEASE}.removeUnlistedModels`,
    names: ["no model", "no Job"],
  },
  {
    fact: "a keep-alive that Ollama does not take",
    lab: release({ keepAlive: "half an hour" }),
    code: "invalid-keep-alive",
    path: `${RELEASE}.keepAlive`,
    names: ["half an hour"],
  },
  {
    fact: "a variable beside the setting for it",
    lab: release({ keepAlive: "30m", environment: { OLLAMA_KEEP_ALIVE: "5m" } }),
    code: "variable-twice",
    path: `${RELEASE}.environment.OLLAMA_KEEP_ALIVE`,
    names: ["5m", "keepAlive says 30m"],
  },
  {
    fact: "a variable that follows from the lab",
    lab: release({ environment: { OLLAMA_MODELS: "/models" } }),
    code: "invalid-environment",
    path: `${RELEASE}.environment.OLLAMA_MODELS`,
    names: ["OLLAMA_MODELS"],
  },
  {
    fact: "a release named as what belongs to another",
    lab: { ollama: { releases: { "ollama-models": {} } } },
    code: "release-name-taken",
    path: "ollama.releases.ollama-models",
    names: ["ollama-models", "ollama"],
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
  ).map(
    ([issuer, parts, owner]): Rejected => ({
      fact: `an issuer called ${issuer}, as a release of the same stack is,`,
      lab: { kubernetes: { issuer, ...parts } },
      code: "issuer-name-taken",
      path: "kubernetes.issuer",
      names: [issuer, owner],
    }),
  ),
  {
    fact: "a lab with ollama: and no release",
    lab: { ollama: { releases: { ollama: undefined } } },
    code: "no-release",
    path: "ollama.releases",
    names: ["no release"],
  },
  {
    fact: "a namespace that every cluster has",
    lab: { ollama: { namespace: "kube-system" } },
    code: "namespace-taken",
    path: "ollama.namespace",
    names: ["kube-system", "every cluster"],
  },
  {
    fact: "the namespace of cert-manager, which the lab makes,",
    lab: { ollama: { namespace: "cert-manager" } },
    base: gpuLab,
    code: "namespace-taken",
    path: "ollama.namespace",
    names: ["cert-manager", "kubernetes.certManager"],
  },
  {
    fact: "a claim for several pods on a node's own storage",
    lab: { kubernetes: { storageClass: "local-path", nfs: undefined }, ...release({ gpus: 0, accessMode: "ReadWriteMany" }) },
    base: labWith({ cluster: { gpuTaint: false } }, gpuLab),
    code: "node-storage-shared",
    path: "kubernetes.storageClass",
    names: ["ReadWriteMany", "local-path"],
  },
  {
    fact: "a secret of a solver in the lab",
    lab: certManager({ dns01: { cloudflare: { apiToken: "hunter2", apiTokenSecretRef: undefined } } }),
    base: gpuLab,
    code: "credential-in-solver",
    path: "kubernetes.certManager.dns01.cloudflare.apiToken",
    names: ["apiToken"],
  },
  {
    fact: "a solver that cert-manager does not have",
    lab: certManager({ dns01: { cloudflare: undefined, cloudfare: {} } }),
    base: gpuLab,
    code: "unknown-solver",
    path: "kubernetes.certManager.dns01.cloudfare",
    names: ["cloudfare"],
    remedy: "Did you mean cloudflare?",
  },
  {
    fact: "two solvers in one",
    lab: certManager({ dns01: { route53: { region: "eu-central-1" } } }),
    base: gpuLab,
    code: "one-solver",
    path: "kubernetes.certManager.dns01",
    names: ["cloudflare and route53"],
  },
];

const warnings: Rejected[] = [
  {
    fact: "models larger than their claim",
    lab: release({ models: ["llama3.3:70b", "gemma3:27b"] }),
    code: "storage-too-small",
    path: `${RELEASE}.storageGi`,
    names: ["57.0 GiB", "50 Gi"],
  },
  {
    fact: "a key that the chart's nearest known version does not have",
    lab: {
      ollama: { chart: { version: "1.60.0" }, releases: { ollama: { image: "ollama/ollama:0.25.0", values: { probes: {} } } } },
    },
    code: "unchecked-chart-key",
    path: `${VALUES}.probes`,
    names: ["probes", "as of version 1.36.0"],
  },
  {
    fact: "HTTP-01 for a host of a private name",
    lab: { ...certManager({ dns01: undefined }), ...release({ host: "ollama.home.arpa" }) },
    base: gpuLab,
    code: "http01-private-host",
    path: `${RELEASE}.host`,
    names: ["ollama.home.arpa", "its name is a private one"],
  },
  {
    fact: "HTTP-01 for a host that only private networks reach",
    lab: {
      ...certManager({ dns01: undefined }),
      ...release({ host: "ollama.home.example" }),
      network: { clients: ["10.0.0.0/8", "100.64.0.0/10"] },
    },
    base: gpuLab,
    code: "http01-private-host",
    path: `${RELEASE}.host`,
    names: ["ollama.home.example", "network.clients"],
  },
  {
    fact: "a cert-manager too new for the cluster",
    lab: { cluster: { k3sVersion: "v1.30.5+k3s1" } },
    base: gpuLab,
    code: "cert-manager-version",
    path: "kubernetes.certManager",
    names: ["v1.21.1", "v1.30.5+k3s1", "1.33 to 1.36"],
    beside: "k3s-ended",
    remedy: "Upgrade K3s, or set certManager.chart.version to an older line.",
  },
  {
    fact: "a cert-manager too old for the cluster",
    lab: certManager({ chart: { version: "v1.18.2" } }),
    base: gpuLab,
    code: "cert-manager-version",
    path: "kubernetes.certManager",
    names: ["v1.18.2", "v1.36.3+k3s1", "1.29 to 1.33"],
    remedy: "Set certManager.chart.version to a newer line.",
  },
  {
    fact: "a host where the cluster is made without Traefik",
    lab: { cluster: { disable: ["traefik"] }, ...release({ host: "ollama.home.example" }) },
    base: gpuLab,
    code: "no-traefik",
    path: "cluster.disable",
    names: ["ollama.home.example", "without it"],
  },
  {
    fact: "a K3s whose Traefik does not know the routes",
    lab: {
      cluster: { k3sVersion: "v1.27.9+k3s1" },
      ...certManager({ chart: { version: "v1.13.0" } }),
      ...release({ host: "ollama.home.example" }),
    },
    base: gpuLab,
    code: "old-traefik",
    path: "cluster.k3sVersion",
    names: ["v1.27.9+k3s1", "traefik.io"],
    beside: "k3s-ended",
  },
  {
    fact: "allowFrom where Traefik may not know it",
    lab: {
      cluster: { k3sVersion: "v1.29.4+k3s1" },
      ...certManager({ chart: { version: "v1.18.2" } }),
      ...release({ host: "ollama.home.example", allowFrom: ["192.0.2.0/24"] }),
    },
    base: gpuLab,
    code: "old-traefik",
    path: `${RELEASE}.allowFrom`,
    names: ["v1.29.4+k3s1", "allowFrom"],
    beside: "k3s-ended",
  },
  {
    fact: "a StorageClass that nothing makes for a new cluster",
    lab: { kubernetes: { nfs: undefined } },
    base: gpuLab,
    code: "storage-class-missing",
    path: "kubernetes.nfs",
    names: ["nfs-client", "ollama"],
  },
  {
    fact: "an issuer that nothing makes for a new cluster",
    lab: { kubernetes: { certManager: undefined }, ...release({ host: "ollama.home.example" }) },
    base: gpuLab,
    code: "issuer-missing",
    path: "kubernetes.certManager",
    names: ["ollama.home.example", "letsencrypt-prod"],
  },
  {
    fact: "GPUs of a new cluster without the device plugin",
    lab: { kubernetes: { devicePlugin: false } },
    base: gpuLab,
    code: "no-device-plugin",
    path: "kubernetes.devicePlugin",
    names: ["ollama", "devicePlugin is false"],
  },
];

test.each([
  ["on a cluster that is there", ollamaLab],
  ["with a cluster of its own", gpuLab],
])("the base lab %s has no problem, so each change is what is found", (_, lab) => {
  expect(problemsOf(lab)).toEqual([]);
});

describe.each([
  { severity: "error" as const, cases: errors, verb: "is refused" },
  { severity: "warning" as const, cases: warnings, verb: "is warned of" },
])("$severity", ({ severity, cases, verb }) => {
  test.each(cases)(`$fact ${verb}`, ({ lab, base = ollamaLab, code, path, names, remedy, beside }) => {
    const problems = problemsOf(labWith(lab, base)).filter((problem) => problem.code !== beside);
    expect(problems.map((problem) => ({ ...problem, path: formatPath(problem.path) }))).toEqual([
      {
        code,
        severity,
        path,
        message: expect.any(String),
        remedy: remedy ?? expect.stringMatching(/[.?]$/),
        stacks: expect.any(Array),
      },
    ]);
    for (const name of names) expect(problems[0]?.message).toContain(name);
  });

  test("no message or remedy repeats the credential it is about", () => {
    for (const { lab, base = ollamaLab } of cases)
      expect(JSON.stringify(problemsOf(labWith(lab, base)))).not.toContain("hunter2");
  });
});

test.each<[string, Changes, LabInput]>([
  [
    "replicas on the CPU with a chart that brings a patient Ollama",
    release({ replicas: 3, accessMode: "ReadWriteMany" }),
    ollamaLab,
  ],
  ["several GPUs in a cluster that the lab does not make", release({ gpus: 4 }), ollamaLab],
  [
    "two releases on two shares of one GPU",
    { kubernetes: { devicePlugin: { timeSlicing: 2 } }, ...twoReleases({ gpus: 1 }) },
    gpuLab,
  ],
  ["a release on the CPU, beside tainted GPU workers", twoReleases({}), gpuLab],
  [
    "a toleration that meets the taint",
    {
      defaults: { worker: { taints: ["team=ml:NoSchedule"] } },
      ...release({ tolerations: [{ key: "team", value: "ml", effect: "NoSchedule" }] }),
    },
    gpuLab,
  ],
  ["a node selector by host name", release({ nodeSelector: { "kubernetes.io/hostname": "test-gpu-1" } }), gpuLab],
  [
    "a node selector by a label that no node may give itself",
    release({ nodeSelector: { "node-role.kubernetes.io/gpu": "true" } }),
    gpuLab,
  ],
  ["an image by its digest", release({ image: `ollama/ollama:0.32.15@sha256:${"a".repeat(64)}` }), ollamaLab],
  [
    "values that the lab has no word for",
    values({
      podAnnotations: { a: "b" },
      resources: { limits: { "ephemeral-storage": "1Gi" } },
      livenessProbe: { periodSeconds: 30 },
    }),
    ollamaLab,
  ],
  [
    "a rolling update over a claim for many",
    release({ replicas: 2, accessMode: "ReadWriteMany", values: { updateStrategy: { type: "RollingUpdate" } } }),
    ollamaLab,
  ],
  [
    "affinity: null for the device plugin, which takes its own away",
    { kubernetes: { devicePlugin: { values: { affinity: null } } } },
    gpuLab,
  ],
  ["a node's own storage for one pod", { kubernetes: { storageClass: "local-path", nfs: undefined } }, gpuLab],
  [
    "HTTP-01 for a host of the internet",
    { ...certManager({ dns01: undefined }), ...release({ host: "ollama.home.example" }) },
    gpuLab,
  ],
  ["chart 1.36.0 with Ollama 0.13.3", { ollama: { chart: { version: "1.36.0" } } }, ollamaLab],
])("%s is accepted", (_, changes, base) => {
  expect(problemsOf(labWith(changes, base))).toEqual([]);
});
