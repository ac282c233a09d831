import { gpuLab, labWith, ollamaLab } from "../../../testing/lab";
import { accepted, alsoContainer, cluster, container, gpu, RELEASE, refused, release, warned, worker } from "./rejected";

/** A release with enough room on its claim, so that nothing but memory is asked. */
const models = (list: readonly string[], changes: object = {}) => release({ models: list, storageGi: 2000, ...changes });
const big = "llama3.1:8b";
const CPU = "let Ollama run a part of it on the CPU.";
const none = { gpus: 0 };

warned(labWith(container({ diskGiB: 2000 })), [
  {
    fact: "a model larger than the container's memory",
    lab: container({ memoryGiB: 8, models: ["gpt-oss:20b"] }),
    code: "memory-too-small",
    stacks: ["containers"],
    path: "containers.ollama-1.models[0]",
    names: ["gpt-oss:20b takes at least 13.0 GiB, but containers.ollama-1 has 8 GiB of memory and no GPU"],
    remedy: "Choose a smaller model or quantization, or set memoryGiB to 16 or more.",
  },
  {
    fact: "a context that a container's memory has no room for",
    lab: container({ models: ["nomic-embed-text", big], ollama: { environment: { OLLAMA_CONTEXT_LENGTH: "131072" } } }),
    code: "memory-too-small",
    stacks: ["containers"],
    path: "containers.ollama-1.models[1]",
    names: ["llama3.1:8b takes at least 4.6 GiB, and its context of 131072 tokens 16.0 GiB", "16 GiB of memory"],
    remedy: "Set OLLAMA_CONTEXT_LENGTH to 93184 or less, choose a smaller model, or set memoryGiB to 25 or more.",
  },
]);

warned(gpuLab, [
  {
    fact: "a model larger than the card that its id tells",
    lab: models(["llama3.3:70b"]),
    code: "gpu-memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["llama3.3:70b takes at least 40.0 GiB, but rtx (GeForce RTX 4090) of pve1 has 24 GiB"],
    remedy: `Choose a smaller model or quantization, or ${CPU}`,
  },
  {
    fact: "a model larger than the memory that the lab states for the card",
    lab: { ...gpu({ id: "10de:2d04", memoryGiB: 8 }), ...models(["qwen2.5:14b"]) },
    code: "gpu-memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["qwen2.5:14b takes at least 8.4 GiB, but rtx of pve1 has 8 GiB"],
    remedy: `Choose a smaller model or quantization, or ${CPU}`,
  },
  {
    fact: "a context that a card has no room for",
    lab: models(["qwen2.5:32b"], { contextLength: 32_768 }),
    code: "gpu-memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["qwen2.5:32b takes at least 19.0 GiB, and its context of 32768 tokens 8.0 GiB", "24 GiB"],
    remedy: `Set contextLength to 20480 or less, choose a smaller model, or ${CPU}`,
  },
  {
    fact: "a context for each request at once",
    lab: models([big], { contextLength: 65_536, environment: { OLLAMA_NUM_PARALLEL: "4" } }),
    code: "gpu-memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["its 4 contexts of 65536 tokens 32.0 GiB"],
    remedy: `Set contextLength to 38912 or less, choose a smaller model, or ${CPU}`,
  },
  {
    fact: "a model of an unknown family by its tag",
    lab: models(["example/mine:70b-q8_0"]),
    code: "gpu-memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["example/mine:70b-q8_0 takes at least 68.6 GiB"],
    remedy: `Choose a smaller model or quantization, or ${CPU}`,
  },
  {
    fact: "a model larger than the memory of every node, without a GPU",
    lab: models(["llama3.3:70b"], none),
    code: "memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["llama3.3:70b takes at least 40.0 GiB, but no node of the cluster has more than 32 GiB of memory"],
    remedy: "Choose a smaller model or quantization, or give its pod more memory.",
  },
]);

warned(ollamaLab, [
  {
    fact: "a model larger than the limit of its pod",
    lab: models([big], { resources: { limits: { memory: "4Gi" } } }),
    code: "memory-too-small",
    stacks: ["ollama"],
    path: `${RELEASE}.models[0]`,
    names: ["llama3.1:8b takes at least 4.6 GiB, but the limit of ollama is 4Gi"],
    remedy: "Choose a smaller model or quantization, or give its pod more memory.",
  },
]);

/** A container with an NVIDIA card beside the cluster, whose worker then has none. */
const cardOfContainer = (changes: object = {}, list: readonly string[] = ["llama3.3:70b"]) => ({
  proxmox: { auth: "rootPassword" },
  ...alsoContainer({ diskGiB: 200, models: list, gpu: { type: "nvidia", card: "rtx", driverVersion: "580.95.05", ...changes } }),
  ...cluster({ workers: { "gpu-1": { gpus: undefined } } }),
  ollama: { releases: { ollama: { gpus: undefined } } },
});

warned(gpuLab, [
  {
    fact: "a model larger than the card of its container",
    lab: cardOfContainer(),
    code: "gpu-memory-too-small",
    stacks: ["containers"],
    path: "containers.ollama-1.models[0]",
    names: ["llama3.3:70b takes at least 40.0 GiB, but rtx (GeForce RTX 4090) of pve1 has 24 GiB"],
    remedy: `Choose a smaller model or quantization, or ${CPU}`,
  },
]);

accepted(gpuLab, [
  ["a model that fits", models(["qwen2.5:32b"])],
  [
    "a quantized context that fits",
    models(["qwen2.5:32b"], { contextLength: 32_768, environment: { OLLAMA_KV_CACHE_TYPE: "q8_0" } }),
  ],
  ["a context beyond what its model knows", models(["llama3:8b"], { contextLength: 1_000_000 })],
  ["a model of unknown size", models(["example/mine:latest"], { contextLength: 1_000_000 })],
  ["a large model on a card of unknown memory", { ...gpu({ id: "10de:2d04" }), ...models(["llama3.3:70b"]) }],
  [
    "a large model on a card that the lab gives more memory than its id tells",
    { ...gpu({ memoryGiB: 48 }), ...models(["llama3.3:70b"]) },
  ],
  ["a large model in a container with several cards", cardOfContainer({ indexes: [0, 1] })],
  ["a large model in a container whose card has no name", cardOfContainer({ card: undefined })],
  [
    "a large model on two cards",
    {
      proxmox: {
        nodes: { pve1: { gpus: { two: { path: "0000:02:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 13 } } } },
      },
      ...worker({ gpus: ["rtx", "two"] }),
      ...models(["llama3.3:70b"], { gpus: 2 }),
    },
  ],
]);

refused(gpuLab, [
  {
    fact: "a request for more memory than any GPU worker has",
    lab: release({ resources: { requests: { memory: "40Gi" } } }),
    code: "request-too-large",
    path: `${RELEASE}.resources.requests.memory`,
    names: ["40Gi of memory", "no node with its GPUs has more than 32 GiB"],
  },
  {
    fact: "a request for more CPU than any node has",
    lab: release({ gpus: undefined, resources: { requests: { cpu: "9" } } }),
    code: "request-too-large",
    path: `${RELEASE}.resources.requests.cpu`,
    names: ["9 of CPU", "no node has more than 8 cores"],
  },
]);
