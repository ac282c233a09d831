import { canonicalModelReference } from "../grammar/model-reference";

/**
 * Download sizes of well-known models in GiB (ollama.com/library), in the quantization that the tag stands for, rounded up.
 * They serve warnings about storage only: tags move, and what is not listed here is not counted.
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

/** The sum of the sizes that are known, in GiB. */
export function knownSizeGiB(models: readonly string[]): number {
  return models.reduce((sum, model) => sum + (byCanonicalName.get(canonicalModelReference(model)) ?? 0), 0);
}
