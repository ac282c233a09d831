import { formed, quote, type TextCheck } from "./fault";

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Refuses what is not a DNS name of at least two labels in lower case. */
export const checkDomainName: TextCheck = formed(
  { pattern: /^(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/, example: "ollama.home.example" },
  (text) => {
    const labels = text.split(".");
    const valid =
      text.length <= 253 && labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
    return valid
      ? undefined
      : {
          code: "invalid-host",
          message: `${quote(text)} is not a DNS name`,
          remedy: "Write it in lower case, such as ollama.home.example.",
        };
  },
);

/** Refuses what is not a DNS domain in lower case. One label is enough. */
export const checkSearchDomain: TextCheck = formed(
  { pattern: /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/, example: "home.example" },
  (text) =>
    text.length <= 253 && text.split(".").every((label) => LABEL.test(label))
      ? undefined
      : {
          code: "invalid-domain",
          message: `${quote(text)} is not a DNS domain`,
          remedy: "Write it in lower case, such as home.example.",
        },
);
