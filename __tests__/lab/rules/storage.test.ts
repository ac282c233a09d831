import { gpuLab, labWith } from "../../../testing/lab";
import { accepted, refused, release, warned } from "./rejected";

refused(labWith({ cluster: { gpuTaint: false } }, gpuLab), [
  {
    fact: "a claim for several pods on the storage of one node",
    lab: { kubernetes: { storageClass: "local-path", nfs: undefined }, ...release({ gpus: 0, accessMode: "ReadWriteMany" }) },
    code: "node-storage-shared",
    path: "kubernetes.storageClass",
    names: ["ReadWriteMany", "local-path"],
  },
]);

warned(gpuLab, [
  {
    fact: "a StorageClass that nothing creates in a new cluster",
    lab: { kubernetes: { nfs: undefined } },
    code: "storage-class-missing",
    stacks: ["ollama"],
    path: "kubernetes.nfs",
    names: ["nfs-client", "ollama"],
  },
]);

accepted(gpuLab, [["the storage of a node for one pod", { kubernetes: { storageClass: "local-path", nfs: undefined } }]]);
