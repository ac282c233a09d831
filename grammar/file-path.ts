import { quote, type ValueCheck } from "./fault";

/** Refuses a path of a file on the operator's machine that Terraform or a shell would read as something else. */
export const checkFilePath: ValueCheck<string> = (text) =>
  text !== "" && !/[\p{Cc}"'$`\\{}]/u.test(text) && !text.startsWith("~") && !text.endsWith("/")
    ? undefined
    : {
        code: "invalid-file-path",
        message: `${quote(text)} is not a path that can be used here`,
        remedy: "Write a path such as ./kubeconfig, without quotes, $, ~ or backslashes.",
      };
