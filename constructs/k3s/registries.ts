import { stringify } from "yaml";

/** A registry that answers for another. */
export interface RegistryMirror {
  /** URL of the registry that answers. */
  readonly endpoint: string;
  /** What comes before the image's name there, such as the project of a proxy cache. @default nothing */
  readonly prefix?: string;
}

/**
 * /etc/rancher/k3s/registries.yaml, which K3s reads when it starts: which registry answers for which other. Images keep their names, so
 * charts need no change.
 */
export function registriesConfig(mirrors: Readonly<Record<string, RegistryMirror>>): string {
  const entries = Object.entries(mirrors).sort(([a], [b]) => (a < b ? -1 : 1));
  return stringify({
    mirrors: Object.fromEntries(
      entries.map(([registry, { endpoint, prefix }]) => [
        registry,
        { endpoint: [endpoint], ...(prefix && { rewrite: { "^(.*)$": `${prefix}/$1` } }) },
      ]),
    ),
  });
}
