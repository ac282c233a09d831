import { gpuOf } from "../../catalog/gpus";
import { contextGiB, DEFAULT_CONTEXT, knownModelGiB } from "../../catalog/model-sizes";
import { bytes } from "../../grammar/quantity";
import { type DraftCluster, workersOf } from "../cluster";
import type { DraftLab } from "../draft";
import { type Finding, finder } from "../finding";
import type { OllamaRelease } from "../kubernetes";
import type { Path, StackId } from "../problem";
import type { LabConfig } from "../schema";
import { rule } from "./rule";

const kinds = {
  "memory-too-small": {
    severity: "warning",
    stacks: ["containers", "ollama"],
    meaning:
      "A model with its context is larger than the memory of the container or the pod that runs it without a GPU. Ollama loads a model into memory to answer, and refuses one that does not fit.",
    example: `
      containers:
        ollama-1:
          { vmId: 201, address: 192.0.2.21, memoryGiB: 16, diskGiB: 100, models: ["llama3.3:70b"] }
    `,
    remedy: "Give it more memory, or choose a smaller model.",
  },
  "gpu-memory-too-small": {
    severity: "warning",
    stacks: ["containers", "ollama"],
    meaning:
      "A model with its context is larger than the memory of the graphics cards that it gets. Ollama then runs a part of the model on the CPU, many times slower. The sizes are the least that is certain: a model that fits by them may still not fit.",
    example: `
      ollama:
        releases:
          ollama: { models: ["llama3.1:8b"], gpus: 1, contextLength: 131072, environment: { OLLAMA_NUM_PARALLEL: "2" } }
    `,
    remedy: "Choose a smaller model or context, or larger cards.",
  },
} as const;
const found = finder(kinds);
type Found = Finding<keyof typeof kinds>;

/** What Ollama is told about contexts. */
interface Context {
  /** Tokens. Absent when Ollama decides. */
  readonly length?: number;
  /** The setting that says it, or could say it. */
  readonly setting: string;
  /** How its cache is quantized, as OLLAMA_KV_CACHE_TYPE has it. */
  readonly cacheType?: string;
  /** How many requests are answered at once, each with a context of its own. */
  readonly parallel: number;
}

/** The whole number that a variable holds, when it holds one above 0. */
function numberIn(value: string | undefined): number | undefined {
  return value !== undefined && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
}

function contextOf(environment: Readonly<Record<string, string>>, stated?: number): Context {
  const variable = numberIn(environment["OLLAMA_CONTEXT_LENGTH"]);
  return {
    length: stated ?? variable,
    setting: stated === undefined && variable !== undefined ? "OLLAMA_CONTEXT_LENGTH" : "contextLength",
    cacheType: environment["OLLAMA_KV_CACHE_TYPE"],
    parallel: numberIn(environment["OLLAMA_NUM_PARALLEL"]) ?? 1,
  };
}

/** What a loaded model takes at least: its weights and its contexts, in GiB. */
function needOf(model: string, { length = DEFAULT_CONTEXT, cacheType, parallel }: Context) {
  const weights = knownModelGiB(model);
  // Where the weights are not known, the context alone says little.
  const contexts = weights === 0 ? 0 : contextGiB(model, length, cacheType, parallel);
  return { weights, contexts, all: weights + contexts };
}

/** "llama3.1:8b takes at least 4.6 GiB, and its context of 131072 tokens 16.0 GiB". */
function described(model: string, { length, parallel }: Context, { weights, contexts }: ReturnType<typeof needOf>): string {
  const takes = `${model} takes at least ${weights.toFixed(1)} GiB`;
  if (length === undefined) return takes;
  const each = parallel > 1 ? `its ${parallel} contexts of ${length} tokens` : `its context of ${length} tokens`;
  return `${takes}, and ${each} ${contexts.toFixed(1)} GiB`;
}

/** What to do: a shorter context when that is enough, and otherwise a smaller model. */
function remedyOf(model: string, context: Context, room: number, more: string): string {
  const { weights, contexts } = needOf(model, context);
  const { length, setting } = context;
  if (length === undefined || weights >= room) return `Choose a smaller model or quantization, or ${more}.`;
  const fitting = Math.floor(((room - weights) / contexts) * (length / 1024)) * 1024;
  return fitting < DEFAULT_CONTEXT
    ? `Choose a smaller model or quantization, or ${more}.`
    : `Set ${setting} to ${fitting} or less, choose a smaller model, or ${more}.`;
}

type Cards = NonNullable<LabConfig["proxmox"]>["nodes"][string]["gpus"];

/** The memory of a card in GiB: as the lab says, or as its ids tell. */
function cardGiB(cards: Cards | undefined, name: string): number | undefined {
  const card = cards && Object.hasOwn(cards, name) ? cards[name] : undefined;
  return card?.memoryGiB ?? gpuOf(card?.id ?? "")?.memoryGiB;
}

function cardsOf(lab: DraftLab, node: string | undefined): Cards | undefined {
  const nodes = lab.proxmox?.nodes;
  return nodes && node !== undefined && Object.hasOwn(nodes, node) ? nodes[node]?.gpus : undefined;
}

/** What the cards of a guest are called in a message. */
function cardNames(lab: DraftLab, node: string | undefined, names: readonly string[]): string {
  return names
    .map((name) => {
      const product = gpuOf(cardsOf(lab, node)?.[name]?.id ?? "")?.name;
      return product ? `${name} (${product})` : name;
    })
    .join(" and ");
}

interface Room {
  readonly gib: number;
  /** What has it, as a message says it. */
  readonly what: string;
}

/** The most memory of cards that a pod of the release can get. `undefined` when a card's memory is not known. */
function gpuRoom(lab: DraftLab, cluster: DraftCluster, { gpus }: OllamaRelease): Room | undefined {
  const rooms: Room[] = [];
  for (const { node, gpus: names } of workersOf(cluster)) {
    if (names.length < gpus) continue;
    const sizes = names.map((name) => ({ name, gib: cardGiB(cardsOf(lab, node), name) }));
    const known = sizes.flatMap(({ name, gib }) => (gib === undefined ? [] : [{ name, gib }]));
    if (known.length < sizes.length) return undefined;
    const taken = known.sort((a, b) => b.gib - a.gib).slice(0, gpus);
    const gib = taken.reduce((sum, card) => sum + card.gib, 0);
    const called = cardNames(
      lab,
      node,
      taken.map(({ name }) => name),
    );
    rooms.push({ gib, what: `${called} of ${node} ${taken.length > 1 ? "have" : "has"} ${gib} GiB` });
  }
  return rooms.sort((a, b) => b.gib - a.gib)[0];
}

/** The most memory that a pod without a GPU can get: its limit, or that of the largest node. */
function memoryRoom({ cluster }: DraftLab, key: string, { resources }: OllamaRelease): Room | undefined {
  const limit = resources.limits.memory;
  const limited = limit ? [{ gib: bytes(limit) / 2 ** 30, what: `the limit of ${key} is ${limit}` }] : [];
  const largest = Math.max(0, ...(cluster?.nodes ?? []).map(({ memoryGiB }) => memoryGiB));
  const nodes = largest > 0 ? [{ gib: largest, what: `no node of the cluster has more than ${largest} GiB of memory` }] : [];
  return [...limited, ...nodes].filter(({ gib }) => gib > 0).sort((a, b) => a.gib - b.gib)[0];
}

const ON_CPU = "let Ollama run a part of it on the CPU";

interface Fitting {
  readonly models: readonly string[];
  readonly context: Context;
  readonly room: Room;
  /** Where the lab lists the models. */
  readonly path: Path;
  readonly stack: StackId;
}

function* tooLarge(
  code: keyof typeof kinds,
  { models, context, room, path, stack }: Fitting,
  more: (needed: number) => string,
): Iterable<Found> {
  for (const [index, model] of models.entries()) {
    const need = needOf(model, context);
    if (need.all <= room.gib) continue;
    yield found(code, [...path, index], `${described(model, context, need)}, but ${room.what}`, {
      remedy: remedyOf(model, context, room.gib, more(need.all)),
      stacks: [stack],
    });
  }
}

/** Each model of a container fits into its memory, or into that of the card that the lab names for it. */
const memoryOfContainers = rule(["containers"], function* (lab) {
  for (const [key, { models, memoryGiB, gpu, devices, node, ollama }] of Object.entries(lab.containers)) {
    const common = {
      models,
      context: contextOf(ollama.environment),
      path: ["containers", key, "models"],
      stack: "containers",
    } as const;
    if (!gpu) {
      // A device that the lab passes by itself may be a GPU.
      if (devices.length > 0) continue;
      const room = { gib: memoryGiB, what: `containers.${key} has ${memoryGiB} GiB of memory and no GPU` };
      yield* tooLarge("memory-too-small", { ...common, room }, (needed) => `set memoryGiB to ${Math.ceil(needed * 1.2)} or more`);
      continue;
    }
    const gib = gpu.card === undefined ? undefined : cardGiB(cardsOf(lab, node), gpu.card);
    // The lab names one card, but the container has several.
    if (gpu.card === undefined || gib === undefined || (gpu.type === "nvidia" && gpu.indexes.length > 1)) continue;
    const room = { gib, what: `${cardNames(lab, node, [gpu.card])} of ${node} has ${gib} GiB` };
    yield* tooLarge("gpu-memory-too-small", { ...common, room }, () => ON_CPU);
  }
});

/** Each model of a release fits into the cards of its pods, or into their memory. */
const memoryOfReleases = rule(["ollama"], function* (lab) {
  for (const [key, release] of Object.entries(lab.ollama.releases)) {
    const common = {
      models: release.models,
      context: contextOf(release.environment, release.contextLength),
      path: ["ollama", "releases", key, "models"],
      stack: "ollama",
    } as const;
    if (release.gpus > 0) {
      const room = lab.cluster && gpuRoom(lab, lab.cluster, release);
      if (room) yield* tooLarge("gpu-memory-too-small", { ...common, room }, () => ON_CPU);
      continue;
    }
    const room = memoryRoom(lab, key, release);
    if (room) yield* tooLarge("memory-too-small", { ...common, room }, () => "give its pod more memory");
  }
});

export const memory = { title: "Memory of models", kinds, rules: [memoryOfContainers, memoryOfReleases] };
