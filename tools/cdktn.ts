import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The version of cdktn that the tests run with. It wants constructs below 10.8. */
const CDKTN = "0.24.0";

/** The parts of package.json that the switch touches. */
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
}

/**
 * The package.json of a checkout on cdktn: the package stands under the name cdktf, for the prebuilt providers too. The command line of cdktf goes:
 * it wants its own library.
 */
export function withCdktn<M extends Manifest>(manifest: M): M {
  const { "cdktf-cli": _, "@cdktf/node-pty-prebuilt-multiarch": __, ...optional } = manifest.optionalDependencies ?? {};
  const { "@cdktf/node-pty-prebuilt-multiarch": ___, ...overrides } = manifest.overrides;
  return {
    ...manifest,
    dependencies: { ...manifest.dependencies, cdktf: `npm:cdktn@${CDKTN}` },
    optionalDependencies: optional,
    overrides: { ...overrides, cdktf: "$cdktf" },
  };
}

if (require.main === module) {
  const file = join(__dirname, "../package.json");
  writeFileSync(file, `${JSON.stringify(withCdktn(JSON.parse(readFileSync(file, "utf8")) as Manifest), null, 2)}\n`);
}
