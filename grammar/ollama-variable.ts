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
