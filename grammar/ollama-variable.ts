import { quote, type ValueCheck } from "./fault";

/** Refuses a variable that is neither Ollama's nor a proxy's, and the two whose values follow from elsewhere in the lab. */
export const checkOllamaVariable: ValueCheck<string> = (name) =>
  /^(OLLAMA_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)$/.test(name) && name !== "OLLAMA_HOST" && name !== "OLLAMA_MODELS"
    ? undefined
    : {
        code: "invalid-environment",
        message: `${quote(name)} is not a variable that can be set here`,
        remedy: "Set OLLAMA_… variables, or HTTPS_PROXY and its like; OLLAMA_HOST and OLLAMA_MODELS follow from the lab.",
      };
