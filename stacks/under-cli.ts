/** Whether cdktf's CLI, or cdktn's, runs the process that has this environment: both hand it the context of cdktf.json. */
export function underCli(env: Readonly<Record<string, string | undefined>>): boolean {
  return env["CDKTF_CONTEXT_JSON"] !== undefined;
}
