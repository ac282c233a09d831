import { matching, type ValueCheck } from "./fault";

/** Refuses what is not an e-mail address. */
export const checkEmail: ValueCheck<string> = matching(
  /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  "invalid-email",
  "an e-mail address",
  "Write an address that somebody reads.",
);
