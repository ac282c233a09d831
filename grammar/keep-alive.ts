import { matching, type TextCheck } from "./fault";

/** Refuses what Ollama does not take for OLLAMA_KEEP_ALIVE. Ollama would use five minutes instead, without an error. */
export const checkKeepAlive: TextCheck = matching(
  { pattern: /^-?(\d+|(\d+(\.\d+)?(ms|s|m|h))+)$/, example: "30m" },
  "invalid-keep-alive",
  "how long a model can stay loaded",
  'Write a duration such as 30m or 1h30m, seconds such as "600", 0 for not at all, or -1 for always.',
);
