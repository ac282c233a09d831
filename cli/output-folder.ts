import type { Environment } from "./command";

/** The folder that a synthesis writes to; cdktf's CLI names it by CDKTF_OUTDIR, and an empty one names none. @default cdktf.out */
export function outputFolder(env: Environment): string {
  return env["CDKTF_OUTDIR"] || "cdktf.out";
}
