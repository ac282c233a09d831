import { formed, matching, quote, type TextCheck } from "./fault";

/** Refuses a path of a file on the operator's machine that Terraform or a shell would read as something else. */
export const checkFilePath: TextCheck = formed({ pattern: /^[^~"'$`\\{}][^"'$`\\{}]*$/, example: "./kubeconfig" }, (text) =>
  text !== "" && !/[\p{Cc}"'$`\\{}]/u.test(text) && !text.startsWith("~") && !text.endsWith("/")
    ? undefined
    : {
        code: "invalid-file-path",
        message: `${quote(text)} is not a path that can be used here`,
        remedy: "Write a path such as ./kubeconfig, without quotes, $, ~ or backslashes.",
      },
);

/** Refuses a path on a guest, a node or a server that is not absolute, or that a shell or Terraform would read as something else. */
export const checkAbsolutePath: TextCheck = matching(
  { pattern: /^(\/[A-Za-z0-9_.@+-]+)+$/, example: "/var/lib/ollama/models" },
  "invalid-path",
  "an absolute path",
  "Write a path such as /var/lib/ollama/models: letters, digits and _ . @ + -, without a slash at the end.",
);
