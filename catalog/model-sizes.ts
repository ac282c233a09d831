import { canonicalModelReference, parseModelReference } from "../grammar/model-reference";

/**
 * Download sizes of well-known models in GiB (ollama.com/library), in the quantization that the tag stands for, rounded up.
 * They serve warnings about storage only: tags move. What is not listed here counts by its tag, or not at all.
 */
const SIZES_GIB: Readonly<Record<string, number>> = {
  "all-minilm": 0.1,
  "codellama:7b": 3.6,
  "deepseek-r1:7b": 4.4,
  "deepseek-r1:8b": 4.9,
  "deepseek-r1:14b": 8.4,
  "deepseek-r1:32b": 19,
  "deepseek-r1:70b": 40,
  "gemma2:2b": 1.6,
  "gemma2:9b": 5.1,
  "gemma3:4b": 3.1,
  "gemma3:12b": 7.6,
  "gemma3:27b": 17,
  "gpt-oss:20b": 13,
  "gpt-oss:120b": 61,
  "llama3:8b": 4.4,
  "llama3:70b": 38,
  "llama3.1:8b": 4.6,
  "llama3.1:70b": 40,
  "llama3.2:1b": 1.3,
  "llama3.2:3b": 1.9,
  "llama3.3:70b": 40,
  "mistral:7b": 4.2,
  "mixtral:8x7b": 25,
  "mxbai-embed-large": 0.7,
  "nomic-embed-text": 0.3,
  "phi3:mini": 2.1,
  "qwen2.5:3b": 1.8,
  "qwen2.5:7b": 4.4,
  "qwen2.5:14b": 8.4,
  "qwen2.5:32b": 19,
  "qwen2.5:72b": 44,
};

const byCanonicalName = new Map(Object.entries(SIZES_GIB).map(([model, size]) => [canonicalModelReference(model), size]));

/**
 * The least that a billion parameters take, in GiB, by the quantization that a tag names. A weight has 16 bits, or in llama.cpp's formats a
 * little more than the number in the name (8.5 for q8_0, 4.5 for q4_0; ggml-common.h has the blocks). Rounded down.
 */
const GIB_PER_BILLION: readonly (readonly [quantization: RegExp, size: number])[] = [
  [/(^|-)(fp?16|bf16)$/, 1.86],
  [/(^|-)q8_/, 0.98],
  [/(^|-)q6_/, 0.75],
  [/(^|-)q5_/, 0.63],
  [/(^|-)q4_/, 0.5],
  [/(^|-)q3_/, 0.39],
  [/(^|-)q2_/, 0.29],
];

/** Without a quantization in the tag a model of the library has about four bits for each weight: none of those above has fewer. */
const LIBRARY_GIB_PER_BILLION = 0.5;

/**
 * The least that a model takes by its tag, in GiB: `671b` stands for 671 billion parameters. Tags such as `8x7b` do not say how many there are
 * together, and models in Ollama's cloud take no room: both count nothing.
 */
function leastByTag(tag: string): number {
  const billions = /^(?:[a-z.]+-)?(\d+(?:\.\d+)?)b(?:-|$)/.exec(tag)?.[1];
  if (billions === undefined || /(^|-)cloud$/.test(tag)) return 0;
  const size = GIB_PER_BILLION.find(([quantization]) => quantization.test(tag))?.[1] ?? LIBRARY_GIB_PER_BILLION;
  return Number(billions) * size;
}

/** What a model takes on a disk in GiB: the size that is known, or the least that its tag says. 0 when neither says anything. */
export function knownModelGiB(model: string): number {
  return byCanonicalName.get(canonicalModelReference(model)) ?? leastByTag(parseModelReference(model)?.tag.toLowerCase() ?? "");
}

/** The sum of the sizes that are known, in GiB. */
export function knownSizeGiB(models: readonly string[]): number {
  return models.reduce((sum, model) => sum + knownModelGiB(model), 0);
}

/** Chat models of `SIZES_GIB` that are suggested, the most capable first; and the model for embeddings beside them. */
const SUGGESTED = [
  "gpt-oss:120b",
  "llama3.3:70b",
  "qwen2.5:32b",
  "gpt-oss:20b",
  "qwen2.5:14b",
  "qwen2.5:7b",
  "qwen2.5:3b",
  "llama3.2:1b",
];
const SUGGESTED_EMBEDDING = "nomic-embed-text";

/** What a loaded model takes beside its weights, as a share of them: the context and buffers (docs.ollama.com/faq). Rounded up. */
const LOADED_SHARE = 1.25;

/**
 * Models that fit into memory: one to chat with, and one for embeddings beside it. The smallest of them where none fits.
 * @param memoryGiB memory of the graphics card, or of the guest where the processor computes
 */
export function suggestedModels(memoryGiB: number): string[] {
  const room = memoryGiB - knownModelGiB(SUGGESTED_EMBEDDING);
  const chat = SUGGESTED.find((model) => knownModelGiB(model) * LOADED_SHARE <= room) ?? SUGGESTED.at(-1);
  return [...(chat === undefined ? [] : [chat]), SUGGESTED_EMBEDDING];
}
