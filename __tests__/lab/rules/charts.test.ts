import { type Changes, gpuLab, labWith, ollamaLab, problemsOf } from "../../../testing/lab";
import { accepted, type Rejected, refused, release, VALUES, values, warned } from "./rejected";

/** A value of the chart that follows from the lab, and what it follows from. */
const taken = (fact: string, changes: Changes, key: string, reason: string): Rejected => ({
  fact: `a value of the chart for ${fact}`,
  lab: values(changes),
  code: "chart-value-taken",
  path: `${VALUES}.${key}`,
  names: [key, reason],
});

refused(ollamaLab, [
  {
    fact: "resources: null as a value of the chart",
    lab: values({ resources: null }),
    code: "wrong-chart-type",
    path: `${VALUES}.resources`,
    names: ["null", "a map"],
  },
  {
    fact: "limits: null as a value of the chart",
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
    fact: "a chart key that only a later version has",
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
  taken("the chart's name", { nameOverride: "chat" }, "nameOverride", "the network policy finds Ollama's pods by it"),
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
    fact: "a value of the chart for GPUs",
    lab: values({ resources: { limits: { "nvidia.com/gpu": 2 } } }),
    code: "chart-value-taken",
    path: `${VALUES}.resources.limits.nvidia.com/gpu`,
    names: ["nvidia.com/gpu", "gpus"],
  },
  {
    fact: "a configuration of the device plugin together with timeSlicing",
    lab: { kubernetes: { devicePlugin: { timeSlicing: 2, values: { config: { name: "mine" } } } } },
    code: "chart-value-taken",
    path: "kubernetes.devicePlugin.values.config",
    names: ["timeSlicing"],
  },
  {
    fact: "a chart from two places",
    lab: { ollama: { chart: { oci: "oci://registry.lab.example/charts", file: "./ollama.tgz" } } },
    code: "two-chart-sources",
    path: "ollama.chart",
    names: ["oci", "file"],
  },
]);

warned(ollamaLab, [
  {
    fact: "a key that the nearest known version of the chart does not have",
    lab: {
      ollama: { chart: { version: "1.60.0" }, releases: { ollama: { image: "ollama/ollama:0.25.0", values: { probes: {} } } } },
    },
    code: "unchecked-chart-key",
    stacks: ["ollama"],
    path: `${VALUES}.probes`,
    names: ["probes", "as of version 1.36.0"],
  },
]);

accepted(ollamaLab, [
  [
    "a value that no setting of the lab stands for",
    values({
      podAnnotations: { a: "b" },
      resources: { limits: { "ephemeral-storage": "1Gi" } },
      livenessProbe: { periodSeconds: 30 },
    }),
  ],
  [
    "a rolling update when several nodes can mount the claim",
    release({ replicas: 2, accessMode: "ReadWriteMany", values: { updateStrategy: { type: "RollingUpdate" } } }),
  ],
]);

refused(gpuLab, [
  {
    fact: "a mistyped key of the NFS driver's chart",
    lab: { kubernetes: { nfs: { values: { controler: {} } } } },
    code: "unknown-chart-key",
    path: "kubernetes.nfs.values.controler",
    names: ["controler", "csi-driver-nfs"],
  },
  {
    fact: "a mistyped key of cert-manager's chart",
    lab: { kubernetes: { certManager: { values: { replicaCounts: 2 } } } },
    code: "unknown-chart-key",
    path: "kubernetes.certManager.values.replicaCounts",
    names: ["replicaCounts", "cert-manager"],
  },
]);

accepted(gpuLab, [
  [
    "affinity: null for the device plugin, which removes the chart's own,",
    { kubernetes: { devicePlugin: { values: { affinity: null } } } },
  ],
]);

test.each([
  ["ollama.gpu.enabled", { ollama: { gpu: { enabled: true } } }, "follows from gpus"],
  ["ollama.gpu.number", { ollama: { gpu: { number: 2 } } }, "follows from gpus"],
  ["ollama.gpu.type", { ollama: { gpu: { type: "amd" } } }, "is nvidia"],
  ["image.tag", { image: { tag: "1" } }, "follows from image"],
  ["replicaCount", { replicaCount: 2 }, "follows from replicas"],
])("why the value %s cannot be given is said", (_, given, reason) => {
  expect(problemsOf(labWith(values(given), ollamaLab)).map(({ message }) => message)).toEqual([expect.stringContaining(reason)]);
});
