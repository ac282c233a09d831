import { gpuLab, labWith, ollamaLab, problemsOf } from "../../../testing/lab";
import { accepted, RELEASE, refused, release, twoReleases, warned } from "./rejected";

refused(gpuLab, [
  {
    fact: "a GPU release in a lab whose cluster has no GPU worker",
    lab: { cluster: { workers: { "gpu-1": { gpus: [] } } } },
    code: "no-gpu-worker",
    path: `${RELEASE}.gpus`,
    names: ["1 GPU", "no worker"],
  },
  {
    fact: "a pod that wants more GPUs than a worker has",
    lab: release({ gpus: 2 }),
    code: "too-many-gpus",
    path: `${RELEASE}.gpus`,
    names: ["2 GPUs", "more than 1"],
  },
  {
    fact: "releases that together want more GPUs than the cluster has",
    lab: twoReleases({ gpus: 1 }),
    code: "gpus-overcommitted",
    path: "ollama.releases.second.gpus",
    names: ["2 GPUs together", "has 1"],
  },
  {
    fact: "a taint on every node that a release does not tolerate",
    lab: { defaults: { server: { taints: ["dedicated=etcd:NoSchedule"] } }, ...release({ gpus: 0 }) },
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["dedicated=etcd:NoSchedule", "nvidia.com/gpu=present:NoSchedule"],
  },
  {
    fact: "a toleration with another value than the taint",
    lab: {
      defaults: { worker: { taints: ["team=ml:NoSchedule"] } },
      ...release({ tolerations: [{ key: "team", operator: "Equal", value: "web" }] }),
    },
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["team=ml:NoSchedule"],
  },
  {
    fact: "a toleration with another effect than the taint",
    lab: {
      defaults: { worker: { taints: ["team=ml:NoExecute"] } },
      ...release({ tolerations: [{ key: "team", operator: "Exists", effect: "NoSchedule" }] }),
    },
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["team=ml:NoExecute"],
  },
  {
    fact: "a taint of GPU nodes with another effect than the chart tolerates",
    lab: { cluster: { gpuTaint: false }, defaults: { worker: { taints: ["nvidia.com/gpu=present:NoExecute"] } } },
    code: "taint-not-tolerated",
    path: `${RELEASE}.tolerations`,
    names: ["nvidia.com/gpu=present:NoExecute"],
  },
  {
    fact: "a node selector that fits no node of the lab's cluster",
    lab: release({ nodeSelector: { disk: "nvme" } }),
    code: "no-node-selected",
    path: `${RELEASE}.nodeSelector`,
    names: ["disk=nvme"],
  },
]);

refused(ollamaLab, [
  {
    fact: "several shares of a GPU for one pod",
    lab: { kubernetes: { devicePlugin: { timeSlicing: 4 } }, ...release({ gpus: 2 }) },
    code: "several-shares",
    path: `${RELEASE}.gpus`,
    names: ["2 GPUs", "timeSlicing: 4"],
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
    lab: release({ models: [], resources: { limits: { memory: "1Gi" } } }),
    code: "limit-below-request",
    path: `${RELEASE}.resources.limits.memory`,
    names: ["1Gi", "2Gi"],
  },
]);

warned(gpuLab, [
  {
    fact: "GPUs of a new cluster without the device plugin",
    lab: { kubernetes: { devicePlugin: false } },
    code: "no-device-plugin",
    stacks: ["platform", "ollama"],
    path: "kubernetes.devicePlugin",
    names: ["ollama", "devicePlugin is false"],
  },
]);

accepted(ollamaLab, [["several GPUs in a cluster that the lab does not create", release({ gpus: 4 })]]);

accepted(gpuLab, [
  ["two releases on two shares of one GPU", { kubernetes: { devicePlugin: { timeSlicing: 2 } }, ...twoReleases({ gpus: 1 }) }],
  ["a release without a GPU beside tainted GPU workers", twoReleases({})],
  [
    "a toleration that fits the taint",
    {
      defaults: { worker: { taints: ["team=ml:NoSchedule"] } },
      ...release({ tolerations: [{ key: "team", value: "ml", effect: "NoSchedule" }] }),
    },
  ],
  ["a node selector by host name", release({ nodeSelector: { "kubernetes.io/hostname": "test-gpu-1" } })],
  [
    "a node selector by a label that no node may give itself",
    release({ nodeSelector: { "node-role.kubernetes.io/gpu": "true" } }),
  ],
]);

test.each([
  [1, "ollama wants 1 GPU, but no worker of the cluster has one"],
  [2, "ollama wants 2 GPUs, but no worker of the cluster has one"],
])("%i GPUs are counted in words that fit", (gpus, message) => {
  const lab = labWith({ cluster: { workers: { "gpu-1": { gpus: [] } } }, ...release({ gpus }) }, gpuLab);
  expect(problemsOf(lab).map((problem) => problem.message)).toEqual([message]);
});
