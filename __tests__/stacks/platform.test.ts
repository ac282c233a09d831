import { parse } from "yaml";
import { checkChartValues } from "../../catalog/charts";
import type { LabInput } from "../../lab/schema";
import { objectOf, objectsOf, releaseOf, valuesOf } from "../../testing/kubernetes";
import {
  addresses,
  type Changes,
  clusterLab,
  gpuLab,
  labWith,
  ollamaLab,
  type StackJson,
  stackOf,
  synthesized,
} from "../../testing/lab";
import { fileOn, textOf } from "../../testing/rendered";

const of = (changes: Changes = {}, base: LabInput = gpuLab) => stackOf(labWith(changes, base), "platform");
const plugin = (changes: Changes, base?: LabInput) => of({ kubernetes: { devicePlugin: changes } }, base);
const NVDP = "nvidia-device-plugin";

describe("the stack is in a lab", () => {
  const stacks = (changes: Changes, base: LabInput) => Object.keys(synthesized(labWith(changes, base)));
  test.each<[string, Changes, LabInput, boolean]>([
    ["whose cluster has GPU workers", {}, clusterLab, true],
    [
      "whose cluster has GPU workers beside others",
      { cluster: { workers: { "cpu-1": { vmId: 312, address: "192.0.2.42" } } } },
      clusterLab,
      true,
    ],
    ["whose cluster has none", { cluster: { workers: { "gpu-1": { gpus: [] } } } }, clusterLab, false],
    ["whose cluster has the device plugin already", { kubernetes: { devicePlugin: false } }, clusterLab, false],
    ["on a cluster that is there, when it asks for the device plugin", { kubernetes: { devicePlugin: {} } }, ollamaLab, true],
    ["on a cluster that is there, when it asks for nothing", {}, ollamaLab, false],
    ["that asks for NFS alone", { kubernetes: { nfs: { server: "192.0.2.5", path: "/volume1/k8s" } } }, ollamaLab, true],
  ])("%s: only where it has something to do", (_, changes, base, expected) => {
    expect(stacks(changes, base).includes("platform")).toBe(expected);
  });
});

test("addresses are the names of what is installed", () => {
  expect(addresses(plugin({ smokeTest: true }))).toEqual([
    "helm_release.cert-manager",
    "helm_release.csi-driver-nfs",
    "helm_release.gpu-smoke-test",
    "helm_release.letsencrypt-prod",
    "helm_release.nvidia-device-plugin",
    "kubernetes_namespace_v1.cert-manager",
    "kubernetes_namespace_v1.nvidia-device-plugin",
    "kubernetes_storage_class_v1.nfs-client",
  ]);
});

test("every chart has an exact version, and comes from its own repository", () => {
  const charts = Object.values(of().resource["helm_release"] ?? {}).filter(({ repository }) => repository);
  expect(charts.map(({ chart, repository, version }) => [chart, repository, version]).sort()).toEqual([
    ["cert-manager", "https://charts.jetstack.io", "v1.21.1"],
    ["csi-driver-nfs", "https://kubernetes-csi.github.io/csi-driver-nfs", "4.13.4"],
    [NVDP, "https://nvidia.github.io/k8s-device-plugin", "0.20.0"],
  ]);
});

test("a chart may come from a file", () => {
  const stack = of({ kubernetes: { certManager: { chart: { file: "./charts/cert-manager.tgz" } } } });
  expect(releaseOf(stack, "cert-manager")["chart"]).toMatch(/^(\.\.\/)+.*lab\/charts\/cert-manager\.tgz$/);
});

test.each<["nvidia-device-plugin" | "csi-driver-nfs" | "cert-manager", string]>([
  [NVDP, "0.20.0"],
  ["csi-driver-nfs", "4.13.4"],
  ["cert-manager", "1.21.1"],
])("every value given to %s is one that it knows", (chart, version) => {
  expect(checkChartValues(chart, version, valuesOf(plugin({ timeSlicing: 4 }), chart))).toEqual([]);
});

describe("the device plugin", () => {
  /** What the GPU worker of the lab's cluster joins with. */
  function joinConfig(): { labels: string[]; taints: string[] } {
    const file = fileOn(stackOf(gpuLab, "cluster"), "gpu-1", "/etc/rancher/k3s/config.yaml");
    const config = parse(file?.content ?? "") as { "node-label": string[]; "node-taint": string[] };
    return { labels: config["node-label"], taints: config["node-taint"] };
  }

  test("runs in the runtime that K3s defines for NVIDIA", () => {
    expect(valuesOf(of(), NVDP)).toMatchObject({ runtimeClassName: "nvidia" });
  });
  test("selects nodes by a label that GPU workers join with", () => {
    const { nodeSelector } = valuesOf(of(), NVDP) as { nodeSelector: Record<string, string> };
    const wanted = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`);
    expect(wanted).toEqual(["nvidia.com/gpu.present=true"]);
    expect(joinConfig().labels).toEqual(expect.arrayContaining(wanted));
  });
  test("tolerates the taint that GPU workers join with", () => {
    const { tolerations } = valuesOf(of(), NVDP) as { tolerations: Record<string, string>[] };
    expect(joinConfig().taints).toEqual(["nvidia.com/gpu=present:NoSchedule"]);
    expect(tolerations).toContainEqual({ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" });
  });
  test("is also what an Ollama with a GPU agrees with: the same label selects its nodes", () => {
    const { nodeSelector } = valuesOf(stackOf(gpuLab, "ollama"), "ollama");
    expect(nodeSelector).toEqual(valuesOf(of(), NVDP)["nodeSelector"]);
  });
  test("leaves feature discovery out, as a switch and not as text, which the chart would ignore", () => {
    expect(valuesOf(of(), NVDP)["gfd"]).toEqual({ enabled: false });
  });
  test("has a namespace of its own, since its chart refuses default", () => {
    expect(releaseOf(of(), NVDP)).toMatchObject({ namespace: NVDP, depends_on: [`kubernetes_namespace_v1.${NVDP}`] });
  });
  test("has no configuration where GPUs are not shared", () => {
    expect(valuesOf(of(), NVDP)).not.toHaveProperty("config");
  });
  test("shares each GPU in time, a share to a pod", () => {
    const { config } = valuesOf(plugin({ timeSlicing: 4 }), NVDP) as { config: { default: string; map: Record<string, string> } };
    expect(Object.keys(config.map)).toEqual([config.default]);
    expect(parse(config.map[config.default] ?? "")).toEqual({
      version: "v1",
      sharing: {
        timeSlicing: {
          renameByDefault: false,
          failRequestsGreaterThanOne: true,
          resources: [{ name: "nvidia.com/gpu", replicas: 4 }],
        },
      },
    });
  });
  test("is started again by another number of shares, since its configuration has another name then", () => {
    const name = (shares: number) => (valuesOf(plugin({ timeSlicing: shares }), NVDP)["config"] as { default: string }).default;
    expect(name(2)).not.toBe(name(4));
  });
  test("takes further values, such as affinity: null", () => {
    expect(valuesOf(plugin({ values: { affinity: null } }), NVDP)).toMatchObject({ affinity: null, runtimeClassName: "nvidia" });
  });
});

describe("the GPU smoke test", () => {
  const stack = plugin({ smokeTest: true });
  const job = objectOf(stack, "gpu-smoke-test", "Job");

  test("is a hook Job that runs nvidia-smi on one GPU, in NVIDIA's runtime, where the taint is", () => {
    expect(job).toMatchObject({
      metadata: { namespace: NVDP, annotations: { "helm.sh/hook": "post-install,post-upgrade" } },
      spec: {
        template: {
          spec: {
            restartPolicy: "Never",
            runtimeClassName: "nvidia",
            tolerations: expect.arrayContaining([{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }]),
            containers: [
              {
                image: "nvidia/cuda:12.4.1-base-ubuntu22.04",
                command: ["nvidia-smi"],
                resources: { limits: { "nvidia.com/gpu": 1 } },
              },
            ],
          },
        },
      },
    });
  });
  test("uses the image that the lab names", () => {
    const own = plugin({ smokeTest: true, smokeTestImage: "registry.lab.example/cuda:13.0.1-base" });
    expect(objectOf(own, "gpu-smoke-test", "Job")).toMatchObject({
      spec: { template: { spec: { containers: [{ image: "registry.lab.example/cuda:13.0.1-base" }] } } },
    });
  });
  test("comes after the plugin, which it proves", () => {
    expect(releaseOf(stack, "gpu-smoke-test")["depends_on"]).toEqual([`helm_release.${NVDP}`]);
  });
  test("is given up by Helm later than by itself, so that its own failure is seen", () => {
    const { activeDeadlineSeconds } = job.spec as { activeDeadlineSeconds: number };
    expect(releaseOf(stack, "gpu-smoke-test")["timeout"]).toBeGreaterThan(activeDeadlineSeconds);
  });
  test("stays as it is when the plugin changes, since Ollama has the GPU by then", () => {
    const later = plugin({ smokeTest: true, timeSlicing: 2, chart: { version: "0.20.1" } });
    expect(releaseOf(later, "gpu-smoke-test")).toEqual(releaseOf(stack, "gpu-smoke-test"));
  });
  test("is not there unless the lab asks for it", () => expect(addresses(of())).not.toContain("helm_release.gpu-smoke-test"));
});

describe("NFS storage", () => {
  const storageClass = (stack: StackJson, name = "nfs-client") => stack.resource["kubernetes_storage_class_v1"]?.[name];

  test("is a StorageClass whose folders bear the claims' names, so that a claim made again finds its models", () => {
    const { parameters } = storageClass(of()) as { parameters: Record<string, string> };
    expect({ ...parameters, subDir: textOf(parameters["subDir"] ?? "") }).toEqual({
      server: "192.0.2.5",
      share: "/volume1/k8s",
      subDir: "${pvc.metadata.namespace}-${pvc.metadata.name}",
      onDelete: "retain",
    });
  });
  test("keeps volumes when their claims go", () => {
    expect(storageClass(of())).toMatchObject({ reclaim_policy: "Retain", storage_provisioner: "nfs.csi.k8s.io" });
  });
  test("is mounted as NFS 4.1, or as the lab says", () => {
    const own = of({ kubernetes: { nfs: { mountOptions: ["nfsvers=3", "nolock"] } } });
    expect([storageClass(of())?.["mount_options"], storageClass(own)?.["mount_options"]]).toEqual([
      ["nfsvers=4.1"],
      ["nfsvers=3", "nolock"],
    ]);
  });
  test("has the name that the claims ask for", () => {
    const lab = labWith({ kubernetes: { storageClass: "models" } }, gpuLab);
    expect(storageClass(stackOf(lab, "platform"), "models")).toMatchObject({ metadata: { name: "models" } });
    expect(stackOf(lab, "ollama").resource["kubernetes_persistent_volume_claim_v1"]?.["ollama"]).toMatchObject({
      spec: { storage_class_name: "models" },
    });
  });
  test("is not the default class, of which K3s has one", () => {
    expect(JSON.stringify(storageClass(of()))).not.toContain("is-default-class");
  });
  test("gives its driver's chart the lab's further values", () => {
    const stack = of({ kubernetes: { nfs: { values: { controller: { replicas: 2 } } } } });
    expect(valuesOf(stack, "csi-driver-nfs")).toMatchObject({ controller: { replicas: 2 } });
  });
  test("comes after its driver", () => expect(storageClass(of())?.["depends_on"]).toEqual(["helm_release.csi-driver-nfs"]));
});

describe("cert-manager", () => {
  const issuer = (changes: Changes = {}) => objectsOf(of({ kubernetes: changes }), "letsencrypt-prod");

  test("brings its definitions, and leaves them when it goes, with every certificate of the cluster", () => {
    expect(valuesOf(of(), "cert-manager")).toEqual({ crds: { enabled: true, keep: true } });
  });
  test("takes further values, and keeps its definitions", () => {
    const stack = of({ kubernetes: { certManager: { values: { replicaCount: 2 } } } });
    expect(valuesOf(stack, "cert-manager")).toEqual({ crds: { enabled: true, keep: true }, replicaCount: 2 });
  });
  test("has one ClusterIssuer: ACME, with the solver of the lab and its secret by reference", () => {
    expect(issuer()).toEqual([
      {
        apiVersion: "cert-manager.io/v1",
        kind: "ClusterIssuer",
        metadata: { name: "letsencrypt-prod" },
        spec: {
          acme: {
            email: "operator@lab.example",
            server: "https://acme-v02.api.letsencrypt.org/directory",
            privateKeySecretRef: { name: "letsencrypt-prod-account-key" },
            solvers: [{ dns01: { cloudflare: { apiTokenSecretRef: { name: "cloudflare-api-token", key: "api-token" } } } }],
          },
        },
      },
    ]);
  });
  test("answers HTTP-01 by the lab's ingress class where there is no DNS-01", () => {
    expect(issuer({ ingressClass: "nginx", certManager: { dns01: undefined } })).toMatchObject([
      { spec: { acme: { solvers: [{ http01: { ingress: { ingressClassName: "nginx" } } }] } } },
    ]);
  });
  test("is there before its issuer, whose webhook must answer", () => {
    expect(releaseOf(of(), "letsencrypt-prod")["depends_on"]).toEqual(["helm_release.cert-manager"]);
  });
});

test("the stacks are deployed one after another: cluster, platform, ollama", () => {
  expect(Object.keys(synthesized(gpuLab))).toEqual(["cluster", "platform", "ollama"]);
});

test("no secret is a value of the stack", () => {
  expect(JSON.stringify(of())).not.toMatch(/"(password|token|secret_?key)":/i);
});

test("the commands to check it are for what the lab asks for", () => {
  const checks = (stack: StackJson) => JSON.stringify(stack.output?.["check_commands"]?.value);
  expect(checks(of())).toMatch(/gpu.*storageclass nfs-client.*clusterissuer letsencrypt-prod/);
  expect(
    checks(of({ kubernetes: { nfs: undefined, certManager: undefined } }, labWith({ ollama: undefined }, gpuLab))),
  ).not.toMatch(/storageclass|clusterissuer/);
});
