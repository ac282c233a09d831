import { baseLab, ollamaLab } from "../../../testing/lab";
import { container, RELEASE, refused, release, warned } from "./rejected";

refused(baseLab, [
  {
    fact: "a model volume in a folder that the service cannot see",
    lab: container({ modelVolume: { sizeGiB: 100, path: "/root/models" } }),
    code: "hidden-path",
    path: "containers.ollama-1.modelVolume.path",
    names: ["/root/models"],
  },
]);

warned(baseLab, [
  {
    fact: "models larger than the disk",
    lab: container({ diskGiB: 20, models: ["llama3:8b", "gemma3:12b", "mistral:7b"] }),
    code: "disk-too-small",
    stacks: ["containers"],
    path: "containers.ollama-1.diskGiB",
    names: ["16.2 GiB", "20 GiB"],
  },
  {
    fact: "models larger than their volume",
    lab: container({ modelVolume: { sizeGiB: 30 }, models: ["gpt-oss:120b"] }),
    code: "disk-too-small",
    stacks: ["containers"],
    path: "containers.ollama-1.modelVolume",
    names: ["61.0 GiB", "30 GiB"],
  },
]);

refused(ollamaLab, [
  {
    fact: "the removal of unlisted models without a listed model",
    lab: release({ models: [], removeUnlistedModels: true }),
    code: "remove-without-models",
    path: `${RELEASE}.removeUnlistedModels`,
    names: ["no model", "no Job"],
  },
]);

warned(ollamaLab, [
  {
    fact: "models larger than their claim",
    lab: release({ models: ["llama3.3:70b", "gemma3:27b"] }),
    code: "storage-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.storageGi`,
    names: ["57.0 GiB", "50 Gi"],
  },
]);
