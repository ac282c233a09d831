/** The port of the Ollama API. */
export const OLLAMA_PORT = 11434;
