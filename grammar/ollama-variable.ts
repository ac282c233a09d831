import { quote, type ValueCheck } from "./fault";

/** Variables with which the GPU libraries choose among cards, and ROCm takes one card for another. */
const GPU_VARIABLE = /^((CUDA|ROCR|HIP|GGML_VK)_VISIBLE_DEVICES|HSA_OVERRIDE_GFX_VERSION(_\d+)?)$/;

/** Refuses a variable that is none of Ollama's, a proxy or a GPU library, and the two whose values follow from elsewhere in the lab. */
export const checkOllamaVariable: ValueCheck<string> = (name) =>
  (/^(OLLAMA_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)$/.test(name) || GPU_VARIABLE.test(name)) &&
  name !== "OLLAMA_HOST" &&
  name !== "OLLAMA_MODELS"
    ? undefined
    : {
        code: "invalid-environment",
        message: `${quote(name)} is not a variable that can be set here`,
        remedy: "Set OLLAMA_… variables, HTTP_PROXY, HTTPS_PROXY or NO_PROXY; OLLAMA_HOST and OLLAMA_MODELS follow from the lab.",
      };

/**
 * Refuses words that YAML 1.1 took for true or false, and YAML 1.2 takes for text. Ollama reads the variables that switch something with Go's
 * strconv.ParseBool, which knows none of these words; most variables take what it cannot read for true, so that NO switches on
 * (envconfig/config.go).
 */
export function checkOllamaSetting(name: string): ValueCheck<string> {
  return (value) => {
    const word = /^(?:(y|yes|on)|n|no|off)$/i.exec(value);
    if (!word || !name.startsWith("OLLAMA_")) return undefined;
    return {
      code: "invalid-switch",
      message: `${name} is the text ${quote(value)}, but Ollama reads only true and false, and takes most other words for true`,
      remedy: `Write "${word[1] === undefined ? "false" : "true"}", in quotes.`,
    };
  };
}
