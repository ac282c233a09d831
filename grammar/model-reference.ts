import { formed, quote, type TextCheck } from "./fault";

/** The parts of a reference to a model, with Ollama's defaults filled in. */
export interface ModelReference {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

// From Ollama's types/model/name.go: [host/][namespace/]model[:tag], each part beginning with a letter, a digit or _.
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$/;
const NAMESPACE = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;

/** The host that a reference without one means: a part of the grammar of references (Ollama's types/model/name.go). */
export const DEFAULT_MODEL_REGISTRY = "registry.ollama.ai";

/** Reads a reference such as `mistral:7b`. Returns `undefined` when Ollama does not take it. */
export function parseModelReference(text: string): ModelReference | undefined {
  const parts = text.split("/");
  if (parts.length > 3) return undefined;
  const [model = "", tag = "latest", ...rest] = (parts.pop() ?? "").split(":");
  const namespace = parts.pop() ?? "library";
  const host = parts.pop() ?? DEFAULT_MODEL_REGISTRY;
  const valid = rest.length === 0 && HOST.test(host) && NAMESPACE.test(namespace) && NAME.test(model) && NAME.test(tag);
  return valid ? { host, namespace, model, tag } : undefined;
}

/** The full form of a reference. Two spellings of one model have the same full form. */
export function canonicalModelReference(text: string): string {
  const parts = parseModelReference(text);
  if (!parts) throw new RangeError(`${quote(text)} is not a model reference`);
  return `${parts.host}/${parts.namespace}/${parts.model}:${parts.tag}`;
}

/** Refuses a reference that Ollama refuses. A reference that passes is also safe as an argument in a shell. */
export const checkModelReference: TextCheck = formed(
  { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/, example: "mistral:7b" },
  (text) =>
    parseModelReference(text)
      ? undefined
      : {
          code: "invalid-model",
          message: `${quote(text)} is not a model reference`,
          remedy: "Write [host/][namespace/]model[:tag] as `ollama pull` takes it, such as mistral:7b.",
        },
);
