import { type Fault, type FaultCode, formed, quote, type TextCheck, type ValueCheck } from "./fault";

/** Variables with which the GPU libraries choose among cards, and ROCm takes one card for another. */
const GPU_VARIABLE = /^((CUDA|ROCR|HIP|GGML_VK)_VISIBLE_DEVICES|HSA_OVERRIDE_GFX_VERSION(_\d+)?)$/;

/** Words in the names of variables that hold a credential, such as OLLAMA_API_KEY. */
const CREDENTIAL = /(KEY|TOKEN|SECRET|PASSWORD)(_|$)/;

const CREDENTIAL_REMEDY =
  "Take it out: on Kubernetes values.extraEnvFrom takes it from a Secret, and in a container a file in ollama.service.d has it. Make a new one in " +
  "its place, because this one may be in git.";

/**
 * Refuses a variable that is none of Ollama's, a proxy or a GPU library, the two whose values follow from elsewhere in the lab, and those that
 * hold a credential.
 */
export const checkOllamaVariable: TextCheck = formed(
  { pattern: /^[A-Z][A-Z0-9_]*$/, example: "OLLAMA_NUM_PARALLEL" },
  (name): Fault<FaultCode> | undefined => {
    if (CREDENTIAL.test(name)) {
      const message = `${quote(name)} holds a credential, but everything in the lab is written to the output`;
      return { code: "credential-in-environment", message, remedy: CREDENTIAL_REMEDY };
    }
    const known = /^(OLLAMA_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)$/.test(name) || GPU_VARIABLE.test(name);
    if (known && name !== "OLLAMA_HOST" && name !== "OLLAMA_MODELS") return undefined;
    return {
      code: "invalid-environment",
      message: `${quote(name)} is not a variable that can be set here`,
      remedy: "Set OLLAMA_… variables, HTTP_PROXY, HTTPS_PROXY or NO_PROXY; OLLAMA_HOST and OLLAMA_MODELS follow from the lab.",
    };
  },
);

/**
 * Refuses words that YAML 1.1 took for true or false, and YAML 1.2 takes for text. Ollama reads the variables that switch something with Go's
 * strconv.ParseBool, which knows none of these words; most variables take what it cannot read for true, so that NO switches on
 * (envconfig/config.go). A URL with a password in it is refused as well.
 */
export function checkOllamaSetting(name: string): ValueCheck<string> {
  return (value): Fault<FaultCode> | undefined => {
    if (/:\/\/[^/@\s]*:[^/@\s]*@/.test(value)) {
      const message = `the URL in ${name} has a password in it, but everything in the lab is written to the output`;
      return { code: "credential-in-environment", message, remedy: CREDENTIAL_REMEDY };
    }
    const word = /^(?:(y|yes|on)|n|no|off)$/i.exec(value);
    if (!word || !name.startsWith("OLLAMA_")) return undefined;
    return {
      code: "invalid-switch",
      message: `${name} is the text ${quote(value)}, but Ollama reads only true and false, and takes most other words for true`,
      remedy: `Write "${word[1] === undefined ? "false" : "true"}", in quotes.`,
    };
  };
}
