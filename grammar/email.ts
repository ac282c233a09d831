import { matching, type TextCheck } from "./fault";

/** Refuses what is not an e-mail address. */
export const checkEmail: TextCheck = matching(
  { pattern: /^[^\s@]+@[^\s@]+\.[^\s@]+$/, example: "operator@lab.example" },
  "invalid-email",
  "an e-mail address",
  "Write an address that somebody reads.",
);
