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
  const billions = billionsByTag(tag);
  if (billions === undefined) return 0;
  const size = GIB_PER_BILLION.find(([quantization]) => quantization.test(tag))?.[1] ?? LIBRARY_GIB_PER_BILLION;
  return billions * size;
}

/** How many billions of parameters a tag states; `undefined` when it states none, or when the model runs in Ollama's cloud. */
function billionsByTag(tag: string): number | undefined {
  const billions = /^(?:[a-z.]+-)?(\d+(?:\.\d+)?)b(?:-|$)/.exec(tag)?.[1];
  return billions === undefined || /(^|-)cloud$/.test(tag) ? undefined : Number(billions);
}

/**
 * What a token of context takes with these models in KiB, and how many tokens Ollama gives them at most. A token has a key and a value of 16 bits
 * in each layer: 4 bytes × layers × heads for keys and values × width of a head (config.json of each model; huggingface.co). Layers that see a
 * sliding window only are left out. Models for embeddings have a context of a few MiB, which counts nothing.
 */
const CONTEXTS: Readonly<Record<string, readonly [kibPerToken: number, mostTokens: number]>> = {
  "all-minilm": [0, 512],
  "codellama:7b": [512, 16_384],
  "deepseek-r1:7b": [56, 131_072],
  "deepseek-r1:8b": [128, 131_072],
  "deepseek-r1:14b": [192, 131_072],
  "deepseek-r1:32b": [256, 131_072],
  "deepseek-r1:70b": [320, 131_072],
  "gemma2:2b": [52, 8192],
  "gemma2:9b": [168, 8192],
  "gpt-oss:20b": [24, 131_072],
  "gpt-oss:120b": [36, 131_072],
  "llama3:8b": [128, 8192],
  "llama3:70b": [320, 8192],
  "llama3.1:8b": [128, 131_072],
  "llama3.1:70b": [320, 131_072],
  "llama3.2:1b": [32, 131_072],
  "llama3.2:3b": [112, 131_072],
  "llama3.3:70b": [320, 131_072],
  "mistral:7b": [128, 32_768],
  "mixtral:8x7b": [128, 32_768],
  "mxbai-embed-large": [0, 512],
  "nomic-embed-text": [0, 2048],
  "phi3:mini": [384, 131_072],
  "qwen2.5:3b": [36, 32_768],
  "qwen2.5:7b": [56, 32_768],
  "qwen2.5:14b": [192, 32_768],
  "qwen2.5:32b": [256, 32_768],
  "qwen2.5:72b": [320, 32_768],
};

const contextByCanonicalName = new Map(
  Object.entries(CONTEXTS).map(([model, context]) => [canonicalModelReference(model), context]),
);

/**
 * The least that a token takes with any other model, in KiB: by the parameters in its tag, up to a bound. The models with the smallest contexts
 * for their size (gemma3:1b, qwen2.5:7b, gpt-oss:20b) still take as much.
 */
const KIB_PER_TOKEN = { forEachBillion: 4, atMost: 24 } as const;

/** The tokens of context that Ollama gives a model unless somebody says otherwise; more on large cards (docs.ollama.com/context-length). */
export const DEFAULT_CONTEXT = 4096;

/** How much smaller a context is, rounded down, when OLLAMA_KV_CACHE_TYPE quantizes it (docs.ollama.com/faq). */
const SHARE_OF_CACHE_TYPE: ReadonlyMap<string, number> = new Map([
  ["q8_0", 0.5],
  ["q4_0", 0.25],
]);

/** What a token of context takes with this model at least, in KiB; 0 when neither the model nor its tag says anything. */
function kibPerToken(model: string): number {
  const known = contextByCanonicalName.get(canonicalModelReference(model));
  if (known) return known[0];
  const billions = billionsByTag(parseModelReference(model)?.tag.toLowerCase() ?? "") ?? 0;
  return Math.min(billions * KIB_PER_TOKEN.forEachBillion, KIB_PER_TOKEN.atMost);
}

/** What a context takes beside its model at least, in GiB. With `OLLAMA_NUM_PARALLEL` there are as many contexts as requests at once. */
export function contextGiB(model: string, tokens: number, cacheType = "f16", parallel = 1): number {
  const [, most = tokens] = contextByCanonicalName.get(canonicalModelReference(model)) ?? [];
  const share = SHARE_OF_CACHE_TYPE.get(cacheType) ?? 1;
  return (Math.min(tokens, most) * parallel * kibPerToken(model) * share) / 2 ** 20;
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
