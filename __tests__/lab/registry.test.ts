import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { readLab } from "../../lab/read";
import { type Chapter, type Code, chapters, registry } from "../../lab/registry";
import type { LabInput } from "../../lab/schema";
import { airGappedLab, baseLab, type Changes, clusterLab, gpuLab, labWith, ollamaLab, problemsOf } from "../../testing/lab";

/** The labs that an example is added to, in this order: the first that has the sections of the example. */
const bases: readonly LabInput[] = [baseLab, clusterLab, ollamaLab, gpuLab, airGappedLab];

/** The lab that an example is added to, where the first that has its sections is not the one, and what the example leaves out of it. */
const settings: Partial<Record<Code, { readonly base?: LabInput; readonly without?: Changes }>> = {
  "empty-lab": { without: { containers: undefined } },
  "section-missing": { without: { proxmox: undefined } },
  "node-missing": { without: { defaults: { container: { node: undefined } } } },
  "invalid-value": { without: { proxmox: { nodes: undefined } } },
  "cidr-missing": { without: { network: { cidr: undefined } } },
  "node-address-missing": { base: clusterLab, without: { proxmox: { nodes: { pve1: { address: undefined } } } } },
  "gateway-missing": { without: { network: { gateway: undefined } } },
  "no-checksum": { without: { defaults: { container: { ollama: { sha256: undefined } } } } },
  "no-ssh-key": { base: clusterLab },
  "ssh-missing": { base: clusterLab, without: { proxmox: { ssh: undefined } } },
  "wait-without-management": { base: clusterLab },
  "no-server": { without: { cluster: { servers: { "k3s-1": undefined } } } },
  "no-disk-source": { without: { cluster: { image: undefined } } },
  "gpu-ambiguous": { base: clusterLab },
  "gpu-incomplete": {
    base: clusterLab,
    without: { proxmox: { nodes: { pve1: { gpus: { rtx: { subsystemId: undefined } } } } } },
  },
  "too-many-gpus": { base: gpuLab },
  "gpus-overcommitted": { base: gpuLab },
  "gpu-memory-too-small": { base: gpuLab },
  "request-too-large": { base: gpuLab },
  "gpu-worker-too-small": { base: clusterLab },
  "no-node-selected": { base: gpuLab },
  "no-release": { without: { ollama: { releases: { ollama: undefined } } } },
  "http01-private-host": { base: gpuLab, without: { kubernetes: { certManager: { dns01: undefined } } } },
  "no-public-name": { base: gpuLab },
  "issuer-missing": { base: gpuLab, without: { kubernetes: { certManager: undefined } } },
  "storage-class-missing": { base: gpuLab, without: { kubernetes: { nfs: undefined } } },
  "k3s-without-sidecars": { base: gpuLab },
  "nfs-path-missing": { base: airGappedLab, without: { ollamaNfsPath: undefined } },
  "share-not-mounted": { base: gpuLab },
  "not-mirrored": { base: airGappedLab, without: { mirrors: undefined } },
};

function labOf(code: Code): LabInput {
  const example = parse(registry[code].example) as Changes;
  const { base, without = {} } = settings[code] ?? {};
  const fitting = bases.find((lab) => Object.keys(example).every((section) => section in lab));
  return labWith(example, labWith(without, base ?? fitting ?? baseLab));
}

/** What a file must be so that no lab can be read from it. Those that are not here have their content as example. */
const files: Partial<Record<Code, (file: string) => string>> = {
  "lab-missing": (file) => `${file}.nowhere`,
  "lab-is-folder": () => folder,
  "lab-not-a-file": () => "/dev/zero",
  "lab-too-large": (file) => {
    writeFileSync(file, "#".repeat(1024 * 1024 + 1));
    return file;
  },
  // A link to itself: nobody can read it, not even root.
  "lab-unreadable": (file) => {
    symlinkSync(file, file);
    return file;
  },
  "lab-not-utf8": (file) => {
    writeFileSync(file, Buffer.from([0xff, 0xfe]));
    return file;
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The codes that the reader finds in the example of a code that is about the file itself. */
function codesOfFile(code: Code): string[] {
  const file = join(folder, code);
  const lab = files[code]?.(file) ?? file;
  if (lab === file && !files[code]) writeFileSync(file, registry[code].example);
  return readLab(lab).problems.map((problem) => problem.code);
}

const [fileChapter, ...labChapters] = chapters;
const codesOf = (chapter: Chapter | undefined) => Object.keys(chapter?.kinds ?? {}) as Code[];

test.each(codesOf(fileChapter))("the file that %s describes has that problem", (code) => {
  expect(codesOfFile(code)).toEqual([code]);
});

test.each(labChapters.flatMap(codesOf))("the example of %s has that problem", (code) => {
  const found = problemsOf(labOf(code)).find((problem) => problem.code === code);
  expect(found?.severity).toBe(registry[code].severity);
});

test("no code is in two chapters", () => {
  const all = chapters.flatMap(codesOf);
  expect(all.filter((code, index) => all.indexOf(code) !== index)).toEqual([]);
});

test.each(Object.entries(registry))("%s has a meaning and a remedy that are sentences", (_, { meaning, remedy }) => {
  expect([meaning, remedy]).toEqual([expect.stringMatching(/^\S.*\.\)?$/), expect.stringMatching(/^\S.*\.$/)]);
});
