import { checkAddress } from "./address";
import { checkDomainName } from "./domain-name";
import { formed, quote, type TextCheck } from "./fault";

/** Refuses what is neither an IPv4 address nor a DNS name of at least two labels in lower case. */
export const checkServer: TextCheck = formed(
  { pattern: /^(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/, example: "nas.lab.example" },
  (text) =>
    checkAddress(text) && checkDomainName(text)
      ? {
          code: "invalid-host",
          message: `${quote(text)} is neither an IPv4 address nor a DNS name`,
          remedy: "Write an address such as 192.0.2.5, or a name in lower case such as nas.lab.example.",
        }
      : undefined,
);
