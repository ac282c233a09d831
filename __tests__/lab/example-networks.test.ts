import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { contains, parseCidr } from "../../grammar/address";
import type { LabInput } from "../../lab/schema";

const ROOT = join(__dirname, "../..");
const labs = readdirSync(join(ROOT, "examples"))
  .map((file) => `examples/${file}`)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => ({ file, lab: parse(readFileSync(join(ROOT, file), "utf8")) as LabInput }))
  .filter(({ lab }) => lab.network);

/** The addresses of a lab's guests; of a pool, its first and last. */
function guestsOf({ containers, cluster }: LabInput): string[] {
  const { servers, workers, pools } = cluster ?? {};
  return [
    ...[containers, servers, workers].flatMap((guests) => Object.values(guests ?? {}).map(({ address }) => address)),
    ...Object.values(pools ?? {}).flatMap(({ addresses }) => [addresses.from, addresses.to]),
  ].filter((address) => address !== "dhcp");
}

test("the examples have guests", () => expect(labs.flatMap(({ lab }) => guestsOf(lab)).length).toBeGreaterThan(10));

test.each(labs)("no guest of $file may reach SSH or the Kubernetes API of another", ({ lab }) => {
  const management = (lab.network?.management ?? []).map(parseCidr);
  expect(guestsOf(lab).filter((address) => management.some((network) => contains(network, address)))).toEqual([]);
});
