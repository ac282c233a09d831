import type { SimulationOptions } from "./simulation";

/** What the commands of `ollama-lab rights` grant, read as a shell and pveum would, as the simulation takes it. */
export function granted(commands: readonly string[]): Required<Pick<SimulationOptions, "acl" | "aclHere">> {
  const roles = new Map(
    commands.flatMap((command) => {
      const [, name = "", privileges = ""] = /^pveum role add (\S+) --privs "([^"]+)"$/.exec(command) ?? [];
      return name ? [[name, privileges.replaceAll(" ", ",")] as const] : [];
    }),
  );
  const entries = commands.flatMap((command) => {
    const [, path = "", role = "", here] = /^pveum acl modify (\S+) .*--roles (\S+)( --propagate 0)?$/.exec(command) ?? [];
    return path ? [{ entry: `${path}=${roles.get(role)}`, here: here !== undefined }] : [];
  });
  return {
    acl: entries.filter(({ here }) => !here).map(({ entry }) => entry),
    aclHere: entries.filter(({ here }) => here).map(({ entry }) => entry),
  };
}
