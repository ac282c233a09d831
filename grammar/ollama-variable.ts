import { quote, type ValueCheck } from "./fault";

/** Refuses a variable that is neither Ollama's nor a proxy's. OLLAMA_HOST and OLLAMA_MODELS are refused too: the lab sets them elsewhere. */
export const checkOllamaVariable: ValueCheck<string> = (name) =>
  /^(OLLAMA_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)$/.test(name) && name !== "OLLAMA_HOST" && name !== "OLLAMA_MODELS"
    ? undefined
    : {
        code: "invalid-environment",
        message: `${quote(name)} is not a variable that can be set here`,
        remedy: "Set OLLAMA_… variables, HTTP_PROXY, HTTPS_PROXY or NO_PROXY; OLLAMA_HOST and OLLAMA_MODELS follow from the lab.",
      };
