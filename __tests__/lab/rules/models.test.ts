import { baseLab, ollamaLab } from "../../../testing/lab";
import { accepted, container, RELEASE, refused, release, warned } from "./rejected";

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
  ...(
    [
      ["deepseek-r1:671b", "335.5 GiB", 344],
      ["llama3.1:405b", "202.5 GiB", 211],
      ["qwen3:30b-a3b-fp16", "55.8 GiB", 64],
      ["example/mine:30b-q8_0", "29.4 GiB", 38],
    ] as const
  ).map(([model, size, diskGiB]) => ({
    fact: `${model}, whose tag says that it is larger than the disk,`,
    lab: container({ memoryGiB: 1000, diskGiB: 30, models: [model] }),
    code: "disk-too-small" as const,
    stacks: ["containers"] as const,
    path: "containers.ollama-1.diskGiB",
    names: [size, "30 GiB"],
    remedy: `Set diskGiB to ${diskGiB} or more.`,
  })),
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
    lab: container({ memoryGiB: 80, modelVolume: { sizeGiB: 30 }, models: ["gpt-oss:120b"] }),
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

accepted(baseLab, [
  ["a model that runs in Ollama's cloud", container({ models: ["gpt-oss:120b-cloud", "qwen3-coder:480b-cloud"] })],
  ["a model whose tag does not say its parameters", container({ models: ["mine:latest", "llama4:128x17b", "gemma3n:e4b"] })],
  [
    "a model larger than the memory of a container with a GPU",
    { proxmox: { auth: "rootPassword" }, ...container({ memoryGiB: 8, models: ["gpt-oss:20b"], gpu: { type: "intel" } }) },
  ],
]);
