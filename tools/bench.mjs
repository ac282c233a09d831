// Prints how long a synthesis takes, as a ratio to `node -e 0` measured in the same run: machines differ, the ratio less so.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const RUNS = 7;
const folder = mkdtempSync(join(tmpdir(), "bench-"));

/** A lab with many containers, to see what one more costs. */
function largeLab(containers) {
  const lab = {
    name: "large",
    proxmox: { endpoint: "https://pve1.lab.example:8006/", nodes: { pve1: { address: "10.0.0.2" } } },
    network: { cidr: "10.0.0.0/16", gateway: "10.0.0.1", clients: ["10.0.0.0/16"], management: ["10.0.0.0/16"] },
    defaults: { container: { node: "pve1" } },
    containers: Object.fromEntries(
      Array.from({ length: containers }, (_, i) => [
        `c${i}`,
        { vmId: 1000 + i, address: `10.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}` },
      ]),
    ),
  };
  const file = join(folder, `${containers}.yaml`);
  writeFileSync(file, JSON.stringify(lab));
  return file;
}

function seconds(args, lab) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, LAB: lab, CDKTF_OUTDIR: join(folder, "cdktf.out") },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

try {
  for (const [name, lab] of [
    ["default lab", join(root, "examples/default.yaml")],
    ["200 containers", largeLab(200)],
    ["1000 containers", largeLab(1000)],
  ]) {
    const synth = [join(root, "main.mjs"), "synth"];
    seconds(synth, lab); // A first run builds the program where a source changed.
    const pairs = Array.from({ length: RUNS }, () => ({ empty: seconds(["-e", "0"], lab), synth: seconds(synth, lab) }));
    const ratio = median(pairs.map((pair) => pair.synth / pair.empty));
    const time = median(pairs.map((pair) => pair.synth));
    console.log(`${name.padEnd(16)} ${ratio.toFixed(1)} × node -e 0   (median of ${RUNS}; ${time.toFixed(2)} s here)`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
