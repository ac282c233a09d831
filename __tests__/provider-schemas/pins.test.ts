import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

function json<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(ROOT, ...path), "utf8")) as T;
}

interface Pin {
  address: string;
  version: string;
}

interface Manifest {
  cdktf?: { provider?: { name: string; version: string } };
}

/** What the bindings were made for: cdktf.json for the generated ones, the packages' own manifests for the prebuilt ones. */
function pinnedProviders(): Pin[] {
  const { terraformProviders } = json<{ terraformProviders: { source: string; version: string }[] }>("cdktf.json");
  const { dependencies } = json<{ dependencies: Record<string, string> }>("package.json");
  const prebuilt = Object.keys(dependencies)
    .filter((name) => name.startsWith("@cdktf/provider-"))
    // Not all of that name are bindings: one generates them.
    .flatMap((name) => json<Manifest>("node_modules", name, "package.json").cdktf?.provider ?? []);
  return [
    ...terraformProviders.map(({ source, version }) => ({ address: `registry.terraform.io/${source}`, version })),
    ...prebuilt.map(({ name, version }) => ({ address: name, version })),
  ];
}

const snapshots = readdirSync(join(ROOT, "provider-schemas")).filter((file) => file.endsWith(".json"));

describe.each(snapshots)("the snapshot %s", (file) => {
  const [name, version] = file.replace(/\.json$/, "").split("@");
  const { provider_schemas, provider_versions } = json<{ provider_schemas: object; provider_versions: Record<string, string> }>(
    "provider-schemas",
    file,
  );
  const [address = ""] = Object.keys(provider_versions);

  test("holds the provider and the version of its name, and no other", () => {
    expect(Object.values(provider_versions)).toEqual([version]);
    expect(address.split("/").at(-1)).toBe(name);
    expect(Object.keys(provider_schemas)).toEqual([address]);
  });

  test("is of the version that the bindings pin", () => {
    expect(pinnedProviders()).toContainEqual({ address, version });
  });
});

test("every provider that the bindings pin has a snapshot", () => {
  const names = pinnedProviders().map(({ address, version }) => `${address.split("/").at(-1)}@${version}.json`);
  expect(snapshots).toEqual(names.sort());
});
