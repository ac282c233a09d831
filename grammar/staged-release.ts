import { matching, type TextCheck } from "./fault";

/** Refuses what is not the id of a staged release, which is the name of its folder on the share. */
export const checkStagedRelease: TextCheck = matching(
  { pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, example: "3f1c2a9b7d10" },
  "invalid-release",
  "the id of a staged release",
  "Write it as it is under releases/ on the share.",
);
