// `npm run bench`: what check, synth and plan take, from one guest to ten thousand. Under two minutes on a quiet machine.
//   --save FILE      also writes the figures into a file
//   --against FILE   names what got slower or larger since such a file was written, and ends with 1 then
//   --json           prints the figures as JSON
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { openWorld } from "../testing/provider-replay/client";
import start from "../testing/provider-replay/start";
import { type Measured, median, type Record, slower, table } from "./bench-table";

const ROOT = dirname(__dirname);
const PROGRAM = join(ROOT, "main.mjs");
const { values: options } = parseArgs({
  options: { save: { type: "string" }, against: { type: "string" }, json: { type: "boolean", default: false } },
});
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const outdir = join(folder, "project/cdktf.out");
const terraform = process.env["TERRAFORM_BINARY"] ?? "terraform";

/** A lab with this many containers, and nothing else. */
function labOf(guests: number): string {
  const lab = {
    name: "large",
    proxmox: { endpoint: "https://pve1.lab.example:8006/", nodes: { pve1: { address: "10.0.0.2" } } },
    network: { cidr: "10.0.0.0/16", gateway: "10.0.0.1", clients: ["10.0.0.0/16"], management: ["10.0.0.0/16"] },
    defaults: { container: { node: "pve1" } },
    containers: Object.fromEntries(
      Array.from({ length: guests }, (_, i) => [
        `c${i}`,
        { vmId: 1000 + i, address: `10.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}` },
      ]),
    ),
  };
  const file = join(folder, "project", `${guests}.yaml`);
  // JSON is YAML too.
  writeFileSync(file, JSON.stringify(lab));
  return file;
}

interface Run {
  readonly seconds: number;
  readonly processor: number;
  readonly memoryMiB: number;
}

/** Runs Node once. @throws Error with what it printed when it fails */
function node(...args: string[]): Run {
  const probe = join(folder, "probe.json");
  const before = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, ["--require", join(__dirname, "bench-probe.cjs"), ...args], {
    cwd: ROOT,
    env: { ...process.env, BENCH_PROBE: probe, CDKTF_OUTDIR: outdir },
    encoding: "utf8",
  });
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stderr}`);
  return { seconds, ...(JSON.parse(readFileSync(probe, "utf8")) as Omit<Run, "seconds">) };
}

const empty = () => node("-e", "0");

/** Runs a command of the program, and an empty Node beside each run, because the machine's speed may drift. */
function measure(name: string, runs: number, args: readonly string[]): Measured {
  const pairs = Array.from({ length: runs }, () => ({ nothing: empty(), run: node(PROGRAM, ...args) }));
  return {
    name,
    seconds: median(pairs.map(({ run }) => run.seconds)),
    ratio: median(pairs.map(({ nothing, run }) => run.processor / nothing.processor)),
    memoryMiB: median(pairs.map(({ run }) => run.memoryMiB)),
  };
}

function outputMiB(): number {
  const files = readdirSync(outdir, { recursive: true, encoding: "utf8" }).map((file) => statSync(join(outdir, file)));
  return files.filter((stats) => stats.isFile()).reduce((sum, { size }) => sum + size, 0) / 2 ** 20;
}

/** Plans what was synthesized last. Providers are replayed, so that is Terraform's own time and none of Proxmox's. */
async function plan(name: string): Promise<Measured> {
  const world = await openWorld();
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    CHECKPOINT_DISABLE: "1",
    TF_CLI_CONFIG_FILE: "/dev/null",
    TF_REATTACH_PROVIDERS: world.reattachProviders,
  };
  const run = (...args: string[]) => {
    const before = process.hrtime.bigint();
    const { status, stderr } = spawnSync(terraform, args, {
      cwd: join(outdir, "stacks/containers"),
      env,
      encoding: "utf8",
      // A plan of many guests has megabytes of text.
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (status !== 0) throw new Error(`${terraform} ${args.join(" ")} ended with ${status}:\n${stderr}`);
    return Number(process.hrtime.bigint() - before) / 1e9;
  };
  run("init", "-input=false");
  const nothing = empty().seconds;
  const seconds = run("plan", "-input=false", "-out=plan");
  return { name, seconds, ratio: seconds / nothing };
}

/** How often a lab of so many guests is synthesized, and whether it is planned: a plan of a thousand would take longer than everything else. */
const SIZES: readonly { readonly guests: number; readonly runs: number; readonly plans: boolean }[] = [
  { guests: 1, runs: 7, plans: true },
  { guests: 10, runs: 7, plans: true },
  { guests: 100, runs: 5, plans: true },
  { guests: 300, runs: 3, plans: true },
  { guests: 1000, runs: 3, plans: false },
  { guests: 10_000, runs: 1, plans: false },
];

async function rows(): Promise<Measured[]> {
  mkdirSync(join(folder, "project"));
  const example = join(ROOT, "examples/default.yaml");
  // The first run builds the program where a source changed, and fills V8's cache.
  node(PROGRAM, "synth", example);
  const hasTerraform = spawnSync(terraform, ["version"]).status === 0;
  if (hasTerraform) start();
  else console.error(`${terraform} is not on PATH, so no plan is measured.`);
  const found = [measure("check, default lab", 9, ["check", example]), measure("synth, default lab", 9, ["synth", example])];
  const plans: Measured[] = [];
  for (const { guests, runs, plans: isPlanned } of SIZES) {
    const what = `${guests.toLocaleString("en")} ${guests === 1 ? "guest" : "guests"}`;
    const lab = labOf(guests);
    found.push({ ...measure(`synth, ${what}`, runs, ["synth", lab]), outputMiB: outputMiB() });
    if (isPlanned && hasTerraform) plans.push(await plan(`plan, ${what}`));
  }
  return [...found, ...plans];
}

async function bench(): Promise<void> {
  const record: Record = { node: process.version, rows: await rows() };
  console.log(options.json ? JSON.stringify(record, null, 2) : table(record.rows));
  if (options.save) writeFileSync(options.save, `${JSON.stringify(record, null, 2)}\n`);
  if (!options.against) return;
  // as: --save wrote it.
  const before = JSON.parse(readFileSync(options.against, "utf8")) as Record;
  const found = slower(record.rows, before.rows);
  console.error(
    found.length > 0 ? `Since ${options.against}:\n${found.join("\n")}` : `Nothing is slower than in ${options.against}.`,
  );
  if (found.length > 0) process.exitCode = 1;
}

bench().finally(() => rmSync(folder, { recursive: true }));
