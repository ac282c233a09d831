import { matching, type TextCheck } from "./fault";

/** Refuses an image reference that has neither a tag nor a digest, and the tag `latest`: the image could change without an edit. */
export const checkImage: TextCheck = matching(
  {
    pattern: /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})$/,
    example: "ollama/ollama:0.32.15",
  },
  "invalid-image",
  "an image with an exact tag",
  "Write the repository and a tag or digest, such as ollama/ollama:0.32.15; not latest.",
);

/** Refuses what cannot come before the name of an image in a registry, such as the project of a proxy cache. */
export const checkImagePrefix: TextCheck = matching(
  { pattern: /^[a-z0-9][a-z0-9._/-]*$/, example: "docker-cache" },
  "invalid-image-prefix",
  "what can come before the name of an image",
  "Write it without a slash at the beginning, such as docker-cache.",
);
