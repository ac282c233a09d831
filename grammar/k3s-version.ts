import { matching, type TextCheck } from "./fault";

/** Refuses what is not the exact name of a K3s release. */
export const checkK3sVersion: TextCheck = matching(
  { pattern: /^v1\.\d+\.\d+\+k3s\d+$/, example: "v1.36.3+k3s1" },
  "invalid-k3s-version",
  "the name of a K3s release",
  "Write it exactly as the release is named, such as v1.36.3+k3s1.",
);

/** The number of the Kubernetes minor version in a release's name: 36 for `v1.36.3+k3s1`. */
export function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}
