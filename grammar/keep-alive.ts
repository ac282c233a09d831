import { matching, type ValueCheck } from "./fault";

/** Refuses what Ollama does not take for OLLAMA_KEEP_ALIVE. Ollama would use five minutes instead, without an error. */
export const checkKeepAlive: ValueCheck<string> = matching(
  /^-?(\d+|(\d+(\.\d+)?(ms|s|m|h))+)$/,
  "invalid-keep-alive",
  "how long a model can stay loaded",
  'Write a duration such as 30m or 1h30m, seconds such as "600", 0 for not at all, or -1 for always.',
);
