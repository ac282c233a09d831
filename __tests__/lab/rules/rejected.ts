import { formatPath, type Severity, type StackId } from "../../../lab/problem";
import type { Code } from "../../../lab/registry";
import type { LabInput } from "../../../lab/schema";
import { baseLab, type Changes, labWith, problemsOf } from "../../../testing/lab";

/** A lab that has one problem, and what the problem says. */
export interface Rejected {
  /** The fact, as the subject of "is refused" or "gives a warning". */
  readonly fact: string;
  /** What the lab has besides the base lab, or instead of it. */
  readonly lab: Changes;
  readonly code: Code;
  readonly path: string;
  /** Words that the message must have, so that it names both sides. */
  readonly names: readonly string[];
  readonly remedy?: string;
  /** A problem of another rule that this lab has too: a K3s this old gets no more patches. */
  readonly beside?: "k3s-ended";
}

/** A lab that gives a warning, which becomes an annotation of these stacks. */
export interface Warned extends Rejected {
  readonly stacks: readonly StackId[];
}

function check(
  base: LabInput,
  { lab, code, path, names, remedy, beside }: Rejected,
  severity: Severity,
  stacks?: readonly StackId[],
) {
  const problems = problemsOf(labWith(lab, base)).filter((problem) => problem.code !== beside);
  expect(problems.map((problem) => ({ ...problem, path: formatPath(problem.path) }))).toEqual([
    {
      code,
      severity,
      path,
      message: expect.any(String),
      remedy: remedy ?? expect.stringMatching(/[.?]$/),
      stacks: stacks ?? expect.anything(),
    },
  ]);
  for (const name of names) expect(problems[0]?.message).toContain(name);
  // The labs of these tests use this word for every credential.
  expect(JSON.stringify(problems)).not.toContain("hunter2");
}

/** Tests that each change of the base lab is an error. */
export function refused(base: LabInput, cases: readonly Rejected[]): void {
  test.each(cases)("$fact is refused", (rejected) => check(base, rejected, "error"));
}

/** Tests that each change of the base lab is a warning about its stacks. */
export function warned(base: LabInput, cases: readonly Warned[]): void {
  test.each(cases)("$fact gives a warning", (rejected) => check(base, rejected, "warning", rejected.stacks));
}

/** Tests that each change of the base lab has no problem. */
export function accepted(base: LabInput, cases: readonly (readonly [fact: string, lab: Changes])[]): void {
  test.each(cases)("%s is accepted", (_, lab) => expect(problemsOf(labWith(lab, base))).toEqual([]));
}

/** Changes of the container of `baseLab`. */
export const container = (changes: Changes) => ({ containers: { "ollama-1": changes } });

/** A second container for `baseLab`. */
export const second = (changes: Changes) => ({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22", ...changes } } });

/** A container beside the cluster of `clusterLab`. */
export const alsoContainer = (changes: Changes = {}) => ({
  defaults: { container: baseLab.defaults?.container },
  containers: { "ollama-1": { vmId: 201, address: "192.0.2.21", ...changes } },
});

/** Changes of the cluster of `clusterLab`. */
export const cluster = (changes: Changes) => ({ cluster: changes });

/** Changes of the worker of `clusterLab`. */
export const worker = (changes: Changes) => cluster({ workers: { "gpu-1": changes } });

/** A second worker for `clusterLab`. */
export const secondWorker = (changes: Changes = {}) =>
  cluster({ workers: { "cpu-1": { vmId: 312, address: "192.0.2.42", ...changes } } });

/** Changes of the graphics card of `clusterLab`. */
export const gpu = (changes: Changes) => ({ proxmox: { nodes: { pve1: { gpus: { rtx: changes } } } } });

/** The servers k3s-1 to k3s-N for `clusterLab`. k3s-1 initializes. Each has a Proxmox node of its own, unless `node` names one for all. */
export const servers = (number: number, changes: Changes = {}, node?: string) => ({
  proxmox: { nodes: { pve2: { address: "192.0.2.12" }, pve3: { address: "192.0.2.13" } } },
  cluster: {
    firstServer: "k3s-1",
    servers: Object.fromEntries(
      Array.from({ length: number }, (_, i) => [
        `k3s-${i + 1}`,
        { vmId: 301 + i, address: `192.0.2.${31 + i}`, node: node ?? `pve${(i % 3) + 1}` },
      ]),
    ),
    ...changes,
  },
});

/** A pool of two workers. */
export const cpuPool = {
  count: 2,
  nodes: ["pve1"],
  firstVmId: 320,
  addresses: { from: "192.0.2.50", to: "192.0.2.59" },
};

/** A pool of workers for `clusterLab`. */
export const pool = (changes: Changes = {}) => cluster({ pools: { cpu: { ...cpuPool, ...changes } } });

/** Changes of the release of `ollamaLab` and `gpuLab`. */
export const release = (changes: Changes) => ({ ollama: { releases: { ollama: changes } } });

/** A host with a lock, for a release. */
export const locked = (host: string) => ({ host, auth: { secretName: "ollama-users" } });

/** A second release for `ollamaLab` and `gpuLab`. */
export const twoReleases = (changes: Changes) => ({ ollama: { releases: { second: changes } } });

/** Values of the chart for the release of `ollamaLab` and `gpuLab`. */
export const values = (changes: Changes) => release({ values: changes });

/** Changes of cert-manager in `gpuLab`. */
export const certManager = (changes: Changes) => ({ kubernetes: { certManager: changes } });

/** The place of the release of `ollamaLab` and `gpuLab`. */
export const RELEASE = "ollama.releases.ollama";

/** The place of the chart's values of that release. */
export const VALUES = `${RELEASE}.values`;
