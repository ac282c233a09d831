import { baseLab, clusterLab, ollamaLab } from "../../../testing/lab";
import { accepted, cluster, RELEASE, refused, warned } from "./rejected";

refused(baseLab, [
  {
    fact: "a template whose URL does not end in a file name that Proxmox takes",
    lab: { defaults: { container: { template: { url: "https://mirror.lab.example/latest", sha256: "0".repeat(64) } } } },
    code: "unusable-template-name",
    path: "defaults.container.template",
    names: ["latest"],
  },
  {
    fact: "a template with two checksums",
    lab: {
      defaults: {
        container: { template: { url: "https://mirror.lab.example/u.tar.zst", sha256: "0".repeat(64), sha512: "0".repeat(128) } },
      },
    },
    code: "two-checksums",
    path: "defaults.container.template",
    names: ["sha256", "sha512"],
  },
  {
    fact: "a template file name with two sources on one node",
    lab: {
      containers: {
        "ollama-1": { template: { url: "https://a.lab.example/u.tar.zst", sha256: "0".repeat(64) } },
        "ollama-2": {
          vmId: 202,
          address: "192.0.2.22",
          template: { url: "https://b.lab.example/u.tar.zst", sha256: "0".repeat(64) },
        },
      },
    },
    code: "template-conflict",
    path: "containers.ollama-2.template",
    names: ["a.lab.example", "b.lab.example"],
  },
  {
    fact: "a template file name with two sources on two nodes that share the datastore",
    lab: {
      proxmox: { nodes: { pve2: { address: "192.0.2.12" } } },
      storage: { files: "nas", shared: ["nas"] },
      containers: {
        "ollama-1": { template: { url: "https://a.lab.example/u.tar.zst", sha256: "0".repeat(64) } },
        "ollama-2": {
          vmId: 202,
          address: "192.0.2.22",
          node: "pve2",
          template: { url: "https://b.lab.example/u.tar.zst", sha256: "0".repeat(64) },
        },
      },
    },
    code: "template-conflict",
    path: "containers.ollama-2.template",
    names: ["a.lab.example", "b.lab.example"],
  },
]);

warned(baseLab, [
  {
    fact: "an archive of Ollama without a checksum",
    lab: { defaults: { container: { ollama: { version: "0.31.0", sha256: undefined } } } },
    code: "no-checksum",
    stacks: ["containers"],
    path: "defaults.container.ollama",
    names: ["0.31.0"],
  },
  {
    fact: "a ROCm archive without a checksum",
    lab: { proxmox: { auth: "rootPassword" }, containers: { "ollama-1": { gpu: { type: "amd" } } } },
    code: "no-checksum",
    stacks: ["containers"],
    path: "containers.ollama-1.gpu",
    names: ["ROCm", "0.32.15"],
  },
  {
    fact: "a template without a checksum",
    lab: { defaults: { container: { template: { url: "https://mirror.lab.example/u.tar.zst" } } } },
    code: "no-checksum",
    stacks: ["containers"],
    path: "defaults.container.template",
    names: ["u.tar.zst"],
  },
]);

refused(clusterLab, [
  {
    fact: "a cluster with neither an image nor a template",
    lab: cluster({ image: undefined }),
    code: "no-disk-source",
    path: "cluster",
    names: ["image", "template"],
  },
  {
    fact: "a cluster with an image and a template",
    lab: cluster({ template: { vmId: 9000 } }),
    code: "two-disk-sources",
    path: "cluster.template",
    names: ["image", "template"],
  },
  {
    fact: "an image of a type that Proxmox does not import",
    lab: cluster({ image: { url: "https://images.lab.example/20250805/noble-live-server-amd64.iso" } }),
    code: "unusable-image-name",
    path: "cluster.image",
    names: ["noble-live-server-amd64.iso"],
  },
  {
    fact: "a disk smaller than the image",
    lab: cluster({ image: { sizeGiB: 40 }, workers: { "gpu-1": { gpus: [], diskGiB: 32 } } }),
    code: "disk-smaller-than-image",
    path: "cluster.workers.gpu-1.diskGiB",
    names: ["32 GiB", "40"],
  },
  {
    fact: "a disk smaller than the template",
    lab: cluster({ image: undefined, template: { vmId: 9000, sizeGiB: 120 }, servers: { "k3s-1": { diskGiB: 120 } } }),
    code: "disk-smaller-than-image",
    path: "cluster.workers.gpu-1.diskGiB",
    names: ["100 GiB", "template has 120"],
  },
]);

warned(clusterLab, [
  {
    fact: "an image without a checksum",
    lab: cluster({ image: { sha256: undefined } }),
    code: "no-checksum",
    stacks: ["cluster"],
    path: "cluster.image",
    names: ["noble-server-cloudimg-amd64.img"],
  },
  {
    fact: "an image whose URL gives another file every few weeks",
    lab: cluster({ image: { url: "https://images.lab.example/noble/current/noble-server-cloudimg-amd64.img" } }),
    code: "moving-image",
    stacks: ["cluster"],
    path: "cluster.image.url",
    names: ["/current/"],
  },
]);

refused(ollamaLab, [
  {
    fact: "a release without an image when the Ollama of the chart is not known",
    lab: { ollama: { chart: { version: "1.50.0" } } },
    code: "image-unknown",
    path: RELEASE,
    names: ["1.50.0"],
  },
]);

accepted(clusterLab, [["a template", cluster({ image: undefined, template: { vmId: 9000 } })]]);

accepted(ollamaLab, [["chart 1.36.0, which brings Ollama 0.13.3,", { ollama: { chart: { version: "1.36.0" } } }]]);
